// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"evener/board"
	"evener/firmware/manage"
	"evener/firmware/netconf"
	"evener/firmware/ntp"
	"evener/ha/wire"
	"evener/hal/nic"
)

// A front is the row of ports: real or simulated ones.
type front interface {
	List() ([]nic.Port, error)
	Identify(label string, d time.Duration) error
	Run(ctx context.Context) error
	Close() error
}

// ports hand what package nic tells to package manage.
type ports struct {
	front
	bypass map[string]string // by label: name of the pair
}

// List returns the ports in the order of the front.
func (p ports) List() ([]manage.Port, error) {
	list, err := p.front.List()
	out := make([]manage.Port, len(list))
	for i, x := range list {
		out[i] = p.port(x)
	}
	return out, err
}

func (p ports) port(x nic.Port) manage.Port {
	c, r := x.Counters, x.Rings
	out := manage.Port{Name: x.Label, Interface: x.Interface, Driver: x.Driver, PCI: x.PCI, MAC: x.MAC, Up: x.Up, Carrier: x.Carrier,
		State: string(x.State), Speed: x.Speed, Duplex: x.Duplex, MTU: x.MTU, Addresses: []string{}, Management: x.Management, Identify: x.Identify,
		Offloads: x.Offloads, Rings: manage.PortRings{RX: r.RX, TX: r.TX, RXMax: r.RXMax, TXMax: r.TXMax}, Problem: x.Problem,
		Counters: manage.PortCounters{RXBytes: c.RXBytes, TXBytes: c.TXBytes, RXPackets: c.RXPackets, TXPackets: c.TXPackets,
			RXErrors: c.RXErrors, TXErrors: c.TXErrors, RXDropped: c.RXDropped, TXDropped: c.TXDropped, Driver: c.Driver}}
	if out.Offloads == nil {
		out.Offloads = map[string]bool{}
	}
	if out.Counters.Driver == nil {
		out.Counters.Driver = map[string]uint64{}
	}
	for _, a := range x.Addresses {
		out.Addresses = append(out.Addresses, a.String())
	}
	if s := x.SFP; s != nil {
		out.SFP = &manage.PortSFP{Vendor: s.Vendor, Part: s.Part, Serial: s.Serial, Type: s.Type, Wavelength: s.Wavelength,
			Temperature: s.Temperature, RXPower: s.RXPower, TXPower: s.TXPower}
	}
	if pair := p.bypass[x.Label]; pair != "" {
		out.Bypass = &manage.PortBypass{Pair: pair}
	}
	return out
}

// A simulatedPorts can have its cables pulled too.
type simulatedPorts struct {
	ports
	plug func(port string, in bool) error
}

// Plug pulls the cable of a port, or puts it in.
func (s simulatedPorts) Plug(port string, in bool) error { return s.plug(port, in) }

// A wiring is the ports with what sets their addresses. Its box is told of changes
// once there is one.
type wiring struct {
	ports ports
	shown manage.Ports // the same, with what else can be done
	conf  *netconf.Conf
	clock *ntp.Clock
	box   *manage.Box // set before run

	// plugIn puts the cables into the simulated network of the failover groups, as
	// the ports have them; nil: nothing is simulated. It needs the configuration.
	plugIn func() error
}

