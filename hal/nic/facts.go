// SPDX-License-Identifier: Apache-2.0

package nic

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Facts are what takes the kernel long to find out, such as the memory of a module,
// which is read bit by bit, and what changes seldom.
type facts struct {
	read     time.Time
	name     string // of the interface then
	carrier  bool
	offloads map[string]bool
	rings    Rings
	sfp      *SFP
	problem  string
}

// oldFacts is when facts are read anew.
const oldFacts = 15 * time.Second

// offloads are those of the kernel's features that are told of: the others follow
// from them, or are for odd hardware.
var offloads = []string{
	"rx-checksum", "tx-checksum-ipv4", "tx-checksum-ipv6", "tx-checksum-ip-generic", "tx-scatter-gather",
	"tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-generic-segmentation", "tx-udp-segmentation",
	"rx-gro", "rx-gro-hw", "rx-lro", "rx-hashing", "rx-ntuple-filter", "rx-vlan-hw-parse", "tx-vlan-hw-insert", "hw-tc-offload",
	"tls-hw-tx-offload", "tls-hw-rx-offload",
}

// factsOf returns the facts of a link. Those that are old are returned too, and read
// anew by Run. The caller holds p.mu.
func (p *Ports) factsOf(l link) facts {
	f, ok := p.facts[l.index]
	if !ok || f.name != l.name || f.carrier != l.carrier {
		f = p.find(l)
		p.facts[l.index] = f
	} else if time.Since(f.read) > oldFacts {
		select {
		case p.stale <- struct{}{}:
		default: // it is being done
		}
	}
	return f
}

// find asks the driver.
func (p *Ports) find(l link) facts {
	f := facts{read: time.Now(), name: l.name, carrier: l.carrier}
	if all, err := p.tool.Features(l.name); err == nil {
		f.offloads = make(map[string]bool)
		for _, name := range offloads {
			if on, ok := all[name]; ok {
				f.offloads[name] = on
			}
		}
	}
	if r, err := p.tool.GetRing(l.name); err == nil {
		f.rings = Rings{RX: int(r.RxPending), TX: int(r.TxPending), RXMax: int(r.RxMaxPending), TXMax: int(r.TxMaxPending)}
	}
	b, err := p.tool.ModuleEeprom(l.name)
	if err != nil {
		if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENODEV) {
			p.log.Debug("module not read", "iface", l.name, "err", err) // most often the cage is empty
		}
		return f
	}
	s, err := DecodeSFP(b)
	if err != nil {
		f.problem = err.Error()
		return f
	}
	f.sfp = &s
	return f
}

// refresh reads facts anew when somebody has seen old ones, until ctx ends.
func (p *Ports) refresh(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.stale:
		}
		found, err := links()
		if err != nil {
			p.log.Warn("ports not listed", "err", err)
			continue
		}
		p.mu.Lock()
		rows := p.rows(found)
		p.mu.Unlock()
		fresh := make(map[int]facts)
		for _, r := range rows {
			if r.link != nil && ctx.Err() == nil {
				fresh[r.link.index] = p.find(*r.link)
			}
		}
		p.mu.Lock()
		p.facts = fresh
		p.mu.Unlock()
	}
}

// maxDriverCounters bounds the driver's own counters of one port. Drivers with a
// queue for each CPU have thousands.
const maxDriverCounters = 512

// driverCounters returns the driver's own counters. Where there are very many, those
// that are 0 are left out first.
func (p *Ports) driverCounters(name string) map[string]uint64 {
	all, err := p.tool.Stats(name)
	if err != nil {
		return nil // it has none
	}
	return fewer(all)
}

func fewer(all map[string]uint64) map[string]uint64 {
	if len(all) <= maxDriverCounters {
		return all
	}
	names := make([]string, 0, len(all))
	for n, v := range all {
		if v != 0 {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	out := make(map[string]uint64, maxDriverCounters)
	for _, n := range names[:min(len(names), maxDriverCounters)] {
		out[n] = all[n]
	}
	return out
}
