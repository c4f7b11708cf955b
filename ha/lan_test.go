// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"evener/ha/wire"
)

// A world is networks in memory: what one box sends on an interface reaches all boxes
// whose interface of that name is plugged in, at once, unless lost says otherwise.
type world struct {
	mu     sync.Mutex
	boxes  []*box
	lost   func(from, to, iface string) bool // of VRRP and, as "beats", of heartbeats; nil: nothing is
	mangle bool                              // packets lose a bit on their way
	late   time.Duration                     // that heartbeats come after what was sent with them
	slow   time.Duration                     // that advertisements take
	flows  bool                              // boxes hand connections off
	hidden bool                              // no MAC is found
	// announced counts announcements by box.
	announced map[string]int
}

// A box is one box's LAN in a world.
type box struct {
	w    *world
	name string
	num  byte

	wake    chan struct{}
	stopped bool // by a signal: Wait does not return
	thaw    chan struct{}
	packets []wire.Packet
	changed bool
	closed  bool
	out     map[string]bool // unplugged
	routes  []wire.DefaultRoute
	refuse  error         // of Take
	stall   time.Duration // once, after the next look at the LAN
	st      []*station
	beats   []datagram
	ear     *ear
	flows   *flows // nil: connections end with a switch
}

// A datagram is a heartbeat on its way.
type datagram struct {
	from netip.AddrPort
	b    []byte
}

func newWorld() *world { return &world{announced: map[string]int{}} }

// box plugs a box in.
func (w *world) box(name string) *box {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := &box{w: w, name: name, num: byte(len(w.boxes) + 1), wake: make(chan struct{}, 1), thaw: make(chan struct{}),
		out: map[string]bool{}}
	w.boxes = append(w.boxes, b)
	return b
}

// unplug takes a box away, as a power cut does.
func (w *world) unplug(b *box) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.boxes = slices.DeleteFunc(w.boxes, func(o *box) bool { return o == b })
}

// lose replaces what is lost.
func (w *world) lose(f func(from, to, iface string) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = f
}

// holders lists the boxes that have an address.
func (w *world) holders(a string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, b := range w.boxes {
		for _, s := range b.st {
			if slices.Contains(s.held, netip.MustParsePrefix(a)) {
				list = append(list, b.name)
			}
		}
	}
	return list
}

// link pulls or plugs the cable of an interface.
func (b *box) link(iface string, up bool) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	b.out[iface], b.changed = !up, true
	b.ring()
}

// set changes something of the box that netlink would tell of.
func (b *box) set(f func()) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	f()
	b.changed = true
	b.ring()
}

// freeze stops the box, or lets it go on.
func (b *box) freeze(on bool) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	if b.stopped == on {
		return
	}
	b.stopped = on
	if on {
		b.thaw = make(chan struct{})
	} else {
		close(b.thaw)
	}
	b.ring()
}

func (b *box) ring() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *box) Wake() { b.ring() }

func (b *box) Wait(until time.Time) (wire.Batch, error) {
	for {
		b.w.mu.Lock()
		stopped, thaw := b.stopped, b.thaw
		if !stopped && (len(b.packets) > 0 || b.changed) {
			batch := wire.Batch{At: time.Now(), Packets: b.packets, Changed: b.changed}
			b.packets, b.changed = nil, false
			stall := b.stall
			b.stall = 0
			b.w.mu.Unlock()
			time.Sleep(stall)
			return batch, nil
		}
		b.w.mu.Unlock()
		if stopped {
			<-thaw
			continue
		}
		timer := time.NewTimer(time.Until(until))
		select {
		case <-b.wake:
			timer.Stop()
		case <-timer.C:
		}
		b.w.mu.Lock()
		stopped = b.stopped
		if !stopped {
			batch := wire.Batch{At: time.Now(), Packets: b.packets, Changed: b.changed}
			b.packets, b.changed = nil, false
			stall := b.stall
			b.stall = 0
			b.w.mu.Unlock()
			time.Sleep(stall)
			return batch, nil
		}
		b.w.mu.Unlock()
	}
}

func (b *box) Attach(c wire.Config) (wire.Station, error) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	s := &station{b: b, cfg: c}
	b.st = append(b.st, s)
	return s, nil
}

func (b *box) Interface(name string) (wire.Interface, error) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	return wire.Interface{Name: name, Present: true, Up: true, Carrier: !b.out[name]}, nil
}

func (b *box) DefaultRoutes(wire.Family) ([]wire.DefaultRoute, error) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	return slices.Clone(b.routes), nil
}

func (b *box) Close() error {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	b.closed, b.st = true, nil
	return nil
}

// A station is a router's place in a world.
type station struct {
	b    *box
	cfg  wire.Config
	held []netip.Prefix
	sent uint64
}

// primary is 192.0.2.N, or fe80::N, of box N; on lan2 it counts down, so that ties are
// seen differently there.
func (s *station) primary() netip.Addr {
	n := s.b.num
	if s.cfg.Interface == "lan2" {
		n = 100 - n
	}
	if s.cfg.Family == wire.IPv6 {
		return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 15: n})
	}
	return netip.AddrFrom4([4]byte{192, 0, 2, n})
}

