// SPDX-License-Identifier: Apache-2.0

package nic

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Sim is a row of ports in memory, for a board that is simulated. Every port is
// plugged in at first, at 1 Gbit/s.
type Sim struct {
	counters func(label string) Counters
	changed  func(Event)

	mu    sync.Mutex // guards what follows
	ports []Port
	until map[string]time.Time // by label: end of the blinking
}

// NewSim returns simulated ports with these labels. Counters says what a port has
// carried, nil means nothing; changed is called for each port that changes and may
// be nil.
func NewSim(matches []Match, counters func(label string) Counters, changed func(Event)) *Sim {
	if counters == nil {
		counters = func(string) Counters { return Counters{} }
	}
	if changed == nil {
		changed = func(Event) {}
	}
	s := &Sim{counters: counters, changed: changed, until: make(map[string]time.Time)}
	for i, m := range matches {
		p := Port{Label: m.Label, Interface: m.Interface, Driver: m.Driver, PCI: m.PCI, Management: m.Management, index: i + 1,
			MAC: fmt.Sprintf("02:73:69:6d:%02x:%02x", i>>8, i&0xff), Up: true, Carrier: true, MTU: 1500,
			Offloads: map[string]bool{"rx-checksum": true, "tx-checksum-ip-generic": true, "tx-tcp-segmentation": true},
			Rings:    Rings{RX: 256, TX: 256, RXMax: 4096, TXMax: 4096}}
		if p.Interface == "" {
			p.Interface = fmt.Sprintf("sim%d", i)
		}
		if p.Driver == "" {
			p.Driver = "sim"
		}
		s.ports = append(s.ports, p)
	}
	return s
}

// List returns the ports in the order of the front.
func (s *Sim) List() ([]Port, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.ports)
	for i := range out {
		out[i] = s.now(out[i])
	}
	return out, nil
}

// now completes what a port has by what it does. The caller holds s.mu.
func (s *Sim) now(p Port) Port {
	p.Addresses = slices.Clone(p.Addresses)
	p.Offloads = maps.Clone(p.Offloads)
	p.Identify = time.Now().Before(s.until[p.Label])
	p.Counters = s.counters(p.Label)
	p.State = NoCarrier
	if p.Carrier {
		p.State, p.Speed, p.Duplex = Up, 1000, "full"
	}
	return p
}

// Identify lets the lamp of a port blink for d, LongestIdentify at most, or with 0
// ends that.
func (s *Sim) Identify(label string, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.find(label) == nil {
		return noPort(label, s.ports)
	}
	if d < 0 || d > LongestIdentify {
		return fmt.Errorf("a lamp blinks for up to %v, not for %v", LongestIdentify, d)
	}
	s.until[label] = time.Now().Add(d)
	return nil
}

// find returns the port with a label, or nil. The caller holds s.mu.
func (s *Sim) find(label string) *Port {
	if i := slices.IndexFunc(s.ports, func(p Port) bool { return p.Label == label }); i >= 0 {
		return &s.ports[i]
	}
	return nil
}

// Plug puts a cable in, or pulls it out.
func (s *Sim) Plug(label string, in bool) error {
	return s.change(label, func(p *Port) { p.Carrier = in })
}

// SetAddresses gives the port of an interface its addresses.
func (s *Sim) SetAddresses(iface string, list []netip.Prefix) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.ports {
		if s.ports[i].Interface == iface {
			s.ports[i].Addresses = slices.Clone(list)
			return nil
		}
	}
	var names []string
	for _, p := range s.ports {
		names = append(names, p.Interface)
	}
	return fmt.Errorf("there is no interface %q: there are %s", iface, strings.Join(names, ", "))
}

// change changes a port and tells of it.
func (s *Sim) change(label string, f func(*Port)) error {
	s.mu.Lock()
	p := s.find(label)
	if p == nil {
		defer s.mu.Unlock()
		return noPort(label, s.ports)
	}
	was := s.now(*p).State
	f(p)
	is := s.now(*p)
	s.mu.Unlock()
	if is.State != was {
		s.changed(Event{Port: is, Was: was})
	}
	return nil
}

// Run waits until ctx ends: what changes is told of as it changes.
func (s *Sim) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Close does nothing: there is nothing to give back.
func (s *Sim) Close() error { return nil }
