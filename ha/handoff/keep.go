// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The kernel answers ARP for an address of the loopback on every interface
// unless arp_ignore is 1 or 2 (only for addresses of the interface that the
// question came by), 3 (not for addresses with scope host, which ours have) or 8
// (never). And it asks for its neighbours in the name of that address unless
// arp_announce is 2: who hears the question would learn the old box's MAC. Of
// the interface's own setting and that of "all" the larger counts. (The kernel's
// Documentation/networking/ip-sysctl.rst.) IPv6 needs nothing: neighbour
// discovery answers only for addresses of the interface itself, and asks in the
// name of one.
var arpSettings = []struct {
	name, want string
	good       []string
}{
	{name: "net.ipv4.conf.all.arp_ignore", want: "1", good: []string{"1", "2", "3", "8"}},
	{name: "net.ipv4.conf.all.arp_announce", want: "2", good: []string{"2"}},
}

// A keeper holds addresses on the loopback.
type keeper struct {
	log  *slog.Logger
	file string

	mu sync.Mutex // one change at a time
}

// Keep puts the addresses on the loopback, so that their connections live on
// when the addresses are released from the network. It is to be called before
// that, and may be called again. What lies there already, without Keep, is left
// alone. After an error nothing of this call is kept.
func (b *Box) Keep(list []netip.Addr) error {
	k := &b.kept
	k.mu.Lock()
	defer k.mu.Unlock()
	j, err := readJournal(k.file)
	if err != nil {
		return fmt.Errorf("keeping addresses: %w", err)
	}
	lo, have, err := loopback()
	if err != nil {
		return fmt.Errorf("keeping addresses: %w", err)
	}
	var add []netip.Addr
	for _, a := range list {
		if err := checkAddress(a); err != nil {
			return fmt.Errorf("keeping addresses: %w", err)
		}
		if a = a.Unmap(); !slices.Contains(have, a) && !slices.Contains(add, a) {
			add = append(add, a)
		}
	}
	if len(add) == 0 {
		return nil
	}
	if err := k.put(lo, &j, add); err != nil {
		return errors.Join(fmt.Errorf("keeping addresses: %w", err), k.drop(j, add))
	}
	k.log.Info("addresses kept for their connections", "addresses", add)
	return nil
}

// put notes what will be changed, and changes it.
func (k *keeper) put(lo netlink.Link, j *journal, add []netip.Addr) error {
	for _, a := range add {
		if !slices.Contains(j.Addresses, a) {
			j.Addresses = append(j.Addresses, a)
		}
	}
	var change []setting
	if slices.ContainsFunc(j.Addresses, netip.Addr.Is4) {
		var err error
		if change, err = missing(j); err != nil {
			return err
		}
	}
	if err := j.write(k.file); err != nil {
		return err
	}
	for _, s := range change {
		if err := setSysctl(s.Name, s.Set); err != nil {
			return err
		}
	}
	for _, a := range add {
		if err := netlink.AddrAdd(lo, onLoopback(a)); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("adding %v to the loopback: %w", a, err)
		}
	}
	return nil
}

