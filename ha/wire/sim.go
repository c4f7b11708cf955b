// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Sim is the LAN of a box on simulated networks. Boxes hear each other by datagrams
// in a folder that they share; nothing reaches a real network.
//
// Of each box there is a folder: DIR/NODE/lock, held while the box runs; sock-X, its
// socket; held.json, the addresses that its stations have; pulled-X, while the cable
// of interface X is out.
type Sim struct {
	cfg    SimConfig
	log    *slog.Logger
	lock   *os.File
	folder *os.File // of this box
	path   string   // of its socket
	fd     int      // the socket
	notify int      // of changes in the folder
	waker  waker
	buf    []byte

	mu       sync.Mutex // guards what follows
	closed   bool
	stations []*simStation
}

// OpenSim joins the simulated networks of a folder.
func OpenSim(cfg SimConfig, log *slog.Logger) (*Sim, error) {
	if err := checkSim(&cfg); err != nil {
		return nil, err
	}
	own := filepath.Join(cfg.Dir, cfg.Node)
	if err := os.MkdirAll(own, 0o755); err != nil {
		return nil, fmt.Errorf("join simulated networks: %w", err)
	}
	s := &Sim{cfg: cfg, log: log, fd: -1, notify: -1, waker: waker{-1}, buf: make([]byte, maxPacket)}
	if err := s.open(own); err != nil {
		s.free()
		return nil, fmt.Errorf("join simulated networks in %s: %w", cfg.Dir, err)
	}
	return s, nil
}

func (s *Sim) open(own string) (err error) {
	if s.lock, err = os.OpenFile(filepath.Join(own, "lock"), os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return err
	}
	whole := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(s.lock.Fd(), unix.F_OFD_SETLK, &whole); err != nil {
		return fmt.Errorf("a box called %q runs there already; give this one another name", s.cfg.Node)
	}
	if s.folder, err = os.Open(own); err != nil {
		return err
	}
	for _, name := range glob(own, "sock-") { // of earlier runs
		_ = os.Remove(filepath.Join(own, name))
	}
	if s.notify, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err != nil {
		return err
	}
	if _, err = unix.InotifyAddWatch(s.notify, own, unix.IN_CREATE|unix.IN_DELETE|unix.IN_MOVED_TO|unix.IN_MOVED_FROM); err != nil {
		return err
	}
	if s.waker, err = newWaker(); err != nil {
		return err
	}
	if s.fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	name := "sock-" + rand.Text()
	s.path = filepath.Join(own, name)
	if err := unix.Bind(s.fd, within(s.folder, name)); err != nil {
		return err
	}
	return s.note()
}

// within is the address of a socket in a folder, however long its path is: that of a
// socket has 108 bytes at most.
func within(folder *os.File, name string) *unix.SockaddrUnix {
	return &unix.SockaddrUnix{Name: "/proc/self/fd/" + strconv.Itoa(int(folder.Fd())) + "/" + name}
}

// glob lists the files of a folder whose names begin with prefix.
func glob(folder, prefix string) (names []string) {
	list, _ := os.ReadDir(folder) // one that has just gone has none
	for _, e := range list {
		if len(e.Name()) > len(prefix) && e.Name()[:len(prefix)] == prefix {
			names = append(names, e.Name())
		}
	}
	return names
}

func checkSim(c *SimConfig) error {
	if c.Dir == "" {
		return errors.New("join simulated networks: name a folder that all boxes share")
	}
	if err := checkName("box", c.Node); err != nil {
		return err
	}
	c.Interfaces = slices.Clone(c.Interfaces)
	seen := make(map[string]bool)
	for i, x := range c.Interfaces {
		if err := checkName("interface", x.Name); err != nil {
			return err
		}
		if seen[x.Name] {
			return fmt.Errorf("join simulated networks: two interfaces are called %q", x.Name)
		}
		seen[x.Name] = true
		c.Interfaces[i].Addresses = withOwn(c.Node, x)
	}
	return nil
}

