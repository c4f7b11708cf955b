// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"cmp"
	"net/netip"
	"slices"

	"evener/firmware/stats"
)

// OpenConnections tells of at most limit client connections and flows, the oldest
// first, and how many are open in all: those of one cluster, or of all for "",
// and of one client, or of all for the zero address. Connections that an older
// process is draining are not among them. Where a loop has very many it stops
// looking before it holds up its traffic: the list is a sample then.
func (b *Balancer) OpenConnections(limit int, cluster string, client netip.Addr) (list []stats.Conn, open int, err error) {
	if err := b.knownCluster(cluster); err != nil {
		return nil, 0, err
	}
	type part struct {
		conns []stats.Conn
		open  int
	}
	parts := make(chan part, len(b.loops))
	b.each(func(u *unit) {
		conns := u.http.List(limit, cluster, client.Unmap())
		parts <- part{append(conns, u.stream.List(limit, cluster, client.Unmap())...), u.connections()}
	})
	close(parts)
	for p := range parts {
		list, open = append(list, p.conns...), open+p.open
	}
	slices.SortStableFunc(list, func(a, b stats.Conn) int { return cmp.Compare(b.Age, a.Age) })
	return list[:min(limit, len(list))], open, nil
}

// knownCluster reports that there is no cluster of that name; "" is none.
func (b *Balancer) knownCluster(name string) error {
	cfg := b.Config()
	if name == "" || cfg == nil || cfg.Cluster(name) != nil {
		return nil
	}
	missing := &NotFoundError{Kind: "cluster", Name: name}
	for _, c := range cfg.Clusters {
		missing.Have = append(missing.Have, c.Name)
	}
	return missing
}