// missing returns the settings to be changed, and notes them in j.
func missing(j *journal) ([]setting, error) {
	var change []setting
	for _, s := range arpSettings {
		now, err := sysctl(s.name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(s.good, now) {
			continue
		}
		c := setting{Name: s.name, Before: now, Set: s.want}
		if !slices.ContainsFunc(j.Settings, func(o setting) bool { return o.Name == s.name }) {
			j.Settings = append(j.Settings, c)
		}
		change = append(change, c)
	}
	return change, nil
}

// Drop takes addresses that Keep has put there away from the loopback. With the
// last IPv4 one the kernel's settings are put back as they were.
func (b *Box) Drop(list []netip.Addr) error {
	k := &b.kept
	k.mu.Lock()
	defer k.mu.Unlock()
	j, err := readJournal(k.file)
	if err != nil {
		return fmt.Errorf("dropping addresses: %w", err)
	}
	return k.drop(j, list)
}

// Clear drops all that Keep has put there, in an earlier run of the program
// too.
func (b *Box) Clear() error {
	k := &b.kept
	k.mu.Lock()
	defer k.mu.Unlock()
	j, err := readJournal(k.file)
	if err != nil {
		return fmt.Errorf("dropping addresses: %w", err)
	}
	return k.drop(j, slices.Clone(j.Addresses))
}

// Kept returns the addresses that are noted as kept.
func (b *Box) Kept() ([]netip.Addr, error) {
	b.kept.mu.Lock()
	defer b.kept.mu.Unlock()
	j, err := readJournal(b.kept.file)
	return j.Addresses, err
}

// drop undoes what j says of list. What cannot be undone stays noted.
func (k *keeper) drop(j journal, list []netip.Addr) error {
	if len(j.Addresses) == 0 && len(j.Settings) == 0 {
		return nil
	}
	lo, have, err := loopback()
	if err != nil {
		return fmt.Errorf("dropping addresses: %w", err)
	}
	var gone []netip.Addr
	for _, a := range list {
		a = a.Unmap()
		i := slices.Index(j.Addresses, a)
		if i < 0 {
			continue
		}
		if slices.Contains(have, a) {
			if e := netlink.AddrDel(lo, onLoopback(a)); e != nil && !errors.Is(e, unix.EADDRNOTAVAIL) {
				err = errors.Join(err, fmt.Errorf("taking %v from the loopback: %w", a, e))
				continue
			}
		}
		j.Addresses = slices.Delete(j.Addresses, i, i+1)
		gone = append(gone, a)
	}
	if !slices.ContainsFunc(j.Addresses, netip.Addr.Is4) {
		err = errors.Join(err, k.putBack(&j))
	}
	if len(gone) > 0 {
		k.log.Info("addresses not kept any more", "addresses", gone)
	}
	return errors.Join(err, j.write(k.file))
}

// putBack restores the kernel's settings, but for those that somebody else has
// changed meanwhile.
func (k *keeper) putBack(j *journal) error {
	var failed []setting
	var all error
	for _, s := range j.Settings {
		now, err := sysctl(s.Name)
		switch {
		case err == nil && now == s.Set:
			err = setSysctl(s.Name, s.Before)
		case err == nil && now != s.Before:
			k.log.Warn("setting of the kernel changed by somebody else, left so", "name", s.Name, "value", now)
		}
		if err != nil {
			failed = append(failed, s)
			all = errors.Join(all, err)
		}
	}
	j.Settings = failed
	return all
}

// loopback returns the loopback and its addresses.
func loopback() (netlink.Link, []netip.Addr, error) {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return nil, nil, fmt.Errorf("finding the loopback: %w", err)
	}
	if lo.Attrs().Flags&net.FlagUp == 0 {
		return nil, nil, errors.New("the loopback is down; nothing can be kept there")
	}
	list, err := netlink.AddrList(lo, netlink.FAMILY_ALL)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the loopback's addresses: %w", err)
	}
	var have []netip.Addr
	for _, a := range list {
		if ip, ok := netip.AddrFromSlice(a.IP); ok {
			have = append(have, ip.Unmap())
		}
	}
	return lo, have, nil
}

// onLoopback is a as it lies on the loopback: never chosen as the source of
// anything new (scope host, or deprecated).
func onLoopback(a netip.Addr) *netlink.Addr {
	x := &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}}
	if a.Is4() {
		x.Scope = int(netlink.SCOPE_HOST)
		return x
	}
	x.Flags = unix.IFA_F_NODAD
	x.ValidLft, x.PreferedLft = math.MaxInt32, 0
	return x
}

func sysctlFile(name string) string { return "/proc/sys/" + strings.ReplaceAll(name, ".", "/") }

func sysctl(name string) (string, error) {
	b, err := os.ReadFile(sysctlFile(name))
	return strings.TrimSpace(string(b)), err
}

func setSysctl(name, value string) error {
	return os.WriteFile(sysctlFile(name), []byte(value), 0)
}