// checkName wants a name that can be that of a file.
func checkName(what, name string) error {
	ok := name != "" && len(name) <= 64 && name[0] != '.'
	for _, r := range name {
		ok = ok && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_' || r == ':')
	}
	if !ok {
		return fmt.Errorf("join simulated networks: %q cannot be the name of the %s: it has 1 to 64 letters, digits, dots, colons, - and _, and does not begin with a dot", name, what)
	}
	return nil
}

// withOwn returns the addresses of an interface, completed with one of each family.
func withOwn(node string, x SimInterface) []netip.Prefix {
	out := slices.Clone(x.Addresses)
	has := func(f Family) bool {
		return slices.ContainsFunc(out, func(p netip.Prefix) bool {
			return Of(p.Addr()) == f && (f == IPv4 || p.Addr().IsLinkLocalUnicast())
		})
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%s", node, x.Name)
	sum := h.Sum64()
	if !has(IPv4) {
		host := 1 + sum%(1<<17-2)
		out = append(out, netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18 + byte(host>>16), byte(host >> 8), byte(host)}), 15))
	}
	if !has(IPv6) {
		a := [16]byte{0: 0xfe, 1: 0x80, 8: 2}
		for i := range 7 {
			a[9+i] = byte(sum >> (8 * i))
		}
		out = append(out, netip.PrefixFrom(netip.AddrFrom16(a), 64))
	}
	return out
}

// Wait waits for packets and changes.
func (s *Sim) Wait(until time.Time) (Batch, error) { return wait(s, until) }

// Wake ends a Wait.
func (s *Sim) Wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.waker.wake()
	}
}

// Attach joins a network.
func (s *Sim) Attach(c Config) (Station, error) {
	if err := checkConfig(&c); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	for _, x := range s.stations {
		if err := apart(c, x.cfg); err != nil {
			return nil, err
		}
	}
	x := &simStation{lan: s, cfg: c}
	s.stations = append(s.stations, x)
	return x, nil
}

// Interface tells of an interface.
func (s *Sim) Interface(name string) (Interface, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return Interface{}, ErrClosed
	}
	i := slices.IndexFunc(s.cfg.Interfaces, func(x SimInterface) bool { return x.Name == name })
	if i < 0 {
		return Interface{Name: name}, nil
	}
	in := plugged(s.cfg.Dir, s.cfg.Node, name)
	out := Interface{Name: name, Present: true, Up: true, Carrier: in, MAC: s.mac(name), Addresses: slices.Clone(s.cfg.Interfaces[i].Addresses)}
	for _, x := range s.stations {
		if x.cfg.Interface == name && x.cfg.MAC == nil {
			out.Addresses = append(out.Addresses, x.held...)
		}
	}
	return out, nil
}

// mac returns the address of an interface, made of the names of box and interface.
func (s *Sim) mac(iface string) net.HardwareAddr {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s/%s", s.cfg.Node, iface)
	sum := h.Sum32()
	return net.HardwareAddr{2, 0x73, byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}
}

// DefaultRoutes lists those by the gateways of interfaces that are plugged in.
func (s *Sim) DefaultRoutes(f Family) ([]DefaultRoute, error) {
	var out []DefaultRoute
	for _, x := range s.cfg.Interfaces {
		for _, g := range x.Gateways {
			if Of(g) == f && plugged(s.cfg.Dir, s.cfg.Node, x.Name) {
				out = append(out, DefaultRoute{Interface: x.Name, Gateway: g})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b DefaultRoute) int { return cmp.Compare(a.Metric, b.Metric) })
	return out, nil
}

// Close leaves the networks.
func (s *Sim) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.stations = nil
	err := s.note()
	s.free()
	return err
}

func (s *Sim) free() {
	if s.path != "" {
		_ = os.Remove(s.path)
	}
	for _, fd := range []int{s.fd, s.notify, s.waker.fd} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	for _, f := range []*os.File{s.folder, s.lock} {
		if f != nil {
			_ = f.Close()
		}
	}
}
