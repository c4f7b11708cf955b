// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"net/netip"
	"testing"
	"time"
)

func TestHeartbeatsWakeTheLoop(t *testing.T) {
	woken := make(chan struct{}, 1)
	wake := func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}
	to, err := ListenUDP(netip.MustParseAddrPort("127.0.0.1:0"), wake)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	from, err := ListenUDP(netip.MustParseAddrPort("127.0.0.1:0"), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	at := to.(*udp).conn.LocalAddr().String()
	b := make([]byte, 100)
	if n, _, ok := to.Receive(b); ok {
		t.Fatalf("Receive = %d bytes before anything was sent", n)
	}
	for round := range 3 { // again and again, and all of a burst
		for i := range 5 {
			if err := from.Send(netip.MustParseAddrPort(at), []byte{byte(round), byte(i)}); err != nil {
				t.Fatal(err)
			}
		}
		for i := 0; i < 5; {
			select {
			case <-woken:
			case <-time.After(patience):
				t.Fatalf("round %d: nobody woke the loop after %d datagrams", round, i)
			}
			for {
				n, src, ok := to.Receive(b)
				if !ok {
					break
				}
				if n != 2 || b[0] != byte(round) || b[1] != byte(i) || src.String() != from.(*udp).conn.LocalAddr().String() {
					t.Fatalf("round %d: got % x from %v, want datagram %d", round, b[:n], src, i)
				}
				i++
			}
		}
	}
	if _, err := ListenUDP(netip.MustParseAddrPort(at), wake); err == nil {
		t.Error("two sockets at one address")
	}
}
