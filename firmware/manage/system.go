// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"bytes"
	"context"
	"os"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/event"
	"evener/firmware/health"
	"evener/firmware/lb"
	"evener/firmware/logring"
	"evener/firmware/phrase"
	"evener/firmware/supervise"
)

// An Info says what runs.
type Info struct {
	Version     string                 `json:"version"`
	Board       string                 `json:"board"`
	PID         int                    `json:"pid" doc:"of the engine"`
	Started     time.Time              `json:"started" doc:"of the engine"`
	Revision    uint64                 `json:"revision" doc:"that runs"`
	Author      string                 `json:"author" doc:"of that revision"`
	Committed   time.Time              `json:"committed"`
	Pending     *Pending               `json:"pending,omitempty"`
	Generations []Generation           `json:"generations" doc:"that serve exchanges, the current one first"`
	Metrics     string                 `json:"metrics,omitempty" doc:"URL of the metrics"`
	Console     ConsoleInfo            `json:"console"`
	Roles       []supervise.RoleStatus `json:"roles"`
	Restart     *RestartStatus         `json:"restart,omitempty" doc:"the last restart that was asked for"`
	Problems    []string               `json:"problems" doc:"what needs attention, the worst first"`
	Notes       []string               `json:"notes" doc:"what is not as the configuration has it, or happened lately, though nothing need be done"`
	Standby     string                 `json:"standby,omitempty" doc:"how the box and its peers stand in for each other, in one sentence; empty: it stands alone"`
	Checking    []string               `json:"checking" doc:"members whose probes have no verdict yet, as POOL/MEMBER; they get clients meanwhile"`

	Said phrase.Words `json:"said,omitempty" says:"problems,notes" doc:"what the texts say, by field: kind and args, for translation"`
}

// A Generation is a configuration that serves exchanges.
type Generation struct {
	Number    uint64 `json:"number"`
	Exchanges int64  `json:"exchanges"`
}

// A RestartStatus is the outcome of a restart that was asked for.
type RestartStatus struct {
	Role  string `json:"role"`
	Done  bool   `json:"done"`
	Error string `json:"error,omitempty"`

	Said phrase.Words `json:"said,omitempty" says:"error" doc:"what the texts say, by field: kind and args, for translation"`
}

type restartParams struct {
	Role string `json:"role" doc:"engine, or another role that runs"`
}

type logParams struct {
	Since uint64 `json:"since,omitempty" doc:"sequence number after which to begin"`
	Max   int    `json:"max,omitempty" doc:"records at most; 100"`
}

// A MetricsText is the metrics in Prometheus text.
type MetricsText struct {
	Text string `json:"text"`
}

func (b *Box) addSystem(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "sys.info", Purpose: "Says what runs and what needs attention.",
		Role: api.Viewer, Effect: api.Read}, b.info)
	api.Add(reg, api.Method{Name: "sys.restart", Purpose: "Replaces a role's process while the old one drains; sys.info tells the outcome.",
		Role: api.Admin, Effect: api.System, Audit: "restart {role}"}, b.restartRole)
	api.Add(reg, api.Method{Name: "sys.log", Purpose: "Shows what the engine logged.",
		Role: api.Viewer, Effect: api.Read}, b.showLog)
	api.Add(reg, api.Method{Name: "sys.metrics", Purpose: "Shows the metrics as Prometheus text.",
		Role: api.Viewer, Effect: api.Read}, b.metrics)
}

func (b *Box) info(context.Context, api.Call, struct{}) (Info, error) {
	rev := b.cfg.Store.Running()
	i := Info{Version: b.cfg.Version, Board: b.cfg.Board, PID: os.Getpid(), Started: b.cfg.Started,
		Revision: rev.Number, Author: rev.Author, Committed: rev.Time, Pending: b.pending(),
		Problems: texts(b.problems()), Checking: b.checking()}
	for _, g := range b.cfg.Balancer.Generations() {
		i.Generations = append(i.Generations, Generation{g.Number, g.Exchanges})
	}
	if cfg := b.cfg.Balancer.Config(); cfg != nil && cfg.Metrics != nil {
		i.Metrics = "http://" + cfg.Metrics.Listen.String() + "/metrics"
	}
	st, err := b.cfg.Supervisor.Status()
	if err != nil {
		return Info{}, err
	}
	i.Roles, i.Console = st.Roles, b.consoleInfo(st.Roles)
	i.Notes = b.notes(st.Roles, time.Now())
	i.Restart = b.restart.status()
	if h := b.showHA(); h.Configured {
		i.Standby = h.Summary
	}
	i.Said = phrase.List("problems", i.Problems).WithList("notes", i.Notes)
	return i, nil
}

