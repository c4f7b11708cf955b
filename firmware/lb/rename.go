// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"maps"
	"net/netip"

	"evener/firmware/config"
)

// A commit may give pools and servers other names: by config.rename, in the text, or
// by going back to an older revision. What the operator has ordered of their members
// at run time goes on to hold, or a rename would quietly bring back a server that was
// taken out for repair. Who is who is told by addresses, which are what a member is.

// renames say by which names pools and members went before. They are by the new
// names.
type renames struct {
	pools   map[string]string
	members map[string]map[string]string // by new pool and new member
}

// findRenames compares two configurations. What is not clear is no rename.
func findRenames(before, after *config.Config) renames {
	r := renames{pools: map[string]string{}, members: map[string]map[string]string{}}
	if before == nil {
		return r
	}
	taken := map[string]int{} // by the name before
	for _, p := range after.Pools {
		if before.Pool(p.Name) != nil {
			continue
		}
		var found []string
		for _, old := range before.Pools {
			if after.Pool(old.Name) == nil && mostlySame(before, old, after, p) {
				found = append(found, old.Name)
			}
		}
		if len(found) == 1 {
			r.pools[p.Name] = found[0]
			taken[found[0]]++
		}
	}
	maps.DeleteFunc(r.pools, func(_, old string) bool { return taken[old] > 1 })
	for _, p := range after.Pools {
		if old := before.Pool(r.before(p.Name)); old != nil {
			r.members[p.Name] = renamedMembers(before, old, after, p)
		}
	}
	return r
}

// before returns the name that a pool had.
func (r *renames) before(pool string) string {
	if old, ok := r.pools[pool]; ok {
		return old
	}
	return pool
}

// addresses counts the members of p by their addresses.
func addresses(cfg *config.Config, p *config.Pool) map[netip.AddrPort]int {
	out := map[netip.AddrPort]int{}
	for _, m := range p.Members {
		out[cfg.Server(m.Server).Address]++
	}
	return out
}

// mostlySame reports whether more than half of the members of either pool are in
// the other.
func mostlySame(before *config.Config, old *config.Pool, after *config.Config, p *config.Pool) bool {
	was, is, both := addresses(before, old), addresses(after, p), 0
	for a, n := range is {
		both += min(n, was[a])
	}
	return 2*both > max(len(old.Members), len(p.Members))
}

// renamedMembers finds the members of p whose server has another name than in old.
func renamedMembers(before *config.Config, old *config.Pool, after *config.Config, p *config.Pool) map[string]string {
	out := map[string]string{}
	was, is := addresses(before, old), addresses(after, p)
	for _, m := range p.Members {
		a := after.Server(m.Server).Address
		if memberOf(old, m.Server) || is[a] != 1 || was[a] != 1 {
			continue
		}
		for _, o := range old.Members {
			if before.Server(o.Server).Address == a && !memberOf(p, o.Server) {
				out[m.Server] = o.Server
			}
		}
	}
	return out
}

func memberOf(p *config.Pool, server string) bool {
	for _, m := range p.Members {
		if m.Server == server {
			return true
		}
	}
	return false
}

// moved returns the states under the new names, and whether any has moved.
func (a adminState) moved(r renames) (adminState, bool) {
	next, changed := adminState{}, false
	for pool, members := range a {
		next[pool] = maps.Clone(members)
	}
	for pool, old := range r.pools {
		delete(next, old)
		delete(next, pool) // of a pool that was there before
		if a[old] != nil {
			next[pool], changed = maps.Clone(a[old]), true
		}
	}
	for pool, members := range r.members {
		was := a[r.before(pool)]
		for _, old := range members {
			delete(next[pool], old)
		}
		for member, old := range members {
			if st, ok := was[old]; ok {
				next[pool][member], changed = st, true
			}
		}
	}
	return next, changed
}
