// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"evener/firmware/manage"
)

// A meeting is a virtual router of the left box and of keepalived in the place of the
// right one.
type meeting struct {
	name     string
	version  int
	v6       bool
	checksum string // of the box; keepalived 2.2 knows "pseudo" alone
	mac      string // of the box
	vmac     bool   // of keepalived
	higher   bool   // the box has the higher priority
	preempt  bool   // the higher one takes over from the other
	vrid     int    // by its place in the table
}

// meetings have each value with each other value of another column at least once.
var meetings = number([]meeting{
	{name: "v3 IPv4, virtual and port, keepalived higher", version: 3, checksum: "pseudo", mac: "virtual", preempt: true},
	{name: "v3 IPv4, port and virtual, box higher, stays", version: 3, checksum: "pseudo", mac: "port", vmac: true, higher: true},
	{name: "v3 IPv6, virtual and virtual, keepalived higher, stays", version: 3, v6: true, mac: "virtual", vmac: true},
	{name: "v3 IPv6, port and port, box higher", version: 3, v6: true, mac: "port", higher: true, preempt: true},
	{name: "v2 IPv4, virtual and port, box higher, stays", version: 2, mac: "virtual", higher: true},
	{name: "v2 IPv4, port and virtual, keepalived higher", version: 2, mac: "port", vmac: true, preempt: true},
	{name: "v3 IPv4, virtual and port, keepalived higher, deaf to the checksum", version: 3, checksum: "rfc9568", mac: "virtual", preempt: true},
})

func number(list []meeting) []meeting {
	for i := range list {
		list[i].vrid = 20 + i
	}
	return list
}

// addr returns the address that both want, or another one further on.
func (m meeting) addr(further int) netip.Addr {
	if m.v6 {
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:1::%d", m.vrid+further))
	}
	return netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", m.vrid+further))
}

func (m meeting) addresses() (out []netip.Prefix) {
	if m.v6 {
		return []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("fe80::a:%d/64", m.vrid)), netip.PrefixFrom(m.addr(0), 64)}
	}
	return []netip.Prefix{netip.PrefixFrom(m.addr(0), 24)}
}

// deaf reports whether keepalived refuses what the box sends.
func (m meeting) deaf() bool { return m.checksum == "rfc9568" }

func (m meeting) interval() time.Duration {
	if m.version == 2 {
		return time.Second
	}
	return 300 * time.Millisecond
}

// group is the box's side, with a further address or without.
func (m meeting) group(further int) string {
	list := m.addresses()
	if further > 0 {
		list = append(list, netip.PrefixFrom(m.addr(further), list[len(list)-1].Bits()))
	}
	quoted := make([]string, len(list))
	for i, p := range list {
		quoted[i] = fmt.Sprintf("%q", p)
	}
	checksum := ""
	if m.checksum != "" {
		checksum = fmt.Sprintf("checksum = %q", m.checksum)
	}
	return fmt.Sprintf(`group "g%d" {
  homes    = ["left"]
  interval = "%v"
  preempt  = %v

  router "lan" {
    port      = "front"
    version   = %d
    vrid      = %d
    mac       = %q
    addresses = [%s]
    %s
  }
}
`, m.vrid, m.interval(), m.preempt, m.version, m.vrid, m.mac, strings.Join(quoted, ", "), checksum)
}

// theirs is keepalived's side. The box has the priority 200.
func (m meeting) theirs() KeepalivedRouter {
	r := KeepalivedRouter{Version: m.version, VRID: m.vrid, Priority: 250, Interval: m.interval(),
		Addresses: m.addresses(), Virtual: m.vmac, NoPreempt: !m.preempt}
	if m.higher {
		r.Priority = 100
	}
	return r
}

// A logbook keeps what a program says.
type logbook struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (b *logbook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// since returns what was said after a mark, and the next mark.
func (b *logbook) since(mark int) (string, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()[mark:], b.text.Len()
}

// complaints are keepalived's lines about packets that it does not like.
var complaints = regexp.MustCompile(`(?i).*\((v[46]-\d+)\).*(invalid|checksum|mismatch|expected|malformed|wrong|ignor|drop|incorrect).*`)

// addresses returns what the kernel of a box has on its ports.
func (b *Box) addresses() (string, error) { return b.Space.Run("ip", "-o", "address") }

// find returns what a box says of a group.
func (b *Box) find(t *testing.T, name string) (manage.HAGroup, error) {
	s, err := b.HA(t.Context())
	if err != nil {
		return manage.HAGroup{}, err
	}
	for _, g := range s.Groups {
		if g.Name == name {
			return g, nil
		}
	}
	return manage.HAGroup{}, errors.Join(fmt.Errorf("box %s has no group %s", b.Name, name), err)
}

// commit makes a text the running configuration of a box.
func (b *Box) commit(t *testing.T, text, comment string) {
	t.Helper()
	must(t, b.Call(t.Context(), "config.set", map[string]string{"text": text}, nil))
	must(t, b.Call(t.Context(), "config.commit", map[string]string{"comment": comment}, nil))
}

// running returns the text of the running configuration, as soon as the box answers.
func (b *Box) running(t *testing.T) string {
	t.Helper()
	var text manage.Text
	await(t, b.Name+" shows its configuration", func() error {
		return b.Call(t.Context(), "config.text", struct{}{}, &text)
	})
	return text.Text
}
