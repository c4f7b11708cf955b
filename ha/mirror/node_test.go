// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestThreeBoxesBecomeEqual(t *testing.T) {
	boxes := []*box{newBox(t, "a", nil), newBox(t, "b", nil), newBox(t, "c", nil)}
	for i, b := range boxes {
		for k := range 500 {
			b.table.set(fmt.Sprint(b.cfg.Node, k), "x", int64(i))
		}
	}
	meet(t, boxes...)
	for _, b := range boxes {
		b.start(t)
	}
	connected(t, boxes...)
	boxes[2].table.set("late", "yes", 5)
	for _, b := range boxes {
		eventually(t, b.cfg.Node+" has all", func() bool { return b.table.len() == 1501 && b.table.get("late") == "yes" })
	}
}

// fourth is not let in: four boxes are the most.
func TestAtMostFourBoxes(t *testing.T) {
	b := newBox(t, "a", nil)
	var peers []Peer
	for _, name := range []string{"b", "c", "d"} {
		o := newBox(t, name, nil)
		peers = append(peers, o.as())
	}
	if err := b.SetPeers(peers); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]Peer{
		"too many":         append(peers[:3:3], newBox(t, "e", nil).as()),
		"own name":         {{Name: "a", Address: "127.0.0.1:1"}},
		"own certificate":  {{Name: "b", Address: "127.0.0.1:1", Fingerprint: b.id.Fingerprint()}},
		"same name":        {peers[0], {Name: "b", Address: "127.0.0.1:1"}},
		"same certificate": {peers[0], {Name: "z", Address: "127.0.0.1:1", Fingerprint: peers[0].Fingerprint}},
		"no port":          {{Name: "b", Address: "127.0.0.1"}},
		"no name":          {{Address: "127.0.0.1:1"}},
	} {
		if err := b.SetPeers(bad); err == nil {
			t.Errorf("SetPeers(%s) is accepted", name)
		}
	}
}

// What two of three boxes got differently from the third before it went away for
// good is made equal between them.
func TestLostBoxesChangesSpread(t *testing.T) {
	a, b, c := newBox(t, "a", nil), newBox(t, "b", nil), newBox(t, "c", nil)
	meet(t, a, b, c)
	for _, x := range []*box{a, b, c} {
		x.start(t)
	}
	connected(t, a, b, c)
	settled(t, b, "c")
	// b got this from a, and c did not.
	b.table.mu.Lock()
	b.table.values["k"] = string(Stamp{Time: 9, Node: "a"}.Append(nil)) + "of a"
	b.table.mu.Unlock()
	a.end()
	for _, x := range []*box{b, c} {
		eventually(t, "the loss is seen", func() bool { return !x.peerOf("a").Connected })
		p := x.peer("a")
		eventually(t, "the stream is gone", func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.in == nil && !p.inLost.IsZero()
		})
		p.mu.Lock()
		p.inLost = p.inLost.Add(-lostFor)
		p.mu.Unlock()
	}
	eventually(t, "c has it from b", func() bool { return c.table.get("k") == "of a" })
}

func TestVersionsMayDifferByOne(t *testing.T) {
	tests := []struct {
		name                       string
		oldMin, oldMax, min2, max2 int
		want                       int // 0: refused
	}{
		{"same", 1, 1, 1, 1, 1},
		{"next", 1, 1, 1, 2, 1},
		{"two ahead", 1, 1, 2, 3, 0},
		{"both newer", 1, 2, 2, 3, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			left, right := newBox(t, "left", nil), newBox(t, "right", nil)
			left.protocolMin, left.protocolMax = tt.oldMin, tt.oldMax
			right.protocolMin, right.protocolMax = tt.min2, tt.max2
			meet(t, left, right)
			left.start(t)
			right.start(t)
			if tt.want == 0 {
				for _, x := range []struct{ b, o *box }{{left, right}, {right, left}} {
					eventually(t, "the reason is shown", func() bool {
						p := x.b.peerOf(x.o.cfg.Node)
						return strings.Contains(p.Problem, "update the older one") && !p.Connected
					})
				}
				return
			}
			connected(t, left, right)
			if got := left.peerOf("right").Protocol; got != tt.want {
				t.Errorf("protocol = %d, want %d", got, tt.want)
			}
			right.table.set("a", "1", 1)
			eventually(t, "a record passes", func() bool { return left.table.get("a") == "1" })
		})
	}
}

