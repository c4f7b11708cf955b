// SPDX-License-Identifier: Apache-2.0

package health

import (
	"bytes"
	"context"
	"math"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var loopbacks = []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1"),
	netip.MustParseAddr("::ffff:127.0.0.1")}

// TestPing pings for real with every kind of socket that this process may open.
func TestPing(t *testing.T) {
	for _, to := range loopbacks {
		for _, kind := range []struct {
			name string
			open openEchoFunc
		}{
			{"any", openEcho},
			{"ping", func(a netip.Addr) (echoSocket, error) { return openEchoAs(a, unix.SOCK_DGRAM) }},
			{"raw", func(a netip.Addr) (echoSocket, error) { return openEchoAs(a, unix.SOCK_RAW) }},
		} {
			t.Run(to.String()+" "+kind.name, func(t *testing.T) {
				p := echoTo(to)
				p.open = kind.open
				script := newTranscript()
				r := ask(t.Context(), p, p.ProbeConfig, script)
				if r.Outcome == Unavailable {
					t.Logf("not permitted here: %s; the test in a network namespace of its own covers it", r.Detail)
					return
				}
				if r.Outcome != Good || !strings.HasPrefix(r.Detail, "echo reply after ") {
					t.Errorf("got %+v, want good", r)
				}
				if script.nSent != 24 || script.nRecv != 24 || len(script.notes) != 1 {
					t.Errorf("sent %d and received %d bytes, notes %q; want 24 and 24, one note",
						script.nSent, script.nRecv, script.notes)
				}
			})
		}
	}
}

func echoTo(to netip.Addr) *icmpProber {
	cfg := ProbeConfig{Type: ICMP, DataTimeout: 20 * time.Second, Timeout: 30 * time.Second}
	return newProber(cfg.withDefaults(), netip.AddrPortFrom(to, 80), nil).(*icmpProber)
}

// The kernel refuses to ping the broadcast address; that right cannot be had.
func TestPingOfAnAddressThatIsNone(t *testing.T) {
	p := echoTo(netip.MustParseAddr("255.255.255.255"))
	r := ask(t.Context(), p, p.ProbeConfig, nil)
	if r.Outcome == Unavailable && r.Reason == Permission {
		t.Skipf("not permitted here: %s", r.Detail)
	}
	if r.Outcome != Bad || r.Reason != Unreachable {
		t.Errorf("got %+v, want bad, unreachable", r)
	}
}

// Without the right to open a socket nothing is said of the member. The thread
// of this test gives up CAP_NET_RAW and every group that may ping; it ends with
// the test's goroutine.
func TestPingWithoutTheRightIsUnavailable(t *testing.T) {
	done := make(chan struct{})
	var r [2]Result
	var dropped error
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlock: the thread dies
		if dropped = dropRights(); dropped != nil {
			return
		}
		for i, to := range loopbacks[:2] {
			p := echoTo(to)
			r[i] = p.probe(context.Background(), nil)
		}
	}()
	<-done
	if dropped != nil {
		t.Skipf("cannot give up rights: %v", dropped)
	}
	for i, r := range r {
		if r.Outcome != Unavailable || r.Reason != Permission ||
			!strings.Contains(r.Detail, "CAP_NET_RAW") {
			t.Errorf("ping of %v = %+v, want unavailable, permission", loopbacks[i], r)
		}
	}
}

// A network namespace of its own lets the test permit ping sockets, whatever the
// machine permits.
func TestPingSocketNeedsNoPrivilege(t *testing.T) {
	done := make(chan struct{})
	var r [2]Result
	var notes []string
	var unable error
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlock: the thread leaves the namespace by dying
		if unable = permitPing(); unable != nil {
			return
		}
		if unable = dropCapabilities(); unable != nil {
			return
		}
		for i, to := range loopbacks[:2] {
			script := newTranscript()
			r[i] = echoTo(to).probe(context.Background(), script)
			notes = append(notes, strings.Join(script.notes, " "))
		}
	}()
	<-done
	if unable != nil {
		t.Skipf("cannot make a network namespace: %v", unable)
	}
	for i := range r {
		if r[i].Outcome != Good || !strings.HasPrefix(notes[i], "ping socket") {
			t.Errorf("ping of %v = %+v, %q; want good, by a ping socket", loopbacks[i], r[i], notes[i])
		}
	}
}