// openPorts opens the ports of the board and what configures the network; nothing is
// touched yet. Without ports there is neither, and the box says why.
func (e *engine) openPorts() *wiring {
	b, err := board.ByName(e.cfg.board)
	if err != nil { // the supervisor has found it
		e.log.Error("board not known", "err", err)
		return nil
	}
	w := &wiring{ports: ports{bypass: map[string]string{}}}
	var matches []nic.Match
	for _, p := range b.Ports {
		matches = append(matches, nic.Match{Label: p.Name, PCI: p.PCI, Bus: p.Bus, Interface: p.Interface, Driver: p.Driver,
			Order: p.Order, Management: p.Management, Optional: p.Optional})
		w.ports.bypass[p.Name] = p.Bypass
	}
	cfg := netconf.Config{Record: filepath.Join(e.cfg.state, "network.json"), Changed: func() { w.box.NetworkChanged() }}
	var system ntp.System = ntp.Linux{}
	if b.Simulated {
		system = ntp.Dry{}
	}
	w.clock = ntp.New(system, ntp.Network{}, ntp.Config{Happened: func(x ntp.Event) { w.box.ClockEvent(x) },
		Changed: func() { w.box.ClockChanged() }}, e.log)
	if b.Simulated {
		w.simulate(matches, cfg, e)
		return w
	}
	real, err := nic.Open(matches, nic.Config{Changed: w.changed}, e.log)
	if err != nil {
		e.log.Error("ports not opened", "err", err)
		e.problems = append(e.problems, "the network ports are not known: "+err.Error())
		return nil
	}
	w.ports.front = real
	w.shown = w.ports
	cfg.Probe = netconf.Network{}
	w.conf = netconf.New(e.system(), netconf.Network{}, cfg, e.log)
	return w
}

// simulate makes ports in memory, whose addresses are set in memory too.
func (w *wiring) simulate(matches []nic.Match, cfg netconf.Config, e *engine) {
	sim := nic.NewSim(matches, simCounters, w.changed)
	list, _ := sim.List() // of memory: it cannot fail
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.Interface
	}
	system := netconf.NewSim(names, func(iface string, list []netip.Prefix) {
		if err := sim.SetAddresses(iface, list); err != nil {
			e.log.Error("simulated addresses not shown", "err", err)
		}
	})
	w.ports.front = sim
	faces := map[string]string{}
	for _, p := range list {
		faces[p.Label] = p.Interface
	}
	w.plugIn = func() (err error) {
		for _, face := range names {
			err = errors.Join(err, e.plugLAN(face, true))
		}
		return err
	}
	w.shown = simulatedPorts{w.ports, func(port string, in bool) error {
		system.Plug(faces[port], in) // before the box is told of it
		return errors.Join(sim.Plug(port, in), e.plugLAN(faces[port], in))
	}}
	cfg.Probe = system
	w.conf = netconf.New(system, system, cfg, e.log)
}

// plugLAN pulls the cable out of the simulated network of the failover groups too, or
// puts it in.
func (e *engine) plugLAN(face string, in bool) error {
	if e.cfg.lan == "" || e.balancer.Config() == nil || face == "" {
		return nil
	}
	return wire.Plug(e.cfg.lan, e.balancer.Config().NodeName(e.host), face, in)
}

// changed tells the box of a port.
func (w *wiring) changed(x nic.Event) {
	p := x.Port
	w.box.PortChanged(manage.PortEvent{Name: p.Label, Interface: p.Interface, State: string(p.State), Was: string(x.Was), Management: p.Management})
}

// runPorts watches the ports and keeps the network.
func (e *engine) runPorts(ctx context.Context, w *wiring) {
	if w == nil {
		return
	}
	if w.plugIn != nil {
		if err := w.plugIn(); err != nil {
			e.log.Error("cables of the simulated network not put in", "err", err)
		}
	}
	e.run1(ctx, "ports", func(ctx context.Context) error {
		defer w.ports.Close()
		return w.ports.Run(ctx)
	})
	e.run1(ctx, "network", w.conf.Run)
	e.run1(ctx, "clock", w.clock.Run)
}

// simCounters are those of simulated port 1: what the loopback interface has
// carried, by which all traffic of the simulated board goes.
func simCounters(label string) (c nic.Counters) {
	if label != "1" {
		return c
	}
	for name, to := range map[string]*uint64{
		"rx_bytes": &c.RXBytes, "tx_bytes": &c.TXBytes, "rx_packets": &c.RXPackets, "tx_packets": &c.TXPackets,
		"rx_errors": &c.RXErrors, "tx_errors": &c.TXErrors, "rx_dropped": &c.RXDropped, "tx_dropped": &c.TXDropped,
	} {
		b, err := os.ReadFile("/sys/class/net/lo/statistics/" + name)
		if err != nil {
			continue // in a sandbox without /sys they stay at 0
		}
		*to, _ = strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	}
	return c
}
