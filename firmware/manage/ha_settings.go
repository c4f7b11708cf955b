// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"evener/firmware/api"
	"evener/firmware/config"
)

func (b *Box) haSettings(_ context.Context, c api.Call, _ struct{}) (HASettings, error) {
	if err := onlyHA(c); err != nil {
		return HASettings{}, err
	}
	s := &b.standby
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg == nil {
		return HASettings{}, api.Errorf(api.CodeFailed, "ha.unknown", "no configuration is known yet")
	}
	return s.settings, nil
}

// makeHASettings says what cfg wants of the process of the role ha.
func (b *Box) makeHASettings(cfg *config.Config, node string) HASettings {
	out := HASettings{Node: node, Peers: []HAPeerSettings{}, Groups: []HAGroupSettings{}}
	if l := cfg.Node.Listen; l.IsValid() {
		out.Listen = l.String()
	}
	for _, p := range cfg.Node.Peers {
		peer := HAPeerSettings{Name: p.Name, Address: p.Address.String()}
		if b.cfg.Mirror != nil {
			peer.Key = b.cfg.Mirror.Secret(p.Name)
		}
		out.Peers = append(out.Peers, peer)
	}
	faces, own := b.interfaces(cfg)
	for _, g := range cfg.Groups {
		if g.Base(node) > 0 {
			out.Groups = append(out.Groups, groupSettings(g, node, faces, own))
		}
	}
	out.Number = numberOf(out)
	return out
}

// numberOf counts the changes of settings by what they say: an engine that follows
// another one comes to the same number, and nothing is touched for it. It fits a
// number of JavaScript.
func numberOf(s HASettings) uint64 {
	s.Number = 0
	text, _ := json.Marshal(s) // of plain data: it cannot fail
	sum := sha256.Sum256(text)
	return binary.BigEndian.Uint64(sum[:])>>11 | 1
}

// interfaces returns what the kernel calls the ports, bonds and VLANs, and which addresses they have.
// Of a port that the board does not have the name is taken for the kernel's own.
func (b *Box) interfaces(cfg *config.Config) (face func(port string) string, own map[netip.Addr]bool) {
	known := map[string]string{}
	own = map[netip.Addr]bool{}
	if b.cfg.Ports != nil {
		if list, err := b.listPorts(); err == nil {
			for _, p := range list {
				known[p.Name] = p.Interface
				for _, text := range p.Addresses {
					if a, err := netip.ParsePrefix(text); err == nil {
						own[a.Addr()] = true
					}
				}
			}
		}
	}
	if b.cfg.Network != nil {
		for _, l := range b.cfg.Network.Status().Links {
			for _, a := range l.Addresses {
				own[a.Addr()] = true
			}
		}
	}
	maps.Copy(known, b.linkFaces(cfg, known))
	return func(port string) string {
		if face, ok := known[port]; ok {
			return face
		}
		return port
	}, own
}

// groupSettings says what is wanted of one group. Peers that are named for unicast
// may be this box too, as the block is the same on all: own addresses are left out.
func groupSettings(g *config.Group, node string, face func(string) string, own map[netip.Addr]bool) HAGroupSettings {
	d := func(d config.Duration) api.Duration { return api.Duration(d.D()) }
	out := HAGroupSettings{Name: g.Name, Homes: g.Homes, Base: uint8(g.Base(node)), Interval: d(g.Interval), Preempt: g.Preempt,
		PreemptDelay: d(g.PreemptDelay), StartDelay: d(g.StartDelay), Accept: g.Accept, OnSplit: string(g.OnSplit),
		EngineHold: d(g.EngineHold), Handoff: d(g.Handoff),
		Announce: HAAnnounce{g.Announce.Repeat, d(g.Announce.Delay), d(g.Announce.Refresh)},
		Routers:  []HARouterSettings{}, Tracks: []HATrackSettings{}}
	for _, r := range g.Routers {
		others := slices.DeleteFunc(slices.Clone(r.Unicast), func(a netip.Addr) bool { return own[a] })
		out.Routers = append(out.Routers, HARouterSettings{Name: r.Name, Interface: face(r.Port), Port: r.Port, VRID: uint8(r.VRID),
			Version: uint8(r.Version), Addresses: spelled(r.Advertised()), MAC: string(r.MAC), Checksum: r.Checksum,
			Unicast: spelled(others), Owner: g.PriorityOf(node, r) == 255})
	}
	for _, t := range g.Tracks {
		x := HATrackSettings{Kind: string(t.Kind), Name: trackName(t), Weight: uint8(t.Weight)}
		if t.Kind == config.TrackPort {
			x.Interface = face(t.Name)
		}
		out.Tracks = append(out.Tracks, x)
	}
	return out
}

// trackName tells tracks of one pool apart that want different numbers of members.
func trackName(t *config.Track) string {
	if t.Kind == config.TrackPool && t.AtLeast > 1 {
		return fmt.Sprintf("%s (at least %d)", t.Name, t.AtLeast)
	}
	return t.Name
}
