// SPDX-License-Identifier: Apache-2.0

package vrrp

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// A lan is a simulated network with two or three boxes that run one virtual
// router, and a neighbour that believes the announcement it heard last.
type lan struct {
	t     *testing.T
	rnd   *rand.Rand
	now   time.Duration
	boxes []*box
	queue []delivery
	loss  float64
	cut   map[[2]int]bool // no frame passes from one box to another
	arp   int             // the box that the neighbour sends to; -1: none yet
	log   []string
}

// A box is one router and what its host does around it.
type box struct {
	id      int
	cfg     Config
	m       *Machine
	holds   bool // the addresses are on the interface
	crashed bool
	frozen  bool
	waiting []Event // in its socket
	changes int
}

// A delivery is a frame under way. to is -1 for an announcement to the
// neighbour.
type delivery struct {
	at       time.Duration
	from, to int
	adv      Advertisement
}

// waitingMax is how many frames a socket holds; more are lost.
const waitingMax = 64

// step goes to the next thing that happens, at most to limit; it returns false
// there.
func (l *lan) step(limit time.Duration) bool {
	next := limit
	var what *box
	for _, b := range l.boxes {
		if b.crashed || b.frozen {
			continue
		}
		if at, ok := b.m.Deadline(); ok && at < next {
			next, what = max(at, l.now), b
		}
	}
	if len(l.queue) > 0 && l.queue[0].at <= next {
		d := l.queue[0]
		l.queue = l.queue[1:]
		l.now = d.at
		l.deliver(d)
		return true
	}
	l.now = next
	if what == nil {
		return false
	}
	l.handle(what, Tick{})
	return true
}

// until runs the network until the time.
func (l *lan) until(limit time.Duration) {
	for l.step(limit) {
	}
}

func (l *lan) deliver(d delivery) {
	if d.to < 0 {
		l.arp = d.from
		return
	}
	b := l.boxes[d.to]
	if b.crashed || b.m.linkDown.on {
		return
	}
	src := l.boxes[d.from].cfg.Source
	raw, err := d.adv.Marshal(src, IPv4.Group(), ChecksumRFC9568)
	if err != nil {
		l.t.Fatalf("box %d sent %+v: %v", d.from, d.adv, err)
	}
	r, err := Parse(raw, src, IPv4.Group(), TTL)
	if err != nil {
		l.t.Fatal(err)
	}
	if b.frozen {
		if len(b.waiting) < waitingMax {
			b.waiting = append(b.waiting, Advert{r})
		}
		return
	}
	l.handle(b, Advert{r})
}

// handle hands e to b and carries out what comes of it.
func (l *lan) handle(b *box, e Event) {
	for _, a := range b.m.Handle(l.now, e) {
		switch a := a.(type) {
		case Send:
			for _, to := range l.boxes {
				if to != b && !l.cut[[2]int{b.id, to.id}] && l.rnd.Float64() >= l.loss {
					l.post(delivery{from: b.id, to: to.id, adv: a.Advertisement})
				}
			}
		case Take:
			b.holds = true
		case Release:
			b.holds = false
		case Announce:
			l.post(delivery{from: b.id, to: -1})
		case Log:
			if a.From != a.To {
				b.changes++
			}
			l.log = append(l.log, fmt.Sprintf("%v box %d %v>%v: %s", l.now, b.id, a.From, a.To, a.Text))
		}
	}
	if active := b.m.State() == Active; active != b.holds {
		l.t.Fatalf("%v: box %d is %v, holds the addresses: %v", l.now, b.id, b.m.State(), b.holds)
	}
}

// post sends a frame that arrives within two milliseconds. Frames of one box
// keep their order.
func (l *lan) post(d delivery) {
	d.at = l.now + time.Duration(100+l.rnd.IntN(1900))*time.Microsecond
	for _, q := range l.queue {
		if q.from == d.from && q.at > d.at {
			d.at = q.at
		}
	}
	i, _ := slices.BinarySearchFunc(l.queue, d.at+1, func(q delivery, at time.Duration) int {
		return int(q.at - at)
	})
	l.queue = slices.Insert(l.queue, i, d)
}

func newLAN(t *testing.T, seed uint64, n int) *lan {
	l := &lan{t: t, rnd: rand.New(rand.NewPCG(seed, 0)), cut: map[[2]int]bool{}, arp: -1}
	interval := []time.Duration{10 * ms, 100 * ms, time.Second}[l.rnd.IntN(3)]
	for i := range n {
		c := testConfig()
		c.Source = netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})
		c.Priority = uint8(50 * (1 + l.rnd.IntN(4)))
		c.Interval = interval
		c.Preempt = l.rnd.IntN(3) > 0
		c.LastAdvert = true
		c.AnnounceRefresh = 5 * time.Second
		if l.rnd.IntN(4) == 0 {
			c.PreemptDelay = time.Duration(l.rnd.IntN(5)) * time.Second
		}
		l.boxes = append(l.boxes, &box{id: i, cfg: c, m: newMachine(t, func(old *Config) { *old = c })})
	}
	return l
}

