// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"evener/firmware/api"
	"evener/firmware/config"
)

// A standby is what the engine knows of hot standby.
type standby struct {
	mu sync.Mutex // guards what follows; Box.mu may be held, but nothing of the balancer is called with it

	cfg      *config.Config // that settings were made of; nil: none yet
	node     string
	settings HASettings
	used     string        // what the mirror was told to use
	began    time.Time     // of this process
	wake     chan struct{} // closed and replaced when the answer to ha.pulse may be another
	answered string        // the last answer

	report   HAReport
	heard    time.Time // of the last report
	seen     map[string]bool
	epoch    uint64
	acked    uint64
	alarms   map[string]HAAlarm // that were told of
	changes  map[string]uint64  // of states, by group
	peers    map[string]string  // what was told of the mirror, by peer
	custom   map[string]customTrack
	orders   []HAOrder
	waits    map[uint64]chan HAOrderOutcome
	lastID   uint64
	refusals map[string]string // that were told of, by peer

	topic      *api.Topic
	tables     tables
	rehearsing *rehearsal // nil: none is under way
}

// addHA registers what concerns hot standby.
func (b *Box) addHA(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "ha.settings", Purpose: "Tells the process that moves addresses what to do; nobody else may ask.",
		Open: true, Effect: api.Read}, b.haSettings)
	api.Add(reg, api.Method{Name: "ha.pulse", Purpose: "Takes what the process that moves addresses has to tell, and answers when something is new or a quarter of a second has passed; nobody else may.",
		Open: true, Effect: api.Read}, b.haPulse)
	api.Add(reg, api.Method{Name: "ha.show", Purpose: "Shows the failover groups, the other boxes and the mirror.",
		Role: api.Viewer, Effect: api.Read}, func(context.Context, api.Call, struct{}) (HAShow, error) { return b.showHA(), nil })
	api.Add(reg, api.Method{Name: "ha.switch", Purpose: "Moves a failover group to another box, which keeps it until rebalanced.",
		Role: api.Operator, Effect: api.Runtime, Audit: "switch group {group} to {node}", Timeout: time.Minute}, b.switchGroup)
	api.Add(reg, api.Method{Name: "ha.rebalance", Purpose: "Moves every failover group to the box that it prefers.",
		Role: api.Operator, Effect: api.Runtime, Audit: "rebalance failover groups", Timeout: time.Minute}, b.rebalance)
	api.Add(reg, api.Method{Name: "ha.track", Purpose: "Reports whether something is well that a track of the kind custom watches.",
		Role: api.Operator, Effect: api.Runtime, Audit: "report track {name} {ok}: {reason}", Idempotent: true}, b.reportTrack)
	api.Add(reg, api.Method{Name: "ha.timeline", Purpose: "Shows what happened to failover groups on all boxes, with what happened near it.",
		Role: api.Viewer, Effect: api.Read}, b.timeline)
	b.addHAMirror(reg)
	b.addRehearsals(reg)
	topic := api.AddState(reg, api.Topic{Name: "state.ha", Purpose: "Hot standby: objects named group/NAME, peer/NAME, mirror and node.", Role: api.Viewer, Rate: 10, Every: time.Second},
		func(context.Context, api.Call, struct{}) (map[string]HAObject, error) { return b.liveHA(), nil })
	b.standby.mu.Lock()
	defer b.standby.mu.Unlock()
	b.standby.topic = topic
}

// newStandby returns the state of a process that knows nothing yet.
func newStandby() standby {
	return standby{began: time.Now(), wake: make(chan struct{}), seen: map[string]bool{}, alarms: map[string]HAAlarm{}, changes: map[string]uint64{},
		peers: map[string]string{}, custom: map[string]customTrack{}, waits: map[uint64]chan HAOrderOutcome{}, refusals: map[string]string{}}
}

// onlyHA lets the process of the role ha in.
func onlyHA(c api.Call) error {
	if c.Origin != HARole || c.Role != api.Nobody || c.Author != "" || c.Session != "" || c.Remote != "" {
		return api.Errorf(api.CodeForbidden, "ha.only", "only the process that moves addresses may call this; evener ha shows what people may see")
	}
	return nil
}

// useStandby has cfg followed by the process of the role ha and by the mirror.
func (b *Box) useStandby(cfg *config.Config) {
	node := cfg.NodeName(b.cfg.Hostname)
	settings := b.makeHASettings(cfg, node)
	mirror := MirrorSettings{Node: node, Listen: cfg.Node.Listen, Peers: []MirrorPeer{}}
	for _, p := range cfg.Node.Peers {
		mirror.Peers = append(mirror.Peers, MirrorPeer{p.Name, p.Address})
	}
	text, _ := json.Marshal(mirror) // of plain data: it cannot fail
	s := &b.standby
	s.mu.Lock()
	s.cfg, s.node, s.settings = cfg, node, settings
	differs := s.used != string(text)
	s.used = string(text)
	s.poke()
	s.mu.Unlock()
	if b.cfg.Mirror != nil && differs {
		b.cfg.Mirror.Use(mirror)
	}
}

// refreshStandby makes the settings anew: a port or a pairing has changed.
func (b *Box) refreshStandby() {
	s := &b.standby
	s.mu.Lock()
	cfg, node := s.cfg, s.node
	s.mu.Unlock()
	if cfg == nil {
		return
	}
	settings := b.makeHASettings(cfg, node)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg == cfg {
		s.settings = settings
	}
	s.poke()
}

// poke has those look again who wait for something new. s.mu is held.
func (s *standby) poke() {
	close(s.wake)
	s.wake = make(chan struct{})
	changed(s.topic)
}

// nodeName returns what this box is called among its peers.
func (b *Box) nodeName() string {
	b.standby.mu.Lock()
	defer b.standby.mu.Unlock()
	return b.standby.node
}

// standbyConfig returns the configuration that hot standby follows; nil: none yet.
func (b *Box) standbyConfig() *config.Config {
	b.standby.mu.Lock()
	defer b.standby.mu.Unlock()
	return b.standby.cfg
}

// findGroup returns a group of the running configuration.
func (b *Box) findGroup(name string) (*config.Group, error) {
	cfg := b.standbyConfig()
	var have []string
	if cfg != nil {
		if g := cfg.Group(name); g != nil {
			return g, nil
		}
		for _, g := range cfg.Groups {
			have = append(have, g.Name)
		}
	}
	if len(have) == 0 {
		return nil, api.Errorf(api.CodeNotFound, "not_found", "there is no failover group %q; none is configured (block group)", name)
	}
	slices.Sort(have)
	return nil, api.Errorf(api.CodeNotFound, "not_found", "there is no failover group %q; there are %s", name, strings.Join(have, ", "))
}

// stringsOf is list, or an empty one.
func stringsOf[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
