// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"evener/firmware/config"
)

// groups tells what a commit does to addresses that move between boxes, and to the
// clusters that follow them. own is the name of the machine.
func (w *ways) groups(own string) {
	for _, was := range w.before.Groups {
		is := w.after.Group(was.Name)
		if is == nil {
			w.groupGone(was)
			continue
		}
		w.taken(was, is)
		w.restarts(was, is)
		w.interval(was, is)
		if node := w.after.NodeName(own); was.Base(w.before.NodeName(own)) > 0 && is.Base(node) == 0 {
			w.group("group_home", "lockout.group_home", is.Name, map[string]any{"node": node, "homes": is.Homes},
				"this box, %s, is not among homes any more: it gives the group's addresses up; left are %s", node, commas(is.Homes))
		}
	}
	w.followers()
	w.peers(own)
}

// group is risk for what is about a group.
func (w *ways) group(why, kind, name string, args map[string]any, format string, words ...any) {
	if args == nil {
		args = map[string]any{}
	}
	args["group"] = name
	w.why = append(w.why, why)
	w.warn(kind, "group/"+name, args, format, words...)
}

func commas(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

func groupAddrs(g *config.Group) []netip.Addr {
	var out []netip.Addr
	for _, r := range g.Routers {
		for _, p := range r.Advertised() {
			out = append(out, p.Addr())
		}
	}
	return out
}

// clustersAt names the clusters of cfg that listen on one of the addresses.
func clustersAt(cfg *config.Config, addrs []netip.Addr) []string {
	out := []string{}
	for _, cl := range cfg.Clusters {
		if slices.ContainsFunc(cl.Listen, func(l config.Listen) bool { return slices.Contains(addrs, l.Addr.Addr()) }) {
			out = append(out, cl.Name)
		}
	}
	return out
}

func servedBy(clusters []string) string {
	switch len(clusters) {
	case 0:
		return "which serve no cluster"
	case 1:
		return "cluster " + clusters[0]
	}
	return "clusters " + strings.Join(clusters, ", ")
}

// groupGone tells of a group that is not there any more.
func (w *ways) groupGone(g *config.Group) {
	gone := groupAddrs(g)
	clusters := clustersAt(w.before, gone)
	w.group("group_addresses", "lockout.group_gone", g.Name, map[string]any{"addresses": addrWords(gone), "clusters": clusters},
		"it goes, and no box has its addresses from then on: %s (%s)", commas(addrWords(gone)), servedBy(clusters))
}

func addrWords(addrs []netip.Addr) []string {
	out := make([]string, len(addrs))
	for i, a := range addrs {
		out[i] = a.String()
	}
	return out
}

// taken tells of addresses that a group has no longer.
func (w *ways) taken(was, is *config.Group) {
	var gone []netip.Addr
	now := groupAddrs(is)
	for _, a := range groupAddrs(was) {
		if !slices.Contains(now, a) && !(a.Is6() && a.IsLinkLocalUnicast()) {
			gone = append(gone, a)
		}
	}
	if len(gone) == 0 {
		return
	}
	clusters := clustersAt(w.before, gone)
	w.group("group_addresses", "lockout.group_addresses", is.Name, map[string]any{"addresses": addrWords(gone), "clusters": clusters},
		"this commit takes %s away from it (%s)", commas(addrWords(gone)), servedBy(clusters))
}

// restarts tells of routers that must begin anew: what makes them other routers in
// the eyes of the network changes.
func (w *ways) restarts(was, is *config.Group) {
	for _, r := range is.Routers {
		i := slices.IndexFunc(was.Routers, func(o *config.Router) bool { return o.Name == r.Name })
		if i < 0 {
			continue
		}
		old := was.Routers[i]
		var what []string
		for _, c := range []struct {
			keyword string
			changed bool
		}{
			{"port", old.Port != r.Port}, {"vrid", old.VRID != r.VRID}, {"version", old.Version != r.Version}, {"mac", old.MAC != r.MAC},
			{"family", old.Is4() != r.Is4()},
		} {
			if c.changed {
				what = append(what, c.keyword)
			}
		}
		if len(what) > 0 {
			w.group("group_restart", "lockout.group_restart", is.Name, map[string]any{"router": r.Name, "keywords": what},
				"changing %s restarts router %s: a short outage of its addresses, and a peer that does not know it yet takes them too", strings.Join(what, ", "), r.Name)
		}
	}
}

// interval tells of times that the other boxes of a group must have too. In version
// 3 a standby takes the active box's; in version 2 it discards an advertisement
// with another (RFC 3768, section 7.1).
func (w *ways) interval(was, is *config.Group) {
	i := slices.IndexFunc(is.Routers, func(r *config.Router) bool { return r.Version == 2 })
	if was.Interval == is.Interval || i < 0 {
		return
	}
	w.group("group_interval", "lockout.group_interval", is.Name, map[string]any{"router": is.Routers[i].Name, "from": was.Interval, "to": is.Interval},
		"interval %s becomes %s: router %s speaks version 2, and a peer with the old one discards what it hears until it is changed too; both may be active until then",
		was.Interval, is.Interval, is.Routers[i].Name)
}

// followers tells of clusters that go with another group than before, or with none.
func (w *ways) followers() {
	for _, was := range w.before.Clusters {
		is := w.after.Cluster(was.Name)
		if is == nil || is.Disabled {
			continue
		}
		from, to := w.before.ClusterGroup(was), w.after.ClusterGroup(is)
		switch {
		case from == nil, to != nil && to.Name == from.Name:
		case to == nil:
			w.why = append(w.why, "group_addresses")
			w.warn("lockout.cluster_alone", "cluster/"+is.Name, map[string]any{"group": from.Name},
				"it follows group %s no longer, nor another: none of its addresses moves to the other box", from.Name)
		default:
			w.why = append(w.why, "group_addresses")
			w.warn("lockout.cluster_group", "cluster/"+is.Name, map[string]any{"from": from.Name, "to": to.Name},
				"it follows group %s from then on, not %s", to.Name, from.Name)
		}
	}
}

// peers tells of what makes the other boxes lose sight of this one.
func (w *ways) peers(own string) {
	was, is := w.before.Node, w.after.Node
	if len(was.Peers) == 0 {
		return
	}
	if from, to := w.before.NodeName(own), w.after.NodeName(own); from != to {
		w.why = append(w.why, "node")
		w.warn("lockout.node_name", "node", map[string]any{"from": from, "to": to},
			"this box is %s from then on: its peers, and the homes of groups, know it as %s", to, from)
	}
	if was.Listen != is.Listen {
		w.why = append(w.why, "node")
		w.warn("lockout.node_listen", "node", map[string]any{"from": was.Listen.String(), "to": is.Listen.String()},
			"its address for the peers changes: mirror and heartbeats are silent until theirs is changed too")
	}
	for _, p := range was.Peers {
		if !slices.ContainsFunc(is.Peers, func(o *config.Peer) bool { return o.Name == p.Name }) {
			w.why = append(w.why, "node")
			w.warn("lockout.peer", "node/peer/"+p.Name, map[string]any{"peer": p.Name}, "nothing is mirrored to it or from it any more")
		}
	}
}

// groups warns of what is seldom meant in failover groups. known are the ports of
// the box, none: they are not known; has are its addresses, nil likewise; node is
// its name.
func (l *linter) groups(cfg *config.Config, known []Port, has map[netip.Addr]bool, node string) {
	made := madeLinks(cfg)
	for _, g := range cfg.Groups {
		at := "group/" + g.Name
		for _, r := range g.Routers {
			l.port(known, made, at+"/router/"+r.Name, r.Port)
			l.owner(g, r, has, node)
		}
		for _, t := range g.Tracks {
			if t.Kind == config.TrackPort {
				l.port(known, made, at+"/track/port/"+t.Name, t.Name)
			}
		}
		if !g.Accept && len(cfg.Followers(g)) > 0 {
			l.warn("lint.not_accepted", at, map[string]any{"clusters": clustersAt(cfg, groupAddrs(g))},
				"with accept = false the active box does not answer on its addresses, and clusters listen there")
		}
		if g.Interval.D() < 50*time.Millisecond {
			l.warn("lint.short_interval", at, map[string]any{"interval": g.Interval},
				"with an interval of %s, a pause of %s on the active box or in the network makes the other take over", g.Interval, 3*g.Interval)
		}
	}
}

// port warns of a port that the box does not have; made are the bonds and VLANs that
// can be named too.
func (l *linter) port(known []Port, made []string, at, port string) {
	if len(known) == 0 || hasPort(known, port) || slices.Contains(made, port) {
		return
	}
	names := slices.Clone(made)
	for _, p := range known {
		names = append(names, p.Name)
	}
	l.warn("lint.no_port", at, map[string]any{"port": port, "ports": portNames(known)},
		"there is no port %q on this box; there are %s%s", port, portNames(known), config.DidYouMean(port, names))
}

// owner warns of a box that is said to own addresses which it does not have.
func (l *linter) owner(g *config.Group, r *config.Router, has map[netip.Addr]bool, node string) {
	if has == nil || g.PriorityOf(node, r) != 255 {
		return
	}
	for _, p := range r.Addresses {
		if !has[p.Addr()] {
			l.warn("lint.not_owner", fmt.Sprintf("group/%s/router/%s", g.Name, r.Name), map[string]any{"address": p.Addr().String()},
				"priority 255 says that %s is this box's own, and no port has it", p.Addr())
		}
	}
}