// trouble makes something happen to a box.
func (l *lan) trouble() {
	b := l.boxes[l.rnd.IntN(len(l.boxes))]
	on := l.rnd.IntN(2) == 0
	switch n := l.rnd.IntN(13); n {
	case 0, 1:
		l.crash(b, !b.crashed)
	case 2, 3:
		l.freeze(b, !b.frozen)
	case 4:
		l.loss = []float64{0, 0.1, 0.3, 0.9}[l.rnd.IntN(4)]
	case 5, 6:
		l.cut[[2]int{b.id, l.rnd.IntN(len(l.boxes))}] = on
	default:
		if !b.crashed && !b.frozen {
			l.order(b, n, on)
		}
	}
}

// order is an event from the host of b.
func (l *lan) order(b *box, n int, on bool) {
	switch n {
	case 7:
		l.handle(b, map[bool]Event{true: LinkUp{}, false: LinkDown{"no link"}}[on])
	case 8:
		l.handle(b, SetFault{on, "engine"})
	case 9:
		l.handle(b, SetPriority{Priority: uint8(50 * (1 + l.rnd.IntN(4))), Why: "track"})
	case 10:
		l.handle(b, map[bool]Event{true: Handover{"order"}, false: Takeover{"order"}}[on])
	case 11:
		l.handle(b, Pin{on, "order"})
	case 12:
		b.cfg.Interval = []time.Duration{10 * ms, 100 * ms, time.Second}[l.rnd.IntN(3)]
		b.cfg.Preempt = on
		l.handle(b, Configure{b.cfg})
	}
}

// crash ends a box without a word, its supervisor taking the addresses, or
// starts it anew.
func (l *lan) crash(b *box, on bool) {
	if b.crashed = on; on {
		b.holds, b.frozen, b.waiting = false, false, nil
		return
	}
	b.m = newMachine(l.t, func(c *Config) { *c = b.cfg })
	l.handle(b, Startup{})
}

// freeze stops a box, or lets it go on: what waits is read before any timer.
func (l *lan) freeze(b *box, on bool) {
	if b.crashed || b.frozen == on {
		return
	}
	if b.frozen = on; on {
		return
	}
	for _, e := range b.waiting {
		l.handle(b, e)
	}
	b.waiting = nil
	l.handle(b, Tick{})
}

// heal ends every trouble.
func (l *lan) heal() {
	l.loss = 0
	clear(l.cut)
	for _, b := range l.boxes {
		l.freeze(b, false)
		if b.crashed {
			l.crash(b, false)
		}
		l.handle(b, LinkUp{})
		l.handle(b, SetFault{})
	}
}

// actives returns the boxes that are ACTIVE.
func (l *lan) actives() (list []int) {
	for _, b := range l.boxes {
		if b.m.State() == Active {
			list = append(list, b.id)
		}
	}
	return list
}

// TestOneIsActiveAfterEveryTrouble lets boxes crash, freeze, lose frames and
// links and get orders at random, then heals the network: soon one box must be
// ACTIVE, stay it, and be the one that neighbours send to.
func TestOneIsActiveAfterEveryTrouble(t *testing.T) {
	for seed := range uint64(300) {
		l := newLAN(t, seed, 2+int(seed%2))
		for _, b := range l.boxes {
			l.handle(b, Startup{})
		}
		for range 40 {
			l.until(l.now + time.Duration(l.rnd.Int64N(int64(2*time.Second))))
			l.trouble()
		}
		l.heal()
		l.until(l.now + 20*time.Second)
		first, before := l.actives(), l.changes()
		l.until(l.now + 20*time.Second)
		switch then := l.actives(); {
		case len(first) != 1 || len(then) != 1 || l.changes() != before:
			t.Fatalf("seed %d: active %v, then %v with %d changes, want one that stays\n%s", seed, first, then,
				l.changes()-before, strings.Join(l.log[max(0, len(l.log)-40):], "\n"))
		case l.arp != then[0]: // at the latest after a refresh
			t.Fatalf("seed %d: neighbours send to box %d, active is %v\n%s", seed, l.arp, then,
				strings.Join(l.log[max(0, len(l.log)-40):], "\n"))
		}
	}
}

// TestNeighboursFollowAfterAPartition splits the network for a while, so that
// there are two ACTIVE boxes and the neighbour may believe either. Without any
// refresh it must send to the one that stays, soon after the network is whole.
func TestNeighboursFollowAfterAPartition(t *testing.T) {
	for seed := range uint64(200) {
		l := newLAN(t, seed, 2+int(seed%2))
		apart := l.rnd.IntN(len(l.boxes))
		for _, b := range l.boxes {
			b.cfg.AnnounceRefresh, b.cfg.AnnounceAgain = 0, time.Duration(seed%3)*time.Second
			b.m = newMachine(t, func(c *Config) { *c = b.cfg })
			if b.id != apart {
				l.cut[[2]int{apart, b.id}], l.cut[[2]int{b.id, apart}] = true, true
			}
			l.handle(b, Startup{})
		}
		l.until(10 * time.Second)
		if got := l.actives(); len(got) != 2 {
			t.Fatalf("seed %d: active %v, want one on each side", seed, got)
		}
		clear(l.cut)
		l.until(15 * time.Second)
		if got := l.actives(); len(got) != 1 || l.arp != got[0] {
			t.Fatalf("seed %d: neighbours send to box %d, active is %v\n%s", seed, l.arp, got,
				strings.Join(l.log, "\n"))
		}
	}
}

func (l *lan) changes() int {
	n := 0
	for _, b := range l.boxes {
		n += b.changes
	}
	return n
}