func TestForeignCertificateIsRefusedAndCounted(t *testing.T) {
	left, right := pair(t, nil)
	stranger, err := NewIdentity("right")
	if err != nil {
		t.Fatal(err)
	}
	for _, protocol := range []string{alpnMirror, alpnPair, "h2", ""} {
		before := left.Status().Refused
		cfg := tlsConfig(stranger, func(string, Fingerprint) error { return nil }, protocol)
		if protocol == "" {
			cfg.NextProtos = nil
		}
		c, err := tls.Dial("tcp", left.addr, cfg)
		if err == nil {
			c.SetReadDeadline(time.Now().Add(patience))
			_, err = c.Read(make([]byte, 1))
			c.Close()
		}
		if !isTLSAlert(err) {
			t.Errorf("protocol %q: %v, want an alert", protocol, err)
		}
		eventually(t, "it is counted", func() bool { return left.Status().Refused > before })
	}
	if s := left.Status(); s.LastRefusal == "" || s.LastRefused.IsZero() {
		t.Errorf("the refusal is not told: %+v", s)
	}
	connected(t, left, right)
}

// Somebody else answers at the peer's address.
func TestPeerWithAnotherCertificateIsNotTalkedTo(t *testing.T) {
	left, right, impostor := newBox(t, "left", nil), newBox(t, "right", nil), newBox(t, "right", nil)
	wrong := right.as()
	wrong.Address = impostor.addr
	if err := left.SetPeers([]Peer{wrong}); err != nil {
		t.Fatal(err)
	}
	if err := impostor.SetPeers([]Peer{left.as()}); err != nil {
		t.Fatal(err)
	}
	left.table.set("secret", "x", 1)
	left.start(t)
	impostor.start(t)
	eventually(t, "left says why not", func() bool {
		return strings.Contains(left.peerOf("right").Problem, "another certificate")
	})
	eventually(t, "the impostor is refused too", func() bool {
		return strings.Contains(impostor.peerOf("left").Problem, "not paired")
	})
	if impostor.table.len() != 0 {
		t.Error("the impostor has got a record")
	}
}

func TestNamesMustBeWhatWasPaired(t *testing.T) {
	left, right := newBox(t, "left", nil), newBox(t, "other", nil)
	as := right.as()
	as.Name = "right"
	if err := left.SetPeers([]Peer{as}); err != nil {
		t.Fatal(err)
	}
	if err := right.SetPeers([]Peer{left.as()}); err != nil {
		t.Fatal(err)
	}
	left.start(t)
	right.start(t)
	for _, x := range []struct {
		b    *box
		peer string
	}{{left, "right"}, {right, "left"}} {
		eventually(t, "both say it", func() bool {
			return strings.Contains(x.b.peerOf(x.peer).Problem, `calls itself "other" now`)
		})
	}
}

func TestUnpairedPeerIsTold(t *testing.T) {
	left, right := pair(t, nil)
	if err := left.SetPeers(nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "right is told", func() bool {
		p := right.peerOf("left").Problem
		return strings.Contains(p, "undone the pairing") || strings.Contains(p, "not paired with this box")
	})
	eventually(t, "left has no peers", func() bool { return len(left.Status().Peers) == 0 })
	right.table.set("a", "1", 1)
	if err := left.SetPeers([]Peer{right.as()}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "paired again", func() bool { return left.table.get("a") == "1" })
}

func TestUnpairedPeerIsShownAndNotDialled(t *testing.T) {
	left := newBox(t, "left", nil)
	if err := left.SetPeers([]Peer{{Name: "right", Address: "127.0.0.1:9"}}); err != nil {
		t.Fatal(err)
	}
	left.start(t)
	eventually(t, "it is shown", func() bool { return left.peerOf("right").Name != "" })
	if p := left.peerOf("right"); p.Paired || !strings.Contains(p.Problem, "not paired") {
		t.Errorf("peer = %+v, want one that is not paired", p)
	}
}

func TestOneWayStreamIsSaidSo(t *testing.T) {
	left, right := newBox(t, "left", nil), newBox(t, "right", nil)
	w := newWire(t, left.addr)
	meet(t, left, right)
	through := left.as()
	through.Address = w.addr
	if err := right.SetPeers([]Peer{through}); err != nil {
		t.Fatal(err)
	}
	left.start(t)
	right.start(t)
	connected(t, left, right)
	w.set(true)
	eventually(t, "left says that right does not reach it", func() bool {
		p := left.peerOf("right")
		return !p.Connected && strings.Contains(p.Problem, "right does not reach this box")
	})
	left.table.set("a", "1", 1)
	eventually(t, "the other way goes on", func() bool { return right.table.get("a") == "1" })
}
