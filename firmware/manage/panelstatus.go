// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"time"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/lb"
	"evener/firmware/stats"
	"evener/firmware/supervise"
)

// maxPanelProblems is how many problems a small display is told of.
const maxPanelProblems = 32

// A PanelStatus is the box in short, for a display of a few lines.
type PanelStatus struct {
	Host        string                 `json:"host"`
	Board       string                 `json:"board"`
	Version     string                 `json:"version"`
	Revision    uint64                 `json:"revision" doc:"that runs"`
	Started     time.Time              `json:"started" doc:"of the engine"`
	Now         time.Time              `json:"now" doc:"the box's clock"`
	Serves      bool                   `json:"serves" doc:"clients are served as the running revision says"`
	Pending     *Pending               `json:"pending,omitempty" doc:"a commit that waits for its confirm"`
	Problems    []Problem              `json:"problems" doc:"the worst first, 32 at most"`
	More        int                    `json:"more" doc:"problems beyond those"`
	Console     ConsoleInfo            `json:"console"`
	Roles       []supervise.RoleStatus `json:"roles"`
	Clusters    UpCount                `json:"clusters" doc:"up: enabled, and its pool has a member for new clients"`
	Servers     UpCount                `json:"servers" doc:"members of pools; up: gets new clients somewhere"`
	Accepted    uint64                 `json:"accepted" doc:"connections of clients since the engine's start"`
	Connections int64                  `json:"connections" doc:"of clients, open"`
	BytesIn     float64                `json:"bytes_in" doc:"per second"`
	BytesOut    float64                `json:"bytes_out" doc:"per second"`
	Management  config.Management      `json:"management" doc:"what the running revision says of the management port"`
	Standby     string                 `json:"standby,omitempty" doc:"how the box and its peers stand in for each other, in one sentence; empty: it stands alone"`
	Passive     bool                   `json:"passive,omitempty" doc:"the box has failover groups, and is on standby for all of them"`
	Store       *StoreBeat             `json:"store,omitempty" doc:"whether the disk of the box still takes what is written"`
	Given       bool                   `json:"management_given" doc:"the block management is written there"`
}

// An UpCount is how many of something work.
type UpCount struct {
	Up    int `json:"up"`
	Total int `json:"total"`
}

// PanelSettings are the block panel of the running revision.
type PanelSettings struct {
	config.Panel
	PIN   string `json:"pin,omitempty" secret:"true" doc:"empty: the menu opens without one"`
	Given bool   `json:"given" doc:"the block is written in the configuration"`
}

// addPanelStatus registers what the panel itself asks.
func (b *Box) addPanelStatus(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "panel.status", Purpose: "Shows the box in short, as the panel does.", Role: api.Viewer}, b.panelStatus)
	api.Add(reg, api.Method{Name: "panel.settings", Purpose: "Shows the settings of the panel with its PIN, over the Unix socket alone.",
		Role: api.Admin}, b.panelSettings)
}

func (b *Box) panelStatus(_ context.Context, c api.Call, _ struct{}) (PanelStatus, error) {
	rev := b.cfg.Store.Running()
	s := PanelStatus{Host: b.cfg.Hostname, Board: b.cfg.Board, Version: b.cfg.Version, Revision: rev.Number, Started: b.cfg.Started,
		Now: time.Now().UTC(), Pending: b.pending(), Problems: b.problems(), Serves: b.unserved.get() == nil, Store: b.beat.show()}
	if n := len(s.Problems); n > maxPanelProblems {
		s.Problems, s.More = s.Problems[:maxPanelProblems], n-maxPanelProblems
	}
	if b.cfg.Supervisor != nil {
		st, err := b.cfg.Supervisor.Status()
		if err != nil {
			return PanelStatus{}, err
		}
		s.Roles = st.Roles
	}
	s.Console = b.consoleInfo(s.Roles)
	if h := b.showHA(); h.Configured {
		s.Standby, s.Passive = h.Summary, h.passive()
	}
	if cfg := b.cfg.Balancer.Config(); cfg != nil {
		s.Management, s.Given = cfg.Management, cfg.Management.Range.End.Line > 0
		if cfg.System.HostName != "" {
			s.Host = cfg.System.HostName
		}
	}
	usable := s.countServers(b.cfg.Balancer.Pools())
	s.countClusters(b.cfg.Balancer.Clusters(), usable)
	if r, ok := b.rateOf(stats.Series{Kind: stats.EngineKind}, time.Now()); ok {
		s.BytesIn, s.BytesOut = r.BytesIn, r.BytesOut
	}
	return s, nil
}

// countServers counts the servers of the pools, each once, and returns which pools
// have one for new clients.
func (s *PanelStatus) countServers(pools []lb.PoolStatus) (usable map[string]bool) {
	usable = make(map[string]bool)
	up := make(map[string]bool)
	for _, p := range pools {
		for _, m := range p.Members {
			up[m.Name] = up[m.Name] || m.Why == ""
			usable[p.Name] = usable[p.Name] || m.Why == ""
		}
	}
	for _, ok := range up {
		s.Servers.Total++
		if ok {
			s.Servers.Up++
		}
	}
	return usable
}

// countClusters counts the clusters. One without a pool of its own works by its
// rules and responders.
func (s *PanelStatus) countClusters(clusters []lb.ClusterStatus, usable map[string]bool) {
	for _, c := range clusters {
		s.Clusters.Total++
		if !c.Disabled && (c.Pool == "" || usable[c.Pool]) {
			s.Clusters.Up++
		}
		s.Accepted += c.Totals.Accepted
		s.Connections += c.Totals.Connections
	}
}

func (b *Box) panelSettings(_ context.Context, c api.Call, _ struct{}) (PanelSettings, error) {
	if c.Session != "" {
		return PanelSettings{}, api.Errorf(api.CodeForbidden, "auth.local", "the PIN is told to the panel alone; the block panel of the configuration has it")
	}
	cfg := b.cfg.Balancer.Config()
	if cfg == nil {
		text, err := b.cfg.Store.Text(b.cfg.Store.Running().Number)
		if err != nil {
			return PanelSettings{}, apiError(err)
		}
		if cfg, err = parse(text, b.cfg.Store.Running().Number); err != nil {
			return PanelSettings{}, err
		}
	}
	return PanelSettings{cfg.Panel, cfg.Panel.PIN, cfg.Panel.Range.End.Line > 0}, nil
}