// checking lists the members whose probes have no verdict yet.
func (b *Box) checking() []string {
	out := []string{}
	for _, p := range b.cfg.Balancer.Pools() {
		for _, m := range p.Members {
			if v, _ := b.verdict(p.Name, m); v == pending && m.State == "checking" {
				out = append(out, p.Name+"/"+m.Name)
			}
		}
	}
	return out
}

// A verdict tells how far the probes of a member are.
type verdict uint8

const (
	reached    verdict = iota // or there is nothing that would reach one
	pending                   // it takes more answers
	impossible                // no probe can ask
)

func (b *Box) verdict(pool string, m lb.MemberStatus) (verdict, string) {
	if m.State != "checking" && m.State != "down" {
		return reached, ""
	}
	status, _ := b.cfg.Balancer.Probes(pool, m.Name)
	return verdictOf(status.Probes)
}

// verdictOf says how far the probes of a member that has no verdict are and, where
// none can ask, why.
func verdictOf(probes []health.ProbeStatus) (v verdict, why string) {
	for _, p := range probes {
		switch {
		case p.Deciding && p.State == health.Checking:
			return pending, ""
		case p.Last.Outcome == health.Unavailable && !p.Last.At.IsZero():
			v, why = impossible, p.Name+": "+p.Last.Detail
		}
	}
	return v, why
}

func (r *restart) status() *RestartStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.role == "" {
		return nil
	}
	return &RestartStatus{r.role, r.done, r.err, phrase.Fields("error", r.err)}
}

// restartRole answers before the restart begins: replacing the engine ends the
// connection that the question came by.
func (b *Box) restartRole(_ context.Context, c api.Call, p restartParams) (RestartStatus, error) {
	if err := unscoped(c, "the process of "+p.Role); err != nil {
		return RestartStatus{}, err
	}
	if p.Role == "engine" {
		if err := b.upgradeBusy(); err != nil {
			return RestartStatus{}, err
		}
	}
	st, err := b.cfg.Supervisor.Status()
	if err != nil {
		return RestartStatus{}, err
	}
	known := false
	var have []string
	for _, r := range st.Roles {
		known = known || r.Name == p.Role
		have = append(have, r.Name)
	}
	if !known {
		return RestartStatus{}, api.Errorf(api.CodeNotFound, "not_found", "there is no role %q; there are %s", p.Role, strings.Join(have, ", "))
	}
	r := &b.restart
	r.mu.Lock()
	if r.role != "" && !r.done {
		r.mu.Unlock()
		return RestartStatus{}, api.Errorf(api.CodeConflict, "restart.running", "a restart of %s is under way", r.role)
	}
	r.role, r.done, r.err = p.Role, false, ""
	r.mu.Unlock()
	b.happened(event.RoleRestarted, event.Object("role", p.Role), map[string]any{"role": p.Role, "by": c.Author})
	go b.doRestart(p.Role)
	return RestartStatus{Role: p.Role}, nil
}

func (b *Box) doRestart(role string) {
	time.Sleep(50 * time.Millisecond) // for the answer to leave
	err := b.cfg.Supervisor.Restart(role)
	b.restart.mu.Lock()
	defer b.restart.mu.Unlock()
	b.restart.done = true
	if err != nil {
		b.restart.err = err.Error()
		b.log.Error("restart failed", "restarted", role, "err", err)
	}
}

func (b *Box) showLog(_ context.Context, _ api.Call, p logParams) (logring.Batch, error) {
	if p.Max <= 0 || p.Max > 1000 {
		p.Max = 100
	}
	return b.cfg.Ring.Records(p.Since, p.Max), nil
}

func (b *Box) metrics(context.Context, api.Call, struct{}) (MetricsText, error) {
	var out bytes.Buffer
	if err := b.cfg.Registry.WriteText(&out); err != nil {
		return MetricsText{}, err
	}
	return MetricsText{out.String()}, nil
}
