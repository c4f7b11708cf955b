// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func tcp(addr string, count int) ListenSpec {
	return ListenSpec{Network: "tcp", Addr: netip.MustParseAddrPort(addr), Count: count}
}

func TestSpecCheckSaysWhatIsWrong(t *testing.T) {
	for _, tt := range []struct {
		spec ListenSpec
		want string
	}{
		{tcp("127.0.0.1:80", 1), ""},
		{tcp("127.0.0.1:80", 0), ""},
		{tcp("127.0.0.1:80", -1), "must be 1 to 128, not -1"},
		{tcp("127.0.0.1:80", MaxSockets+1), "must be 1 to 128, not 129"},
		{tcp("127.0.0.1:0", 1), "port must be 1 to 65535"},
		{tcp("[::ffff:1.2.3.4]:80", 1), "write the address as 1.2.3.4"},
		{ListenSpec{Network: "tcp"}, "address is missing"},
		{spec("sctp", "127.0.0.1:80"), `must be tcp or udp, not "sctp"`},
		{ListenSpec{Network: "udp", Addr: netip.MustParseAddrPort("1.2.3.4:5"), V6Only: true}, "needs an IPv6 address"},
		{ListenSpec{Network: "tcp", Addr: netip.MustParseAddrPort("1.2.3.4:5"), Backlog: -1}, "backlog must be positive"},
	} {
		err := tt.spec.check()
		if (tt.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: check = %v, want %q", tt.spec, err, tt.want)
		}
	}
}

func TestBusyPortSaysWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name   string
		shared bool // the other program, of the same user, uses SO_REUSEPORT too
	}{{"alone", false}, {"shared", true}} {
		t.Run(tt.name, func(t *testing.T) {
			addr := freePort(t)
			fd, err := bindSocket(tcp(addr, 1), tt.shared)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			if err := unix.Listen(fd, 1); err != nil {
				t.Fatal(err)
			}
			free := freePort(t)
			held := listeners{}
			defer held.closeAll()
			err = held.acquire("engine", []ListenSpec{tcp(free, 2), tcp(addr, 2)})
			want := fmt.Sprintf("(process %d); stop it or change listen", os.Getpid())
			if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, unix.EADDRINUSE) {
				t.Errorf("acquire = %v, want %q", err, want)
			}
			if n := strings.Count(err.Error(), "in use"); n != 1 {
				t.Errorf("%q says %d times that the address is in use, want once", err, n)
			}
			if _, err := net.Dial("tcp", free); err == nil || len(held) > 0 {
				t.Errorf("a listener of the failed set is open: %v", held)
			}
		})
	}
}

func TestBusyUDPPortIsFound(t *testing.T) {
	other, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	held := listeners{}
	defer held.closeAll()
	if err := held.acquire("engine", []ListenSpec{spec("udp", other.LocalAddr().String())}); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("acquire = %v, want %v", err, unix.EADDRINUSE)
	}
}

func TestAcquireReportsEveryMistake(t *testing.T) {
	held := listeners{}
	defer held.closeAll()
	err := held.acquire("engine", []ListenSpec{spec("sctp", "127.0.0.1:80"), tcp("192.0.2.1:80", 1), tcp(freePort(t), 1)})
	if err == nil || !strings.Contains(err.Error(), "sctp") || !strings.Contains(err.Error(), "the box has no address 192.0.2.1") {
		t.Errorf("acquire = %v, want both mistakes", err)
	}
	if len(held) > 0 {
		t.Errorf("held = %v after a failure, want nothing", held)
	}
}

func TestAcquireAgainGivesTheSameSockets(t *testing.T) {
	addr := freePort(t)
	held := listeners{}
	defer held.closeAll()
	sockets := func(s ListenSpec) []int {
		t.Helper()
		if err := held.acquire("engine", []ListenSpec{s}); err != nil {
			t.Fatal(err)
		}
		return slices.Clone(held[s.key()].fds)
	}
	two := sockets(tcp(addr, 2))
	if again := sockets(tcp(addr, 2)); !slices.Equal(again, two) || len(two) != 2 {
		t.Errorf("sockets = %v, then %v; want the same two", two, again)
	}
	if fewer := sockets(tcp(addr, 1)); !slices.Equal(fewer, two) {
		t.Errorf("sockets = %v, want %v: closing one drops its queue", fewer, two)
	}
	more := sockets(tcp(addr, 3))
	if len(more) != 3 || !slices.Equal(more[:2], two) {
		t.Errorf("sockets = %v, want %v and one more", more, two)
	}
	for _, fd := range more {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
			t.Errorf("socket %d blocks", fd)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("socket %d would be inherited", fd)
		}
	}
	if err := held.acquire("console", []ListenSpec{tcp(addr, 1)}); err == nil || !strings.Contains(err.Error(), "role engine") {
		t.Errorf("acquire by another role = %v, want who has it", err)
	}
}

