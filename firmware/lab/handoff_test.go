// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"evener/firmware/manage"
)

// A planned switch is nothing that a client notices: not one request fails, and what
// was under way ends as it should.
func TestASwitchLetsConnectionsEnd(t *testing.T) {
	l := pair(t, Config{Group: "interval = \"100ms\"\n  handoff = \"10m\""})
	left, right := l.Boxes[0], l.Boxes[1]
	for _, move := range []struct{ from, to *Box }{{left, right}, {right, left}} {
		t.Run(move.from.Name+" to "+move.to.Name, func(t *testing.T) {
			visitors := visit(t, l, false)
			s := l.Client.stream(t, 5)
			await(t, "the standby is ready", func() error { return move.to.ready(t.Context()) })
			must(t, move.from.Call(t.Context(), "ha.switch", map[string]string{"group": "front"}, nil))
			settled(t, l, move.to)
			if err := <-s; err != nil {
				t.Errorf("the answer that was under way: %v", err)
			}
			noneFail(t, visitors)
			await(t, move.to.Name+" tells of packets and connections that it hands off", func() error {
				h := group(t, move.to).Handoff
				if h == nil || h.Problem != "" || h.Packets == 0 || h.Connections == 0 || h.Until.IsZero() {
					return fmt.Errorf("%+v", h)
				}
				t.Logf("handed off: %+v", h)
				return nil
			})
		})
	}
	t.Run("what is kept goes with the process", func(t *testing.T) {
		if out, err := right.Space.Run("ip", "-o", "address", "show", "dev", "lo"); err != nil || !strings.Contains(out, VIP.String()) || !strings.Contains(out, VIP6.String()) {
			t.Errorf("the loopback of the old box has\n%s(%v), want the addresses of the group", out, err)
		}
		kill(t, right, "ha")
		await(t, "the loopback is clean", func() error {
			out, err := right.Space.Run("ip", "-o", "address", "show", "dev", "lo")
			if strings.Contains(out, VIP.String()) || strings.Contains(out, VIP6.String()) {
				err = errors.Join(err, errors.New(out))
			}
			return err
		})
		settled(t, l, left)
	})
}

// A box that is stopped in order, as for a reboot, lets its clients notice as little.
func TestABoxThatStopsLetsConnectionsEnd(t *testing.T) {
	l := pair(t, Config{Group: "interval = \"100ms\"\n  handoff = \"10m\""})
	left, right := l.Boxes[0], l.Boxes[1]
	visitors := visit(t, l, true) // nobody tells clients of a tcp cluster to come again
	s := l.Client.stream(t, 3)
	await(t, "the standby is ready", func() error { return right.ready(t.Context()) })
	must(t, left.Stop())
	if err := <-s; err != nil {
		t.Errorf("the answer that was under way: %v", err)
	}
	await(t, "right has the group", func() error {
		if g := group(t, right); g.State != manage.HAActive || g.Pinned || !strings.Contains(g.Reason, "left hands over (it stops)") {
			return fmt.Errorf("it is %s, pinned: %v, because of %q", g.State, g.Pinned, g.Reason)
		}
		return nil
	})
	noneFail(t, visitors)
	must(t, left.Start())
	settled(t, l, left)
}

// visit has clients of all kinds served until the test ends. Those of the tcp cluster keep their
// connections or make fresh ones.
func visit(t *testing.T, l *Lab, freshTCP bool) map[string]*Visitor {
	t.Helper()
	visitors := map[string]*Visitor{
		"kept, behind the router": l.Client.Visit(Visits{URL: "http://" + VIP.String() + "/"}),
		"tcp, on the network":     l.Neighbour.Visit(Visits{URL: "http://" + VIP.String() + ":81/", Fresh: freshTCP}),
		"kept, IPv6":              l.Neighbour.Visit(Visits{URL: "http://[" + VIP6.String() + "]/"}),
		"fresh":                   l.Client.Visit(Visits{URL: "http://" + VIP.String() + "/", Fresh: true}),
	}
	for _, v := range visitors {
		t.Cleanup(func() { v.Stop() })
		await(t, "clients are served", func() error { return enough(v, 20) })
	}
	return visitors
}

// noneFail waits until all visitors are served again, and wants that none has failed.
func noneFail(t *testing.T, visitors map[string]*Visitor) {
	t.Helper()
	for name, v := range visitors {
		from := v.Seen().Answered
		await(t, "clients are served again", func() error { return enough(v, from+20) })
		seen := v.Stop()
		t.Logf("%s: %v", name, seen)
		if seen.Failed > 0 {
			t.Errorf("%s: %v, want none to fail", name, seen)
		}
	}
}

// ready says why a box cannot take the group over as a planned switch does.
func (b *Box) ready(ctx context.Context) error {
	s, err := b.HA(ctx)
	if err != nil {
		return err
	}
	if g := s.Groups[0]; g.State != manage.HABackup || !g.Healthy {
		return fmt.Errorf("it is %s because of %q", g.State, g.Reason)
	}
	return nil
}

// stream begins to read what a server sends for some seconds, and tells whether all of
// it came, in order.
func (s *Space) stream(t *testing.T, seconds int) <-chan error {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: s.dial, DisableKeepAlives: true}}
	resp, err := client.Get(fmt.Sprintf("http://%v/stream?seconds=%d", VIP, seconds))
	must(t, err)
	done := make(chan error, 1)
	go func() {
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		n := 0
		for ; lines.Scan(); n++ {
			if !strings.HasSuffix(lines.Text(), fmt.Sprintf(" %d", n)) {
				done <- fmt.Errorf("line %d is %q", n, lines.Text())
				return
			}
		}
		err := lines.Err()
		if n != 10*seconds {
			err = errors.Join(err, fmt.Errorf("%d lines came, want %d", n, 10*seconds))
		}
		done <- err
	}()
	return done
}
