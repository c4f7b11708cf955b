// SPDX-License-Identifier: Apache-2.0

package board

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// A Match says what a machine must tell of itself to be a board. Every field that
// is set must fit. Names are patterns of path.Match, in any case of letters.
type Match struct {
	Vendor      string   // sys_vendor of DMI
	Product     string   // product_name
	Version     string   // product_version
	BoardVendor string   // board_vendor
	BoardName   string   // board_name
	Compatible  string   // one of the device tree's; no pattern
	PCI         []string // network controllers as "8086:1539", each as often as it is listed
	Weak        bool     // only a hint: the board is named in the message, not chosen
}

// Fits reports whether a machine is one, and why or why not.
func (m Match) Fits(id Identity) (why []string, ok bool) {
	for _, f := range []struct{ name, pattern, value string }{
		{"vendor", m.Vendor, id.Vendor}, {"product", m.Product, id.Product}, {"version", m.Version, id.Version},
		{"board vendor", m.BoardVendor, id.BoardVendor}, {"board name", m.BoardName, id.BoardName},
	} {
		if f.pattern == "" {
			continue
		}
		if !fold(f.pattern, f.value) {
			return []string{fmt.Sprintf("%s is %q, not %s", f.name, f.value, f.pattern)}, false
		}
		why = append(why, fmt.Sprintf("%s is %q", f.name, f.value))
	}
	if m.Compatible != "" {
		if !slices.Contains(id.Compatible, m.Compatible) {
			return []string{"the device tree is not compatible with " + m.Compatible}, false
		}
		why = append(why, "the device tree is compatible with "+m.Compatible)
	}
	left := slices.Clone(id.NICs)
	for _, want := range m.PCI {
		i := slices.IndexFunc(left, func(n NIC) bool { return n.ID == want })
		if i < 0 {
			return []string{fmt.Sprintf("it has not %d network controllers %s", count(m.PCI, want), want)}, false
		}
		left = slices.Delete(left, i, i+1)
	}
	if len(m.PCI) > 0 {
		why = append(why, "its network controllers are "+strings.Join(m.PCI, ", "))
	}
	return why, len(why) > 0
}

// weight is how much a match asks for: of two that fit, the heavier is meant.
func (m Match) weight() int {
	n := len(m.PCI)
	for _, s := range []string{m.Vendor, m.Product, m.Version, m.BoardVendor, m.BoardName, m.Compatible} {
		if s != "" {
			n += 10
		}
	}
	return n
}

func fold(pattern, value string) bool {
	ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(value))
	return ok && err == nil
}

func count(list []string, s string) (n int) {
	for _, x := range list {
		if x == s {
			n++
		}
	}
	return n
}
