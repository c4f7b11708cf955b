// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestNeighbourTellsTheMACOfABox(t *testing.T) {
	families(t, false, func(t *testing.T, l *lab) {
		left, right := l.boxes["left"], l.boxes["right"]
		list := []netip.Addr{l.addr(2)}
		if l.v6 {
			list = append(list, netip.MustParseAddr("fe80::ff:fe00:2"))
		}
		for _, a := range list {
			for range 2 { // unknown, then known
				var mac net.HardwareAddr
				l.in(right.ns, func() (err error) {
					ctx, cancel := context.WithTimeout(t.Context(), long)
					defer cancel()
					mac, err = Neighbour(ctx, "eth0", a)
					return err
				})
				if mac.String() != left.mac.String() {
					t.Errorf("Neighbour(%v) = %v, want %v", a, mac, left.mac)
				}
			}
		}
		var err error
		l.in(right.ns, func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			_, err = Neighbour(ctx, "eth0", l.addr(99))
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), "nobody") {
			t.Errorf("Neighbour of nobody: %v", err)
		}
	})
}
