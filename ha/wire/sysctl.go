// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
)

// sysctls is where the settings of the kernel are. Those of the network belong to the
// namespace of the calling thread, and CAP_NET_ADMIN suffices to change them.
const sysctls = "/proc/sys/"

var settingName = regexp.MustCompile(`^net/ipv4/conf/[^/\s]{1,15}/(accept_local|arp_announce|arp_ignore|promote_secondaries|rp_filter)$`)

// ourSetting reports whether this package changes a setting that outlives it.
func ourSetting(name string) bool {
	return settingName.MatchString(name) && !strings.Contains(name, "/../")
}

func readSetting(name string) (string, error) {
	text, err := os.ReadFile(sysctls + name)
	return strings.TrimSpace(string(text)), err
}

func writeSetting(name, value string) error {
	return os.WriteFile(sysctls+name, []byte(value), 0)
}

// A wish is a setting as it must be.
type wish struct{ name, value string }

// parentWishes are those for an interface that has stations.
//
// A virtual MAC answers ARP for its addresses, the interface below must not: not by
// answers (arp_ignore), nor by asking for a neighbour in the name of such an address
// (arp_announce), from which everybody who hears it learns. Addresses of one network
// on the interface itself must not go with the first of them (promote_secondaries),
// and who really owns one sends from it while it is still here (accept_local).
//
// Of rp_filter the greater of that for all and that of the interface counts, so
// that for all must be 0 where a virtual MAC hears routers whose addresses it has no
// route to. The other interfaces get what it was, so that for them nothing changes.
func parentWishes(stations []Config) (out []wish, err error) {
	virtual := false
	for _, c := range stations {
		at := "net/ipv4/conf/" + c.Interface + "/"
		switch {
		case c.MAC == nil && c.Family == IPv4:
			out = append(out, wish{at + "promote_secondaries", "1"}, wish{at + "accept_local", "1"})
		case c.MAC != nil && c.Family == IPv4:
			out = append(out, wish{at + "arp_ignore", "1"}, wish{at + "arp_announce", "2"})
			virtual = true
		}
	}
	if virtual {
		others, err := filterWishes()
		if err != nil {
			return nil, err
		}
		out = append(out, others...)
	}
	return out, nil
}

func filterWishes() (out []wish, err error) {
	const conf = "net/ipv4/conf/"
	all, err := readSetting(conf + "all/rp_filter")
	if err != nil {
		return nil, err
	}
	last := wish{conf + "all/rp_filter", "0"}
	if all == "0" {
		return []wish{last}, nil
	}
	list, err := os.ReadDir(sysctls + conf)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		name := conf + e.Name() + "/rp_filter"
		if e.Name() == "all" || ourLink(e.Name()) {
			continue
		}
		if is, err := readSetting(name); err == nil && is < all {
			out = append(out, wish{name, all})
		}
	}
	return append(out, last), nil
}

// set makes settings as they must be and notes in the journal what they were, before.
func (l *Linux) set(wishes []wish) error {
	var todo []wish
	for _, w := range wishes {
		is, err := readSetting(w.name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && is == w.value {
			continue // no such interface: it comes again when the interface does
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", w.name, err)
		}
		l.journal.Settings = slices.DeleteFunc(l.journal.Settings, func(s setting) bool { return s.Name == w.name })
		l.journal.Settings = append(l.journal.Settings, setting{w.name, is, w.value})
		todo = append(todo, w)
	}
	if len(todo) == 0 {
		return nil
	}
	if err := l.journal.write(l.cfg.Journal); err != nil {
		return err
	}
	for _, w := range todo {
		if err := writeSetting(w.name, w.value); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("set %s to %s: %w", w.name, w.value, whyNot(err))
		}
	}
	return nil
}

// putBack makes settings what they were, the last first, unless somebody else has
// changed them since. It returns those that could not be.
func putBack(list []setting) (left []setting, err error) {
	for _, s := range slices.Backward(list) {
		is, e := readSetting(s.Name)
		if e == nil && is == s.Is {
			e = writeSetting(s.Name, s.Was)
		}
		if e != nil && !errors.Is(e, fs.ErrNotExist) {
			left = append(left, s)
			err = errors.Join(err, fmt.Errorf("set %s back to %s: %w", s.Name, s.Was, e))
		}
	}
	slices.Reverse(left)
	return left, err
}

// virtualSettings are those of an interface with a virtual MAC. They go with it, so
// nothing is noted. It answers ARP for its own addresses only, or for none; believes
// packets from anywhere, as the interface below has the routes; and does nothing of
// its own accord in IPv6.
func virtualSettings(name string, f Family) []wish {
	at4, at6 := "net/ipv4/conf/"+name+"/", "net/ipv6/conf/"+name+"/"
	if f == IPv4 {
		return []wish{{at6 + "disable_ipv6", "1"}, {at4 + "arp_ignore", "1"}, {at4 + "accept_local", "1"},
			{at4 + "rp_filter", "0"}, {at4 + "promote_secondaries", "1"}}
	}
	return []wish{{at4 + "arp_ignore", "8"}, {at6 + "addr_gen_mode", "1"}, {at6 + "accept_dad", "0"}, {at6 + "accept_ra", "0"},
		{at6 + "autoconf", "0"}, {at6 + "router_solicitations", "0"}, {at6 + "disable_ipv6", "0"}}
}

func setVirtual(name string, f Family) error {
	for _, w := range virtualSettings(name, f) {
		is, err := readSetting(w.name)
		if err == nil && is != w.value {
			err = writeSetting(w.name, w.value)
		}
		if errors.Is(err, fs.ErrNotExist) && f == IPv4 && strings.HasPrefix(w.name, "net/ipv6/") {
			continue // a kernel without IPv6
		}
		if err != nil {
			return fmt.Errorf("set %s to %s: %w", w.name, w.value, err)
		}
	}
	return nil
}