func TestWildcardAndAddressMayOverlapForAWhile(t *testing.T) {
	port := netip.MustParseAddrPort(freePort(t)).Port()
	wild := ListenSpec{Network: "tcp", Addr: netip.AddrPortFrom(netip.IPv4Unspecified(), port)}
	one := ListenSpec{Network: "tcp", Addr: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)}
	held := listeners{}
	defer held.closeAll()
	// A commit that moves a cluster acquires the new set before it lets the
	// old one go.
	if err := held.acquire("engine", []ListenSpec{wild}); err != nil {
		t.Fatal(err)
	}
	if err := held.acquire("engine", []ListenSpec{one}); err != nil {
		t.Fatal(err)
	}
	if closed := held.keep("engine", []ListenSpec{one}); len(closed) != 1 || closed[0].key() != wild.key() {
		t.Errorf("keep closed %v, want %v", closed, wild)
	}
}

func TestKeepLeavesOtherRolesAlone(t *testing.T) {
	a, b := tcp(freePort(t), 1), tcp(freePort(t), 1)
	held := listeners{}
	defer held.closeAll()
	if err := errors.Join(held.acquire("engine", []ListenSpec{a}), held.acquire("console", []ListenSpec{b})); err != nil {
		t.Fatal(err)
	}
	held.keep("engine", nil)
	if got := held.of("engine"); len(got) != 0 {
		t.Errorf("engine holds %q after Keep of nothing", got)
	}
	if got := held.of("console"); !slices.Equal(got, []string{b.String()}) {
		t.Errorf("console holds %q, want %q", got, b)
	}
	if _, err := net.DialTimeout("tcp", a.Addr.String(), time.Second); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("dial = %v, want it refused", err)
	}
}

func TestIPv6AndFreeBind(t *testing.T) {
	port := netip.MustParseAddrPort(freePort(t)).Port()
	v6 := ListenSpec{Network: "tcp", Addr: netip.AddrPortFrom(netip.IPv6Unspecified(), port), V6Only: true}
	v4 := ListenSpec{Network: "tcp", Addr: netip.AddrPortFrom(netip.IPv4Unspecified(), port)}
	away := tcp("192.0.2.1:"+v4.Addr.String()[len("0.0.0.0:"):], 1)
	away.FreeBind = true
	held := listeners{}
	defer held.closeAll()
	if err := held.acquire("engine", []ListenSpec{v6, v4, away}); err != nil {
		t.Error(err)
	}
}

// TestRolesShareNoClients: the kernel would let them.
func TestRolesShareNoClients(t *testing.T) {
	port := freePort(t)
	port = port[strings.LastIndexByte(port, ':')+1:]
	only6 := func(addr string) ListenSpec {
		s := tcp(addr+":"+port, 1)
		s.V6Only = true
		return s
	}
	for _, tt := range []struct {
		engine, console ListenSpec
		refused         bool
	}{
		{tcp("127.0.0.1:"+port, 1), tcp("127.0.0.1:"+port, 1), true},
		{tcp("0.0.0.0:"+port, 2), tcp("127.0.0.1:"+port, 1), true},
		{tcp("127.0.0.1:"+port, 2), tcp("0.0.0.0:"+port, 1), true},
		{tcp("127.0.0.1:"+port, 2), tcp("[::]:"+port, 1), true},
		{tcp("127.0.0.1:"+port, 2), only6("[::]"), false},
		{tcp("127.0.0.1:"+port, 1), tcp("127.0.0.2:"+port, 1), false},
		{tcp("127.0.0.1:"+port, 1), only6("[::1]"), false},
		{only6("[::1]"), only6("[::]"), true},
		{spec("udp", "127.0.0.1:"+port), tcp("127.0.0.1:"+port, 1), false},
	} {
		held := listeners{}
		if err := held.acquire("engine", []ListenSpec{tt.engine}); err != nil {
			t.Fatal(err)
		}
		err := held.acquire("console", []ListenSpec{tt.console})
		if (err != nil) != tt.refused || err != nil && !strings.Contains(err.Error(), fmt.Sprintf("the role engine listens on %s; change listen", tt.engine)) {
			t.Errorf("console on %s beside engine on %s: %v, want refused %t", tt.console, tt.engine, err, tt.refused)
		}
		held.closeAll()
	}
}
