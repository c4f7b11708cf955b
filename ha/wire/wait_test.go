// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A pipe is a source for tests: what is written into it comes out as packets.
type pipe struct {
	waker
	r, w  int
	stall func()
}

func newPipe(t *testing.T) *pipe {
	t.Helper()
	w, err := newWaker()
	must(t, err)
	var p [2]int
	must(t, unix.Pipe2(p[:], unix.O_NONBLOCK|unix.O_CLOEXEC))
	t.Cleanup(func() { w.close(); unix.Close(p[0]); unix.Close(p[1]) })
	return &pipe{waker: w, r: p[0], w: p[1], stall: func() {}}
}

func (p *pipe) fds() ([]unix.PollFd, error) {
	return []unix.PollFd{{Fd: int32(p.waker.fd), Events: unix.POLLIN}, {Fd: int32(p.r), Events: unix.POLLIN}}, nil
}

func (p *pipe) collect(fds []unix.PollFd, b *Batch) (bool, error) {
	p.stall()
	buf := make([]byte, 1)
	for fds[1].Revents != 0 {
		if n, err := unix.Read(p.r, buf); n != 1 || err != nil {
			break
		}
		b.Packets = append(b.Packets, Packet{TTL: int(buf[0]), At: time.Now()})
	}
	return p.clear(), nil
}

// A process that was stopped for longer than a router may be silent must not believe
// that it was silent: what came meanwhile is read with the moment that is judged.
func TestWhatCameDuringAPauseIsReadBeforeTimeIsJudged(t *testing.T) {
	p := newPipe(t)
	_, err := unix.Write(p.w, []byte{7})
	must(t, err)
	past := time.Now().Add(-time.Hour)
	b, err := wait(p, past)
	must(t, err)
	if len(b.Packets) != 1 || b.At.Before(past) {
		t.Errorf("until a time that has passed, came %+v", b)
	}
	// What comes later than the moment does not count as missed, whenever it is read.
	p.stall = func() {
		time.Sleep(time.Millisecond)
		_, err := unix.Write(p.w, []byte{8})
		must(t, err)
	}
	b, err = wait(p, past)
	must(t, err)
	for _, x := range b.Packets {
		if !x.At.After(b.At) {
			t.Errorf("a packet of %v was read at %v", x.At, b.At)
		}
	}
	p.stall = func() {}
	if b, err = wait(p, past); err != nil || len(b.Packets) != 1 {
		t.Errorf("the packet that came during the stall is lost: %+v, %v", b, err)
	}
}

func TestFloodDoesNotKeepTheCallerNorOtherNetworks(t *testing.T) {
	dir := t.TempDir()
	left, right := simBox(t, dir, "left"), simBox(t, dir, "right")
	a := attach(t, left, Config{Interface: "lan1", Family: IPv4})
	attach(t, right, Config{Interface: "lan1", Family: IPv4})
	must(t, unix.SetsockoptInt(right.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<20))
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
				_ = a.Send(Group(IPv4), payload(1)) // full now and then
			}
		}
	}()
	defer func() { close(stop); <-ended }()
	for range 5 {
		b, err := right.Wait(time.Now().Add(long))
		must(t, err)
		if len(b.Packets) == 0 || len(b.Packets) > maxBatch || b.More != (len(b.Packets) == maxBatch) {
			t.Errorf("one Wait brought %d packets, more=%v", len(b.Packets), b.More)
		}
	}
}

func TestFloodOfOneNetworkLeavesTheOthersTheirTurn(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	left, right := newBox(t, "left", "192.0.2.11/24"), newBox(t, "right", "192.0.2.12/24")
	lanL, lanR := left.lan(), right.lan()
	flood, other := attach(t, lanL, Config{Interface: "lan1", Family: IPv4}), attach(t, lanL, Config{Interface: "lan1", Family: IPv6})
	for _, s := range []Station{attach(t, lanR, Config{Interface: "lan1", Family: IPv4}), attach(t, lanR, Config{Interface: "lan1", Family: IPv6})} {
		ready(t, lanR, s)
	}
	ready(t, lanL, flood)
	ready(t, lanL, other)
	for range 6 { // in which order sockets are read is left to chance
		for range maxBatch + 200 { // more than the socket may hold
			must(t, flood.Send(Group(IPv4), payload(1)))
		}
		must(t, other.Send(Group(IPv6), payload(2)))
		waitFor(t, lanR, "the packet of the other", func(b Batch) bool {
			i := slices.IndexFunc(b.Packets, func(p Packet) bool { return p.Family == IPv6 })
			if i > 1 {
				t.Errorf("%d packets of the flood came before the packet of the other", i)
			}
			return i >= 0
		})
	}
}
