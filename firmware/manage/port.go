// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"evener/firmware/api"
	"evener/firmware/event"
	"evener/firmware/phrase"
	"evener/firmware/stats"
)

// Ports are the network ports of the box.
type Ports interface {
	List() ([]Port, error)
	Identify(port string, d time.Duration) error
}

// Cables are ports whose cables can be pulled by a program, as those of a simulated
// board.
type Cables interface {
	Plug(port string, in bool) error
}

// A Port is one socket for a cable.
type Port struct {
	Name       string          `json:"name" doc:"as on the front"`
	Position   int             `json:"position" doc:"place on the front, from 0"`
	Interface  string          `json:"interface" doc:"as the kernel calls it; empty: the port is missing"`
	Driver     string          `json:"driver"`
	PCI        string          `json:"pci" doc:"address of the controller; empty: it is on no PCI bus"`
	MAC        string          `json:"mac"`
	Up         bool            `json:"up" doc:"it is switched on"`
	Carrier    bool            `json:"carrier" doc:"something answers at the other end"`
	State      string          `json:"state" doc:"up, no-carrier, down or missing"`
	Speed      int             `json:"speed" doc:"Mbit/s; 0: not known"`
	Duplex     string          `json:"duplex" doc:"full or half; empty: not known"`
	MTU        int             `json:"mtu" doc:"bytes"`
	Addresses  []string        `json:"addresses" doc:"with the lengths of their networks"`
	Management bool            `json:"management" doc:"the board has it for administration"`
	Identify   bool            `json:"identify" doc:"its lamp blinks"`
	Offloads   map[string]bool `json:"offloads" doc:"what the hardware can do, as ethtool calls it, and whether it does"`
	Rings      PortRings       `json:"rings"`
	Counters   PortCounters    `json:"counters"`
	SFP        *PortSFP        `json:"sfp" doc:"the module in it; null: none that can be read"`
	Bypass     *PortBypass     `json:"bypass" doc:"null: it is of no pair"`
	Problem    string          `json:"problem" doc:"what is not as it should be; empty: nothing"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// PortRings are the queues of packets between the kernel and the hardware.
type PortRings struct {
	RX    int `json:"rx"`
	TX    int `json:"tx"`
	RXMax int `json:"rx_max" doc:"0: not known"`
	TXMax int `json:"tx_max" doc:"0: not known"`
}

// PortCounters count what a port has carried.
type PortCounters struct {
	RXBytes   uint64            `json:"rx_bytes"`
	TXBytes   uint64            `json:"tx_bytes"`
	RXPackets uint64            `json:"rx_packets"`
	TXPackets uint64            `json:"tx_packets"`
	RXErrors  uint64            `json:"rx_errors"`
	TXErrors  uint64            `json:"tx_errors"`
	RXDropped uint64            `json:"rx_dropped"`
	TXDropped uint64            `json:"tx_dropped"`
	Driver    map[string]uint64 `json:"driver" doc:"the driver's own, under its names"`
}

// A PortSFP is the module in a port.
type PortSFP struct {
	Vendor      string   `json:"vendor"`
	Part        string   `json:"part"`
	Serial      string   `json:"serial"`
	Type        string   `json:"type" doc:"such as 10GBASE-SR"`
	Wavelength  float64  `json:"wavelength" doc:"nm; 0: none"`
	Temperature *float64 `json:"temperature" doc:"°C; null: it does not measure"`
	RXPower     *float64 `json:"rx_power_dbm" doc:"-40: dark; null: it does not measure"`
	TXPower     *float64 `json:"tx_power_dbm" doc:"null: it does not measure"`
}

// A PortBypass is the pair that a relay makes of two ports.
type PortBypass struct {
	Pair string `json:"pair" doc:"its name; hardware.show tells what the relay does"`
}

// A PortList is all ports in the order of the front.
type PortList struct {
	Ports []Port `json:"ports"`
}

type identifyParams struct {
	Port    string `json:"port" doc:"as on the front"`
	On      bool   `json:"on"`
	Seconds int    `json:"seconds,omitempty" doc:"1 to 600; 30"`
}

type plugParams struct {
	Port string `json:"port" doc:"as on the front"`
	In   bool   `json:"in" doc:"false: the cable is pulled"`
}

// PortEvent is a port that has changed.
type PortEvent struct {
	Name, Interface, State, Was string
	Management                  bool
}

// ports keeps what was listed for a moment: many ask at once.
type ports struct {
	mu   sync.Mutex // guards what follows
	at   time.Time
	list []Port
	err  error
}

// freshPorts is how long a list is good.
const freshPorts = 800 * time.Millisecond

var errNoPorts = api.Errorf(api.CodeFailed, "ports.unknown", "the ports of this box are not known; the log of the engine says why")

func (b *Box) addPorts(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "port.list", Purpose: "Shows the network ports.", Role: api.Viewer}, b.portList)
	api.Add(reg, api.Method{Name: "port.identify", Purpose: "Lets the lamp of a port blink, to find it.", Role: api.Operator,
		Effect: api.Runtime, Audit: "identify port {port}: {on}", Idempotent: true}, b.identifyPort)
	api.Add(reg, api.Method{Name: "port.plug", Purpose: "Pulls the cable of a simulated port, or puts it in.", Role: api.Admin,
		Effect: api.Runtime, Audit: "plug port {port}: {in}", Idempotent: true}, b.plugPort)
	b.topics.ports = api.AddState(reg, api.Topic{Name: "state.ports", Purpose: "The network ports.", Role: api.Viewer, Every: time.Second},
		func(context.Context, api.Call, struct{}) (map[string]Port, error) {
			list, err := b.listPorts()
			out := make(map[string]Port, len(list))
			for _, p := range list {
				out[p.Name] = p
			}
			return out, err
		})
}

// listPorts returns the ports, as they were a moment ago at most.
func (b *Box) listPorts() ([]Port, error) {
	if b.cfg.Ports == nil {
		return nil, errNoPorts
	}
	b.ports.mu.Lock()
	defer b.ports.mu.Unlock()
	if time.Since(b.ports.at) > freshPorts {
		b.ports.list, b.ports.err = b.cfg.Ports.List()
		for i := range b.ports.list {
			b.ports.list[i].Position = i
		}
		phrase.Fill(b.ports.list)
		b.ports.at = time.Now()
	}
	return b.ports.list, b.ports.err
}

// forget makes the next question ask the ports.
func (p *ports) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = time.Time{}
}

func (b *Box) portList(context.Context, api.Call, struct{}) (PortList, error) {
	list, err := b.listPorts()
	if list == nil {
		list = []Port{}
	}
	return PortList{list}, err
}

func (b *Box) identifyPort(_ context.Context, c api.Call, p identifyParams) (PortList, error) {
	if err := unscoped(c, "the lamp of a port"); err != nil {
		return PortList{}, err
	}
	if p.Seconds == 0 {
		p.Seconds = 30
	}
	if p.Seconds < 1 || p.Seconds > 600 {
		return PortList{}, api.Errorf(api.CodeParams, "params.seconds", "seconds must be 1 to 600, not %d", p.Seconds)
	}
	if err := b.findPort(p.Port); err != nil {
		return PortList{}, err
	}
	d := time.Duration(p.Seconds) * time.Second
	if !p.On {
		d = 0
	}
	if err := b.cfg.Ports.Identify(p.Port, d); err != nil {
		kind := "port.identify"
		if errors.Is(err, errors.ErrUnsupported) {
			kind = "port.unsupported"
		}
		return PortList{}, api.Errorf(api.CodeFailed, kind, "%v", err)
	}
	b.ports.forget()
	changed(b.topics.ports)
	list, err := b.listPorts()
	return PortList{list}, err
}

// findPort says why there is no such port.
func (b *Box) findPort(name string) error {
	list, err := b.listPorts()
	if err == nil && !slices.ContainsFunc(list, func(x Port) bool { return x.Name == name }) {
		return api.Errorf(api.CodeNotFound, "not_found", "there is no port %q; there are %s", name, portNames(list))
	}
	return err
}

func (b *Box) plugPort(_ context.Context, c api.Call, p plugParams) (PortList, error) {
	if err := unscoped(c, "the cable of a port"); err != nil {
		return PortList{}, err
	}
	if err := b.findPort(p.Port); err != nil {
		return PortList{}, err
	}
	cables, ok := b.cfg.Ports.(Cables)
	if !ok {
		return PortList{}, api.Errorf(api.CodeFailed, "port.real", "the ports of this box are real: pull the cable of port %s by hand", p.Port)
	}
	if err := cables.Plug(p.Port, p.In); err != nil {
		return PortList{}, err
	}
	b.ports.forget()
	list, err := b.listPorts()
	return PortList{list}, err
}

func portNames(list []Port) string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.Name
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// PortChanged tells of a port that has changed. It does not wait for anything that
// takes long.
func (b *Box) PortChanged(e PortEvent) {
	b.ports.forget()
	changed(b.topics.ports)
	if up := e.State == "up"; up != (e.Was == "up") {
		args := map[string]any{"port": e.Name}
		kind := event.PortUp
		if !up {
			kind = event.PortDown
			args["reason"] = map[string]string{"no-carrier": "nothing answers at the other end", "down": "it is switched off",
				"missing": "its interface is gone"}[e.State]
		}
		b.happened(kind, event.Object("port", e.Name), args)
	}
	b.networkPortChanged(e)
	b.refreshStandby()
}

// portProblems lists what is wrong with ports.
func (b *Box) portProblems() (out []Problem) {
	if b.cfg.Ports == nil {
		return nil
	}
	list, err := b.listPorts()
	if err != nil {
		return []Problem{{Kind: "ports.unknown", Severity: severityWarning, Object: "ports", Args: map[string]any{"error": err.Error()},
			Text: "the ports are not known: " + err.Error()}}
	}
	for _, p := range list {
		if p.Problem != "" {
			out = append(out, Problem{Kind: "port.problem", Severity: severityWarning, Object: event.Object("port", p.Name),
				Args: map[string]any{"port": p.Name, "error": p.Problem}, Text: "port " + p.Name + ": " + p.Problem})
		}
	}
	return out
}

// collectPorts writes the ports into the metrics.
func (b *Box) collectPorts(w *stats.Writer) {
	if b.cfg.Ports == nil {
		return
	}
	list, err := b.listPorts()
	if err != nil {
		return // a problem tells
	}
	each := func(f *stats.Family, rx, tx func(PortCounters) uint64) {
		for _, p := range list {
			w.Uint(f, rx(p.Counters), p.Name, "in")
			w.Uint(f, tx(p.Counters), p.Name, "out")
		}
	}
	for _, p := range list {
		w.Bool(stats.PortUp, p.State == "up", p.Name)
	}
	for _, p := range list {
		w.Float(stats.PortSpeed, float64(p.Speed)*1e6, p.Name)
	}
	each(stats.PortBytes, func(c PortCounters) uint64 { return c.RXBytes }, func(c PortCounters) uint64 { return c.TXBytes })
	each(stats.PortPackets, func(c PortCounters) uint64 { return c.RXPackets }, func(c PortCounters) uint64 { return c.TXPackets })
	each(stats.PortErrors, func(c PortCounters) uint64 { return c.RXErrors }, func(c PortCounters) uint64 { return c.TXErrors })
	each(stats.PortDropped, func(c PortCounters) uint64 { return c.RXDropped }, func(c PortCounters) uint64 { return c.TXDropped })
}