// permitPing moves the calling thread to a new network namespace, in which every
// group may ping and loopback is up.
func permitPing() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	err := os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("0 2147483647"), 0)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

func dropCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&header, &none[0])
}

// dropRights works on the calling thread only: raw system calls bypass the
// copying to all threads that package syscall does.
func dropRights() error {
	const nobody = math.MaxUint32 - 1 // no ping_group_range reaches it
	if _, _, e := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); e != 0 {
		return e
	}
	if _, _, e := unix.RawSyscall(unix.SYS_SETRESGID, nobody, nobody, nobody); e != 0 {
		return e
	}
	return dropCapabilities()
}

// A deafLine is a packetConn on which replies arrive that were prepared.
type deafLine struct {
	net.PacketConn
	replies func(request []byte) [][]byte
	queue   [][]byte
}

func (d *deafLine) Write(b []byte) (int, error) {
	d.queue = d.replies(b)
	return len(b), nil
}

func (d *deafLine) ReadFrom(b []byte) (int, net.Addr, error) {
	if len(d.queue) == 0 {
		return 0, nil, context.DeadlineExceeded
	}
	n := copy(b, d.queue[0])
	d.queue = d.queue[1:]
	return n, nil, nil
}

func (d *deafLine) SetDeadline(time.Time) error { return nil }
func (d *deafLine) Close() error                { return nil }

func TestOnlyItsOwnReplyCounts(t *testing.T) {
	reply := func(change func(e *echo)) func([]byte) [][]byte {
		return func(request []byte) [][]byte {
			e := echo{id: 7, seq: uint16(request[6])<<8 | uint16(request[7]), data: bytes.Clone(request[8:])}
			change(&e)
			b := e.request(false)
			b[0], b[2], b[3] = echoReply4, 0, 0
			sum := checksum(b)
			b[2], b[3] = byte(sum>>8), byte(sum)
			return [][]byte{b}
		}
	}
	for _, tt := range []struct {
		name    string
		replies func([]byte) [][]byte
		want    Outcome
	}{
		{"its own", reply(func(*echo) {}), Good},
		{"other identifier", reply(func(e *echo) { e.id++ }), Bad},
		{"other sequence", reply(func(e *echo) { e.seq++ }), Bad},
		{"other data", reply(func(e *echo) { e.data[0]++ }), Bad},
		{"less data", reply(func(e *echo) { e.data = e.data[:8] }), Bad},
		{"request instead of reply", func(b []byte) [][]byte { return [][]byte{b} }, Bad},
		{"nothing", func([]byte) [][]byte { return nil }, Bad},
		{"after those to others", func(b []byte) [][]byte {
			own := reply(func(*echo) {})(b)[0]
			other := bytes.Clone(own)
			other[4]++
			return [][]byte{{}, b, other, own[:7], own}
		}, Good},
		{"wrong checksum", func(b []byte) [][]byte {
			own := reply(func(*echo) {})(b)[0]
			own[2]++
			return [][]byte{own}
		}, Bad},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := echoTo(loopbacks[0])
			p.open = func(netip.Addr) (echoSocket, error) {
				return echoSocket{conn: &deafLine{replies: tt.replies}, id: 7, kind: "fake"}, nil
			}
			if r := p.probe(t.Context(), nil); r.Outcome != tt.want {
				t.Errorf("got %+v, want %v", r, tt.want)
			}
		})
	}
}

// The example is an echo request as ping(8) sends it.
func TestEchoRequest(t *testing.T) {
	got := echo{id: 0x1234, seq: 1, data: []byte("abcd")}.request(false)
	want := []byte{8, 0, 0x21, 0x04, 0x12, 0x34, 0, 1, 'a', 'b', 'c', 'd'}
	if !bytes.Equal(got, want) {
		t.Errorf("request = % x, want % x", got, want)
	}
	if got := (echo{id: 1, seq: 2}).request(true); !bytes.Equal(got, []byte{128, 0, 0, 0, 0, 1, 0, 2}) {
		t.Errorf("ICMPv6 request = % x", got)
	}
}
