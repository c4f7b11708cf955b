// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Linux is the LAN of the kernel's interfaces. It needs CAP_NET_ADMIN and CAP_NET_RAW,
// and for virtual MACs a kernel with CONFIG_MACVLAN, CONFIG_NF_TABLES_NETDEV and
// CONFIG_NETFILTER_EGRESS.
type Linux struct {
	cfg   LinuxConfig
	log   *slog.Logger
	waker waker
	buf   []byte

	mu       sync.Mutex // guards what follows
	closed   bool
	news     int // a netlink socket, -1: it has to be opened again
	journal  journal
	stations []*station
	shared   map[place]*socket // of interfaces themselves
	chains   string            // that nftables have, as text
}

// A place is where one socket suffices for all stations.
type place struct {
	index  int
	family Family
}

// OpenLinux returns the networks of the kernel. What the journal of an earlier process
// lists stays as it is until Attach finds it: a station begins with the addresses that
// it had. What no station has found by the first Wait is undone.
func OpenLinux(cfg LinuxConfig, log *slog.Logger) (*Linux, error) {
	if cfg.Journal == "" {
		return nil, errors.New("use the networks of the kernel: name a file to note in what may have to be undone")
	}
	path, err := filepath.Abs(cfg.Journal)
	if err != nil {
		return nil, fmt.Errorf("use the networks of the kernel: %w", err)
	}
	cfg.Journal = path
	l := &Linux{cfg: cfg, log: log, news: -1, waker: waker{-1}, buf: make([]byte, 64<<10), shared: make(map[place]*socket)}
	if l.journal, err = readJournal(path); err != nil {
		return nil, fmt.Errorf("use the networks of the kernel: %w; see that no address is left of it, then remove it", err)
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(path))
	l.journal.Table = fmt.Sprintf("evener_ha_%08x", h.Sum32())
	if l.waker, err = newWaker(); err != nil {
		return nil, err
	}
	if l.news, err = subscribe(); err != nil {
		l.waker.close()
		return nil, err
	}
	return l, nil
}

// Attach joins a network.
func (l *Linux) Attach(c Config) (Station, error) {
	if err := checkConfig(&c); err != nil {
		return nil, err
	}
	if !linkName.MatchString(c.Interface) {
		return nil, fmt.Errorf("attach a station: %q cannot be the name of an interface: it has 1 to 15 bytes without space, slash and colon", c.Interface)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	for _, x := range l.stations {
		if err := apart(c, x.cfg); err != nil {
			return nil, err
		}
		if c.MAC != nil && newEntry(c).Virtual == newEntry(x.cfg).Virtual {
			return nil, fmt.Errorf("attach a station to %s: %v differs from %v of another one in its first bytes only", c.Interface, c.MAC, x.cfg.MAC)
		}
	}
	s := &station{lan: l, cfg: c, join: -1, ours: make(map[netip.Prefix]bool), theirs: make(map[netip.Prefix]bool), groups: make(map[membership]bool)}
	l.stations = append(l.stations, s)
	err := s.inherit()
	if err == nil {
		err = s.prepare(c.Addresses)
	}
	if err == nil {
		err = l.refresh()
	}
	if err != nil {
		l.stations = slices.DeleteFunc(l.stations, func(x *station) bool { return x == s })
		return nil, fmt.Errorf("attach a station to %s: %w", c.Interface, err)
	}
	return s, nil
}

// Wait waits for packets and changes.
func (l *Linux) Wait(until time.Time) (Batch, error) {
	if err := l.undoLeft(); err != nil {
		return Batch{}, err
	}
	return wait(l, until)
}

// undoLeft undoes what an earlier process has left and no station wants.
func (l *Linux) undoLeft() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	var keep, left []entry
	for _, e := range l.journal.Stations {
		wanted := slices.ContainsFunc(l.stations, func(s *station) bool { return e.of(s.cfg) })
		if wanted {
			keep = append(keep, e)
		} else {
			left = append(left, e)
		}
	}
	if len(left) == 0 {
		return nil
	}
	for _, e := range left {
		if err := undo(e); err != nil {
			return fmt.Errorf("undo what an earlier process has left: %w", err)
		}
		l.log.Info("leftovers undone", "iface", e.Interface, "addresses", e.Addresses, "virtual", e.Virtual)
	}
	l.journal.Stations = keep
	return l.settle()
}

// settle puts back settings that no station needs any more, and writes the journal.
func (l *Linux) settle() error {
	wishes, err := parentWishes(l.configs())
	if err != nil {
		return err
	}
	need := func(s setting) bool {
		return slices.ContainsFunc(wishes, func(w wish) bool {
			return w.name == s.Name || filepath.Base(w.name) == "rp_filter" && filepath.Base(s.Name) == "rp_filter"
		})
	}
	var keep, back []setting
	for _, s := range l.journal.Settings {
		if need(s) {
			keep = append(keep, s)
		} else {
			back = append(back, s)
		}
	}
	left, err := putBack(back)
	l.journal.Settings = append(keep, left...)
	return errors.Join(err, l.journal.write(l.cfg.Journal))
}

func (l *Linux) configs() (out []Config) {
	for _, s := range l.stations {
		out = append(out, s.cfg)
	}
	return out
}

// Wake ends a Wait.
func (l *Linux) Wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.waker.wake()
	}
}

// Close detaches all stations and puts everything back.
func (l *Linux) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	for _, s := range l.stations {
		s.shut()
	}
	l.stations = nil
	for _, s := range l.shared {
		s.close()
	}
	l.waker.close()
	if l.news >= 0 {
		_ = unix.Close(l.news)
	}
	return Clean(l.cfg.Journal)
}
