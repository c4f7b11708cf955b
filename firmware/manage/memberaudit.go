// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"fmt"
	"strings"

	"evener/firmware/api"
	"evener/firmware/event"
	"evener/firmware/lb"
)

// memberChanges remember how members were before an order, for the audit log.
type memberChanges struct {
	b      *Box
	list   []target
	before []string
}

func (b *Box) beginChanges(list []target) memberChanges {
	return memberChanges{b, list, b.orders(list)}
}

// orders says of each member what operators have ordered.
func (b *Box) orders(list []target) []string {
	words := make(map[target]string)
	for _, p := range b.cfg.Balancer.Pools() {
		for i := range p.Members {
			words[target{p.Name, p.Members[i].Name}] = orderWords(&p.Members[i])
		}
	}
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = words[t]
	}
	return out
}

func orderWords(m *lb.MemberStatus) string {
	text := m.Admin.String()
	if !m.Until.IsZero() {
		text = "draining until " + clock(m.Until)
		if m.Cut {
			text += ", then cut"
		}
	}
	if m.Hand != nil {
		return fmt.Sprintf("%s, weight %d", text, m.Hand.Weight)
	}
	return fmt.Sprintf("%s, weight %d as configured", text, m.Configured)
}

// note says from what to what the members have changed. One member is the object
// of the record; several are listed with their names.
func (m memberChanges) note(c *api.Change) {
	after := m.b.orders(m.list)
	if len(m.list) == 1 {
		c.Object = event.Object("pool", m.list[0].pool, "member", m.list[0].member)
		if m.before[0] != after[0] {
			c.Before, c.After = m.before[0], after[0]
		}
		return
	}
	var was, is []string
	for i, t := range m.list {
		if m.before[i] != after[i] {
			was, is = append(was, t.String()+": "+m.before[i]), append(is, t.String()+": "+after[i])
		}
	}
	c.Before, c.After = strings.Join(was, "; "), strings.Join(is, "; ")
}
