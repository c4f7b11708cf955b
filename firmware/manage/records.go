// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"evener/firmware/alert"
	"evener/firmware/audit"
	"evener/firmware/event"
	"evener/firmware/lb"
	"evener/firmware/logring"
	"evener/firmware/store"
	"evener/firmware/supervise"
)

func revisionWord(n uint64) string { return fmt.Sprintf("revision %d", n) }

var memberKinds = map[lb.ChangeKind]event.Kind{
	lb.WentDown: event.MemberDown, lb.CameUp: event.MemberUp, lb.Drained: event.MemberDrained, lb.Quiesced: event.MemberQuiesced,
	lb.Draining: event.MemberDraining, lb.Disabled: event.MemberDisabled, lb.Enabled: event.MemberEnabled, lb.Weighted: event.MemberWeight,
	lb.Cut: event.MemberCut,
}

// MemberChanged makes an event of what the balancer says of a member. It does not
// block.
func MemberChanged(j *event.Journal, c lb.Change) {
	args := map[string]any{"pool": c.Pool, "member": c.Member, "reason": c.Reason, "by": c.By}
	if c.Reason == "" {
		args["reason"] = "no reason given"
	}
	if !c.Until.IsZero() {
		args["until"] = clock(c.Until)
	}
	if c.Kind == lb.Weighted {
		args["weight"] = c.Weight
	}
	j.Add(event.New(memberKinds[c.Kind], event.Object("pool", c.Pool, "member", c.Member), args))
}

// RunRecords makes events of what changes by itself, and passes events, audit
// records and the log on to those who are told, until ctx ends. It needs a Box
// with Events, Audit and Alerts.
func (b *Box) RunRecords(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	b.happened(event.EngineStarted, event.Object("role", "engine"),
		map[string]any{"version": b.cfg.Version, "revision": b.cfg.Store.Running().Number})
	lastEvent, lastAudit := b.cfg.Events.Last(), b.cfg.Audit.Status().Seq
	if lastEvent > 0 {
		lastEvent-- // the start itself is told
	}
	b.machineEvents()
	wg.Go(func() {
		b.follow("events", b.cfg.Events.Follow(ctx, lastEvent, func(batch event.Batch) error {
			for _, e := range batch.Events {
				b.cfg.Alerts.Event(e)
			}
			return nil
		}))
	})
	wg.Go(func() {
		b.follow("audit", b.cfg.Audit.Follow(ctx, lastAudit, func(batch audit.Batch) error {
			for _, r := range batch.Records {
				b.cfg.Alerts.Send(alert.Audit, auditMessage(r))
			}
			return nil
		}))
	})
	w := &watcher{b: b, certs: map[string]bool{}, pools: map[string]bool{}, crashes: map[string]int{}}
	w.begin()
	fast, slow := time.NewTicker(250*time.Millisecond), time.NewTicker(2*time.Second)
	defer fast.Stop()
	defer slow.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-fast.C:
			w.storeEvents()
			w.passLog()
			w.poolEvents()
		case <-slow.C:
			w.slow()
		}
	}
}

func (b *Box) follow(what string, err error) {
	if err != nil {
		b.log.Error("records not passed on", "what", what, "err", err)
	}
}

// A watcher remembers what it has told of.
type watcher struct {
	b *Box

	stored  uint64 // events of the store
	logged  uint64 // records of the log
	served  bool
	pools   map[string]bool // without a usable member
	certs   map[string]bool // kinds and objects of problems
	crashes map[string]int  // by role
	failing bool            // the audit log
}

// begin takes what is so already as told, but for what needs attention.
func (w *watcher) begin() {
	w.served = true
	w.logged = w.b.cfg.Ring.Records(0, 0).Next
	if s, err := w.b.cfg.Supervisor.Status(); err == nil {
		for _, r := range s.Roles {
			w.crashes[r.Name] = r.Crashes
			w.lastCrash(r)
		}
	}
}

// lastCrash tells of the crash that this process may be here for.
func (w *watcher) lastCrash(r supervise.RoleStatus) {
	if len(r.Crashed) == 0 {
		return
	}
	at, object := r.Crashed[len(r.Crashed)-1], event.Object("role", r.Name)
	told := event.Filter{From: at, Kinds: []string{string(event.RoleCrashed)}, Objects: []string{object}}
	if time.Since(at) < 10*time.Minute && len(w.b.cfg.Events.Query(told, 1, 0)) == 0 {
		w.b.happened(event.RoleCrashed, object, map[string]any{"role": r.Name, "reason": firstWords(r.LastCrash)})
	}
}

// storeEvents tells of commits, confirms and reverts.
func (w *watcher) storeEvents() {
	for _, e := range w.b.cfg.Store.Events(w.stored) {
		w.stored = e.Seq
		args := map[string]any{"revision": e.Revision, "by": e.Author}
		switch e.Kind {
		case store.Committed, store.Confirming:
			args["comment"] = w.comment(e)
			w.b.happened(event.ConfigCommitted, "config", args)
		case store.Settled:
			w.b.happened(event.ConfigConfirmed, "config", args)
		case store.WentBack:
			args["running"], args["reason"] = e.Running, e.Why
			w.b.happened(event.ConfigReverted, "config", args)
			if e.Author == "" {
				w.b.keepRecord(revertRecord(e))
				w.b.revisions.wentBack(e)
			}
		}
	}
}

