// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"time"

	"evener/firmware/l7"
)

// showAdmin shows what the operator wants of a member to all that choose members:
// exchanges that began under an older generation choose by that one's.
func (b *Balancer) showAdmin(poolName, member string, st memberState, now time.Time) {
	for _, gen := range append([]*generation{b.cur}, b.old...) {
		if p := gen.pools[poolName]; p != nil {
			if i := p.index(member); i >= 0 {
				p.members.SetAdmin(i, adminOf(st.Admin), st.KeepSticky, st.Reason, now)
			}
		}
	}
	for loop := range b.loops { // who waits for this member waits for others now, or may have it again
		b.serveQueues(loop)
	}
}

// cut closes every connection to a member that was disabled before, on each loop. It
// does not wait for that. An older process that still drains goes on until its own
// end: it is not told.
func (b *Balancer) cut(poolName, member string, up *l7.Upstream, o Order) {
	for _, u := range b.loops {
		u.loop.Post(func() {
			u.http.CutMember(poolName, member, up)
			u.stream.CutMember(poolName, member)
		})
	}
	b.log.Info("member cut", "pool", poolName, "member", member, "by", o.By, "reason", o.Reason)
	b.changed(Change{Pool: poolName, Member: member, Kind: Cut, Reason: o.Reason, By: o.By})
}
