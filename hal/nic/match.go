// SPDX-License-Identifier: Apache-2.0

package nic

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A link is an interface of the kernel.
type link struct {
	index    int
	name     string
	device   string // its place in /sys/devices; "": it is no hardware
	driver   string
	ethernet bool // frames are Ethernet's, and it is no bridge
	loopback bool
	up       bool
	carrier  bool
}

var pciAddress = regexp.MustCompile(`^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$`)

// pci returns the address of the controller, "" if it is on no PCI bus. What hangs
// below it, such as a virtio device, does not matter.
func (l link) pci() string {
	parts := strings.Split(l.device, "/")
	for _, p := range slices.Backward(parts) {
		if pciAddress.MatchString(p) {
			return p
		}
	}
	return ""
}

func (l link) state() State {
	switch {
	case !l.up:
		return Down
	case !l.carrier:
		return NoCarrier
	}
	return Up
}

// A row is one port of the front with its link.
type row struct {
	match   Match
	link    *link // nil: missing
	problem string
}

// A memory knows which link each label had when it last fitted.
type memory map[string]link

// maxPorts bounds how many ports are told of.
const maxPorts = 256

// rows gives each label its link. Hardware that no label is for comes behind, under
// the kernel's names; without labels and hardware, as in a container, every
// Ethernet interface does.
func (m memory) rows(matches []Match, links []link) []row {
	links = slices.Clone(links)
	slices.SortFunc(links, func(a, b link) int { // hardware by its place, the rest by age
		return cmp.Or(strings.Compare(a.pci(), b.pci()), cmp.Compare(a.index, b.index))
	})
	taken := make(map[int]bool)
	var out []row
	for _, match := range matches {
		r := row{match: match}
		if i := match.find(links, taken); i >= 0 {
			r.link = &links[i]
			m[match.Label] = links[i]
		} else if was, ok := m[match.Label]; ok {
			r.link, r.problem = follow(was, links, taken)
		} else if match.Optional {
			continue
		} else {
			r.problem = "no interface is this port: " + match.String() + " is looked for"
		}
		if r.link != nil {
			taken[r.link.index] = true
		}
		out = append(out, r)
	}
	for _, l := range others(links, taken, len(matches) == 0) {
		label := l.name
		if slices.ContainsFunc(matches, func(m Match) bool { return m.Label == label }) {
			label = "if-" + label
		}
		out = append(out, row{match: Match{Label: label, Interface: l.name}, link: &l})
	}
	return out[:min(len(out), maxPorts)]
}

// others returns the links that are ports too.
func others(links []link, taken map[int]bool, all bool) []link {
	hardware := slices.DeleteFunc(slices.Clone(links), func(l link) bool {
		return l.device == "" || !l.ethernet || taken[l.index]
	})
	if len(hardware) > 0 || !all {
		return hardware
	}
	return slices.DeleteFunc(slices.Clone(links), func(l link) bool { return l.loopback || !l.ethernet })
}

// follow looks for the link that a label had until now.
func follow(was link, links []link, taken map[int]bool) (*link, string) {
	for i, l := range links {
		if l.index == was.index && l.device == was.device && !taken[l.index] {
			return &links[i], fmt.Sprintf("its interface was %s and is called %s now; it is followed until the box starts anew", was.name, l.name)
		}
	}
	return nil, fmt.Sprintf("its interface %s is gone", was.name)
}

// find returns the index of the link that m is for, -1 if there is none.
func (m Match) find(links []link, taken map[int]bool) int {
	nth := 0
	for i, l := range links {
		if !m.fits(l) {
			continue
		}
		if nth++; !taken[l.index] && (nth == m.Order || m.Order == 0 || m.named()) {
			return i
		}
	}
	return -1
}

// named reports whether more than the driver decides.
func (m Match) named() bool { return m.PCI != "" || m.Bus != "" || m.Interface != "" }

func (m Match) fits(l link) bool {
	switch {
	case l.loopback:
		return false
	case m.PCI != "":
		return l.pci() == strings.ToLower(m.PCI)
	case m.Bus != "":
		return slices.Contains(strings.Split(l.device, "/"), m.Bus)
	case m.Interface != "":
		return l.name == m.Interface && (m.Driver == "" || l.driver == m.Driver)
	}
	return m.Driver != "" && l.driver == m.Driver
}