// revertRecord is what the audit log says of a commit that the box has taken back by
// itself: nobody confirmed it in time, or the box began anew before. Nobody called a
// method for it.
func revertRecord(e store.Event) audit.Record {
	return audit.Record{Time: e.Time, User: "box", Origin: "engine", Method: "config.revert", Object: "config",
		What: "take " + revisionWord(e.Revision) + " back", Before: revisionWord(e.Revision), After: revisionWord(e.Running),
		Revision: e.Running, Outcome: audit.OK, Note: e.Why}
}

// comment returns why a revision was committed.
func (w *watcher) comment(e store.Event) string {
	for _, r := range w.b.cfg.Store.History() {
		if r.Number == e.Revision && r.Comment != "" {
			return r.Comment
		}
	}
	if e.Why != "" {
		return e.Why
	}
	return "no comment"
}

// passLog sends the log to those who get it.
func (w *watcher) passLog() {
	batch := w.b.cfg.Ring.Records(w.logged, 0)
	w.logged = batch.Next
	if !w.b.cfg.Alerts.Sends(alert.Log) {
		return
	}
	for _, r := range batch.Records {
		w.b.cfg.Alerts.Send(alert.Log, logMessage(r))
	}
}

func logMessage(r logring.Record) alert.Message {
	var text strings.Builder
	text.WriteString(r.Message)
	for _, a := range r.Attrs {
		fmt.Fprintf(&text, " %s=%q", a.Key, a.Value)
	}
	return alert.Message{Time: r.Time, Severity: alert.LogSeverity(slog.Level(r.Level)), ID: "log", Text: text.String()}
}

// poolEvents tells of pools that nobody can be sent to.
func (w *watcher) poolEvents() {
	now := map[string]bool{}
	for _, p := range w.b.cfg.Balancer.Pools() {
		usable := len(p.Members) == 0
		for _, m := range p.Members {
			usable = usable || m.Why == ""
		}
		if usable {
			continue
		}
		now[p.Name] = true
		if !w.pools[p.Name] {
			w.b.happened(event.PoolDown, event.Object("pool", p.Name), map[string]any{"pool": p.Name})
		}
	}
	for name := range w.pools {
		if !now[name] {
			w.b.happened(event.PoolUp, event.Object("pool", name), map[string]any{"pool": name})
		}
	}
	w.pools = now
}

// slow looks at what changes seldom.
func (w *watcher) slow() {
	w.b.useAlerts(w.b.cfg.Balancer.Config()) // a trust may have been imported
	w.serving()
	w.auditEvents()
	w.certificateEvents()
	w.roleEvents()
}

func (w *watcher) serving() {
	err := w.b.unserved.get()
	if (err == nil) == w.served {
		return
	}
	w.served = err == nil
	args := map[string]any{"revision": w.b.cfg.Store.Running().Number}
	if err == nil {
		w.b.happened(event.ConfigServed, "config", args)
		return
	}
	args["error"] = err.Error()
	w.b.happened(event.ConfigUnserved, "config", args)
}

func (w *watcher) auditEvents() {
	s := w.b.cfg.Audit.Status()
	if (s.Problem != "") == w.failing {
		return
	}
	if w.failing = s.Problem != ""; w.failing {
		w.b.happened(event.AuditFailed, "audit", map[string]any{"waiting": s.Waiting, "error": s.Problem})
		return
	}
	w.b.happened(event.AuditRestored, "audit", map[string]any{"lost": s.Lost})
}

func (w *watcher) certificateEvents() {
	kinds := map[string]event.Kind{"certificate.expiring": event.CertExpiring, "certificate.expired": event.CertExpired,
		"certificate.order_failed": event.CertFailed}
	now := map[string]bool{}
	for _, p := range w.b.cfg.Balancer.CertificateProblems() {
		kind, ok := kinds[p.Kind]
		key := p.Kind + " " + p.Object
		if now[key] = true; !ok || w.certs[key] {
			continue
		}
		_, name, _ := strings.Cut(p.Object, "/")
		w.b.happened(kind, p.Object, map[string]any{"certificate": name, "expires": p.Until.UTC().Format(time.DateOnly), "error": p.Text})
	}
	for key := range w.certs {
		kind, object, _ := strings.Cut(key, " ")
		_, name, _ := strings.Cut(object, "/")
		if now[key] || kinds[kind] == "" {
			continue
		}
		for _, c := range w.b.cfg.Balancer.Certificates() {
			if c.Name == name && len(c.Chain) > 0 {
				w.b.happened(event.CertRenewed, object, map[string]any{"certificate": name,
					"expires": c.Chain[0].NotAfter.UTC().Format(time.DateOnly)})
			}
		}
	}
	w.certs = now
}

// roleEvents tells of crashes.
func (w *watcher) roleEvents() {
	s, err := w.b.cfg.Supervisor.Status()
	if err != nil {
		return // the supervisor is gone, and this process is about to end
	}
	for _, r := range s.Roles {
		if r.Crashes > w.crashes[r.Name] {
			w.b.happened(event.RoleCrashed, event.Object("role", r.Name), map[string]any{"role": r.Name, "reason": firstWords(r.LastCrash)})
		}
		w.crashes[r.Name] = r.Crashes
	}
}

// machineEvents tells what is wrong with the machine, once for each of its starts.
func (b *Box) machineEvents() {
	for _, a := range b.cfg.Alarms {
		object := event.Object("machine", a.Object)
		told := b.cfg.Events.Query(event.Filter{From: a.Since, Kinds: []string{string(event.MachineAlarm)}, Objects: []string{object}}, 100, 0)
		if !slices.ContainsFunc(told, func(e event.Event) bool { return e.Args["reason"] == a.Text }) {
			b.happened(event.MachineAlarm, object, map[string]any{"reason": a.Text})
		}
	}
}
