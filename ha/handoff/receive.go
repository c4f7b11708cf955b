// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// maxBegun bounds the connections whose SYN is remembered; the oldest go. A
// handshake is done after one round trip, and then has a socket.
const maxBegun = 32768

// Supported says why this machine cannot send packets on; nil: it can. It loads
// the program and attaches it to the loopback for a moment, where it does
// nothing.
func Supported() error {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return fmt.Errorf("handing off connections: %w", err)
	}
	k, err := load(plan{
		index: lo.Index, own: make([]byte, 6), to: make([]byte, 6),
	}, nil)
	if err != nil {
		return err
	}
	return k.close()
}

// A Receiver sends packets on, from Receive until Stop or the limit.
type Receiver struct {
	log   *slog.Logger
	since time.Time
	timer *time.Timer
	done  chan struct{}

	mu     sync.Mutex // guards what follows
	kernel *kernel    // nil: ended
	last   Stats      // once ended
}

// Receive begins to send packets on. It serves one interface; a group with
// addresses on several needs a Receiver for each.
func (b *Box) Receive(c Config) (*Receiver, error) {
	if c.Limit == 0 {
		c.Limit = DefaultLimit
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("handing off connections: %w", err)
	}
	i, err := net.InterfaceByName(c.Interface)
	if err != nil {
		return nil, fmt.Errorf("handing off connections on %q: %w", c.Interface, err)
	}
	if len(i.HardwareAddr) != 6 {
		return nil, fmt.Errorf("handing off connections on %q: it is no Ethernet interface", c.Interface)
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return nil, fmt.Errorf("reading the monotonic clock: %w", err)
	}
	k, err := load(plan{
		index: i.Index, own: i.HardwareAddr, to: c.To, virtual: c.Virtual, peers: c.Peers,
		deadline: uint64(now.Nano() + c.Limit.Nanoseconds()),
	}, c.Addresses)
	if err != nil {
		return nil, fmt.Errorf("on %q: %w", c.Interface, err)
	}
	r := &Receiver{
		log:   b.log.With("iface", c.Interface, "to", c.To.String()),
		since: time.Now(), done: make(chan struct{}), kernel: k,
	}
	r.last = Stats{Since: r.since, Until: r.since.Add(c.Limit)}
	r.log.Info("connections of the old box are sent on", "addresses", c.Addresses, "limit", c.Limit)
	r.timer = time.AfterFunc(c.Limit, func() { r.end("the limit has passed") })
	return r, nil
}

// Done is closed when r has ended.
func (r *Receiver) Done() <-chan struct{} { return r.done }

// Stop ends r: what comes in now for a connection of the old box is answered
// with a RST. It may be called again.
func (r *Receiver) Stop() {
	r.timer.Stop()
	r.end("stopped")
}

// end takes the program away.
func (r *Receiver) end(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kernel == nil {
		return
	}
	s, err := r.kernel.read(r.last)
	if now := time.Now(); now.Before(s.Until) {
		s.Until = now
	}
	r.last = s
	if err = errors.Join(err, r.kernel.close()); err != nil {
		r.log.Error("program not taken away cleanly", "err", err)
	}
	r.kernel = nil
	close(r.done)
	r.log.Info("connections of the old box are not sent on any more", "why", why,
		"packets", s.Packets, "flows", s.Flows, "ended", s.Ended)
}

// Stats returns what r has done so far.
func (r *Receiver) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kernel == nil {
		return r.last
	}
	s, err := r.kernel.read(r.last)
	if err != nil {
		r.log.Error("counters not read", "err", err)
	}
	return s
}

// A kernel is the program, attached, and its maps.
type kernel struct {
	link                              io.Closer
	addresses, flows, begun, counters *ebpf.Map
}

// load makes the maps, writes and loads the program, and attaches it.
func load(p plan, list []netip.Addr) (*kernel, error) {
	k := &kernel{}
	err := k.makeMaps(list)
	if err == nil {
		p.addresses, p.flows, p.begun, p.counters = k.addresses.FD(), k.flows.FD(), k.begun.FD(), k.counters.FD()
		err = k.attach(p.index, program(p))
	}
	if err != nil {
		return nil, errors.Join(explain(err), k.close())
	}
	return k, nil
}

func (k *kernel) makeMaps(list []netip.Addr) (err error) {
	k.addresses, err = ebpf.NewMap(&ebpf.MapSpec{
		Name: "handoff_addrs", Type: ebpf.Hash, KeySize: sizeAddr, ValueSize: 4,
		MaxEntries: uint32(max(1, len(list))),
	})
	if err != nil {
		return err
	}
	for _, a := range list {
		if err := k.addresses.Put(a.As16(), uint32(1)); err != nil {
			return err
		}
	}
	k.flows, err = ebpf.NewMap(&ebpf.MapSpec{
		Name: "handoff_flows", Type: ebpf.Hash, KeySize: sizeTuple, ValueSize: 4,
		MaxEntries: MaxFlows, Flags: unix.BPF_F_NO_PREALLOC,
	})
	if err != nil {
		return err
	}
	k.begun, err = ebpf.NewMap(&ebpf.MapSpec{
		Name: "handoff_begun", Type: ebpf.LRUHash, KeySize: sizeTuple, ValueSize: 4, MaxEntries: maxBegun,
	})
	if err != nil {
		return err
	}
	k.counters, err = ebpf.NewMap(&ebpf.MapSpec{
		Name: "handoff_counts", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: counters,
	})
	return err
}

// attach loads the program and attaches it.
func (k *kernel) attach(index int, list asm.Instructions) error {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "handoff", Type: ebpf.SchedCLS, License: "Apache-2.0", Instructions: list,
	})
	if err != nil {
		return err
	}
	defer prog.Close()
	k.link, err = attach(index, prog)
	return err
}

// read adds the counters to s.
func (k *kernel) read(s Stats) (Stats, error) {
	for i, p := range []*uint64{
		countPackets: &s.Packets, countErrors: &s.Errors, countFlows: &s.Flows, countEnded: &s.Ended,
	} {
		if err := k.counters.Lookup(uint32(i), p); err != nil {
			return s, err
		}
	}
	return s, nil
}

// close takes the program away and frees the maps.
func (k *kernel) close() error {
	var err error
	if k.link != nil {
		err = k.link.Close()
	}
	return errors.Join(err, k.addresses.Close(), k.flows.Close(), k.begun.Close(), k.counters.Close())
}

// explain says what the kernel lacks, where that is known.
func explain(err error) error {
	var verdict *ebpf.VerifierError
	switch {
	case errors.As(err, &verdict):
		return fmt.Errorf("the kernel refuses the program that hands off connections: %+v", verdict)
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("handing off connections needs CAP_BPF and CAP_NET_ADMIN: %w", err)
	case errors.Is(err, ebpf.ErrNotSupported):
		return fmt.Errorf("handing off connections needs Linux 6.1 with CONFIG_BPF_SYSCALL, and from 6.6 on CONFIG_NET_XGRESS: %w", err)
	}
	return fmt.Errorf("handing off connections: %w", err)
}