func (s *station) Send(dst netip.Addr, payload []byte) error {
	w := s.b.w
	w.mu.Lock()
	defer w.mu.Unlock()
	s.sent++
	if s.b.out[s.cfg.Interface] {
		return nil
	}
	for _, to := range w.boxes {
		if to == s.b || to.out[s.cfg.Interface] || w.lost != nil && w.lost(s.b.name, to.name, s.cfg.Interface) {
			continue
		}
		data := bytes.Clone(payload)
		if w.mangle {
			data[len(data)-1] ^= 1
		}
		w.carry(to, wire.Packet{Interface: s.cfg.Interface, Family: s.cfg.Family, Src: s.primary(), Dst: dst, TTL: 255, Data: data})
	}
	return nil
}

// carry brings a packet to a box. w.mu is held.
func (w *world) carry(to *box, p wire.Packet) {
	if w.slow > 0 {
		time.AfterFunc(w.slow, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			to.receive(p)
		})
		return
	}
	to.receive(p)
}

// receive gives a box a packet. w.mu is held.
func (b *box) receive(p wire.Packet) {
	p.At = time.Now()
	b.packets = append(b.packets, p)
	b.ring()
}

func (s *station) Prepare([]netip.Prefix) error { return nil }

func (s *station) Take(list ...netip.Prefix) error {
	s.b.w.mu.Lock()
	defer s.b.w.mu.Unlock()
	if s.b.refuse != nil && len(list) > 0 {
		return s.b.refuse
	}
	for _, p := range list {
		if !slices.Contains(s.held, p) {
			s.held = append(s.held, p)
		}
	}
	return nil
}

func (s *station) Release(list ...netip.Prefix) error {
	s.b.w.mu.Lock()
	defer s.b.w.mu.Unlock()
	s.held = slices.DeleteFunc(s.held, func(p netip.Prefix) bool { return slices.Contains(list, p) })
	return nil
}

func (s *station) Reconcile(list []netip.Prefix) error {
	if err := s.Take(list...); err != nil {
		return err
	}
	s.b.w.mu.Lock()
	defer s.b.w.mu.Unlock()
	s.held = slices.DeleteFunc(s.held, func(p netip.Prefix) bool { return !slices.Contains(list, p) })
	return nil
}

func (s *station) Held() ([]netip.Prefix, error) {
	s.b.w.mu.Lock()
	defer s.b.w.mu.Unlock()
	return slices.Clone(s.held), nil
}

func (s *station) Announce() error {
	s.b.w.mu.Lock()
	defer s.b.w.mu.Unlock()
	s.b.w.announced[s.b.name]++
	return nil
}

func (s *station) Status() wire.Status {
	s.b.w.mu.Lock()
	defer s.b.w.mu.Unlock()
	return wire.Status{MAC: net.HardwareAddr{0, 0, 0x5e, 0, 1, 1}, Primary: s.primary(), Sent: s.sent}
}

func (s *station) Close() error {
	s.b.w.mu.Lock()
	defer s.b.w.mu.Unlock()
	s.held = nil
	s.b.st = slices.DeleteFunc(s.b.st, func(o *station) bool { return o == s })
	return nil
}

// An ear is a box's socket of heartbeats in a world, at 10.255.0.N:7460.
type ear struct{ b *box }

// listen is Config.Listen.
func (b *box) listen(netip.AddrPort, func()) (Datagrams, error) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	if b.ear != nil {
		return nil, fmt.Errorf("%s listens already", b.name)
	}
	b.ear = &ear{b}
	return b.ear, nil
}

func (e *ear) Send(to netip.AddrPort, payload []byte) error {
	w := e.b.w
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.boxes {
		if beatAddr(b.num) == to && b.ear != nil && (w.lost == nil || !w.lost(e.b.name, b.name, "beats")) {
			d := datagram{beatAddr(e.b.num), bytes.Clone(payload)}
			if w.late == 0 {
				b.hear(d)
				continue
			}
			time.AfterFunc(w.late, func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				b.hear(d)
			})
		}
	}
	return nil
}

// hear gives a box a heartbeat. w.mu is held.
func (b *box) hear(d datagram) {
	b.beats = append(b.beats, d)
	b.ring()
}

func (e *ear) Receive(b []byte) (int, netip.AddrPort, bool) {
	e.b.w.mu.Lock()
	defer e.b.w.mu.Unlock()
	if len(e.b.beats) == 0 {
		return 0, netip.AddrPort{}, false
	}
	d := e.b.beats[0]
	e.b.beats = e.b.beats[1:]
	return copy(b, d.b), d.from, true
}

func (e *ear) Close() error {
	e.b.w.mu.Lock()
	defer e.b.w.mu.Unlock()
	e.b.ear = nil
	return nil
}

func beatAddr(num byte) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 255, 0, num}), 7460)
}
