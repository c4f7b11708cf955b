// SPDX-License-Identifier: Apache-2.0

package nic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Config says what Ports are to do. Its zero value does.
type Config struct {
	Changed func(Event) // called by Run for each port that changes
	Sys     string      // "/sys"
	Buffer  int         // bytes of the socket that links are told on; 1 MiB
}

// Ports are the network ports of this machine.
type Ports struct {
	matches []Match
	cfg     Config
	log     *slog.Logger
	tool    *ethtool.Ethtool

	subscribe func(stop <-chan struct{}) (<-chan struct{}, error) // see listen
	blink     func(name string, d time.Duration) error            // blocks

	mu     sync.Mutex // guards what follows
	memory memory
	facts  map[int]facts // by index
	stale  chan struct{} // facts are to be read anew
	lamps  map[string]*lamp
	closed bool
	tasks  sync.WaitGroup // lamps that blink
}

// Open returns the ports with these labels; without any, those of the hardware
// under the names of the kernel.
func Open(matches []Match, cfg Config, log *slog.Logger) (*Ports, error) {
	tool, err := ethtool.NewEthtool()
	if err != nil {
		return nil, fmt.Errorf("open a socket for ethtool: %w", err)
	}
	if cfg.Sys == "" {
		cfg.Sys = "/sys"
	}
	if cfg.Buffer == 0 {
		cfg.Buffer = 1 << 20
	}
	p := &Ports{matches: matches, cfg: cfg, log: log, tool: tool, memory: make(memory), facts: make(map[int]facts),
		stale: make(chan struct{}, 1), lamps: make(map[string]*lamp)}
	p.subscribe = p.listen
	p.blink = func(name string, d time.Duration) error { return tool.Identity(name, &d) }
	return p, nil
}

// ErrClosed is what List says after Close.
var ErrClosed = errors.New("the ports are closed")

// Close ends the lamps that blink, and gives the socket back. Run must have ended.
func (p *Ports) Close() error {
	p.mu.Lock()
	p.closed = true
	for _, l := range p.lamps {
		l.stop()
	}
	p.mu.Unlock()
	p.tasks.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tool.Close()
	return nil
}

// List returns the ports in the order of the front.
func (p *Ports) List() ([]Port, error) {
	found, err := links()
	if err != nil {
		return nil, err
	}
	addresses, err := addresses()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	rows := p.rows(found)
	out := make([]Port, len(rows))
	for i, r := range rows {
		out[i] = Port{Label: r.match.Label, Management: r.match.Management, State: Missing, Problem: r.problem}
		if r.link == nil {
			continue
		}
		f := p.factsOf(*r.link)
		p.fill(&out[i], *r.link, found[r.link.index], f)
		out[i].Addresses = addresses[r.link.index]
	}
	return out, nil
}

// fill tells of a port that has a link.
func (p *Ports) fill(out *Port, l link, n netlink.Link, f facts) {
	a := n.Attrs()
	out.Interface, out.Driver, out.PCI, out.index = l.name, l.driver, l.pci(), l.index
	out.MAC, out.MTU = a.HardwareAddr.String(), a.MTU
	out.Up, out.Carrier, out.State = l.up, l.carrier, l.state()
	if l.carrier {
		out.Speed, out.Duplex = p.speed(l.name)
	}
	out.Offloads, out.Rings, out.SFP = maps.Clone(f.offloads), f.rings, f.sfp
	_, out.Identify = p.lamps[out.Label]
	if s := a.Statistics; s != nil {
		out.Counters = Counters{RXBytes: s.RxBytes, TXBytes: s.TxBytes, RXPackets: s.RxPackets, TXPackets: s.TxPackets,
			RXErrors: s.RxErrors, TXErrors: s.TxErrors, RXDropped: s.RxDropped, TXDropped: s.TxDropped}
	}
	out.Counters.Driver = p.driverCounters(l.name)
	if out.Problem == "" {
		out.Problem = f.problem
	}
}

// rows gives the labels their links. The caller holds p.mu.
func (p *Ports) rows(found map[int]netlink.Link) []row {
	list := make([]link, 0, len(found))
	for _, n := range found {
		list = append(list, p.link(n))
	}
	return p.memory.rows(p.matches, list)
}

// link takes what matters out of what the kernel tells.
func (p *Ports) link(n netlink.Link) link {
	a := n.Attrs()
	l := link{index: a.Index, name: a.Name, up: a.RawFlags&unix.IFF_UP != 0, carrier: a.RawFlags&unix.IFF_LOWER_UP != 0,
		loopback: a.RawFlags&unix.IFF_LOOPBACK != 0, ethernet: a.EncapType == "ether" && n.Type() != "bridge"}
	dir := filepath.Join(p.cfg.Sys, "class/net", a.Name, "device")
	if device, err := filepath.EvalSymlinks(dir); err == nil {
		l.device = strings.TrimPrefix(device, p.cfg.Sys)
		if driver, err := os.Readlink(filepath.Join(dir, "driver")); err == nil {
			l.driver = filepath.Base(driver)
		}
	}
	if l.driver == "" {
		l.driver, _ = p.tool.DriverName(a.Name) // interfaces without hardware have one too
	}
	return l
}

// speed returns what the link has agreed on, in Mbit/s.
func (p *Ports) speed(name string) (int, string) {
	read := func(file string) string {
		b, err := os.ReadFile(filepath.Join(p.cfg.Sys, "class/net", name, file))
		if err != nil {
			return "" // the driver does not tell
		}
		return strings.TrimSpace(string(b))
	}
	n, err := strconv.Atoi(read("speed"))
	if err != nil || n < 0 {
		n = 0
	}
	duplex := read("duplex")
	if duplex != "full" && duplex != "half" {
		duplex = ""
	}
	return n, duplex
}

// links lists the interfaces by index.
func links() (map[int]netlink.Link, error) {
	list, err := retried(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list the interfaces: %w", err)
	}
	out := make(map[int]netlink.Link, len(list))
	for _, l := range list {
		out[l.Attrs().Index] = l
	}
	return out, nil
}

// addresses lists those of all interfaces by index.
func addresses() (map[int][]netip.Prefix, error) {
	list, err := retried(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return nil, fmt.Errorf("list the addresses: %w", err)
	}
	out := make(map[int][]netip.Prefix)
	for _, a := range list {
		ip, ok := netip.AddrFromSlice(a.IP)
		if !ok {
			continue
		}
		bits, _ := a.Mask.Size()
		out[a.LinkIndex] = append(out[a.LinkIndex], netip.PrefixFrom(ip.Unmap(), bits))
	}
	return out, nil
}

// retried asks again where the answer is not of one moment because something
// changed meanwhile. In the end a torn one is better than none.
func retried[T any](list func() ([]T, error)) (out []T, err error) {
	for range 5 {
		if out, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return out, err
		}
	}
	return out, nil
}

// Run tells of ports that change, until ctx ends.
func (p *Ports) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { p.refresh(ctx) })
	return p.watch(ctx)
}
