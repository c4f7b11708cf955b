// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"evener/firmware/event"
	"evener/firmware/lb"
	"evener/firmware/phrase"
)

// A Problem is something that needs attention.
type Problem struct {
	Kind     string         `json:"kind" doc:"stable and dotted, such as member.down: what programs test and translate"`
	Severity string         `json:"severity" doc:"error: clients are not served as they should be; warning: they are, for now"`
	Object   string         `json:"object,omitempty" doc:"path of what it is about, such as pool/shop/member/web2"`
	Args     map[string]any `json:"args,omitempty" doc:"the values inside text, for translation"`
	Text     string         `json:"text" doc:"in words"`
	Since    time.Time      `json:"since,omitzero" doc:"when it began, or when it was noticed"`

	Said phrase.Words `json:"said,omitempty" doc:"what the args that are sentences say, by name: kind and args"`
}

// The severities of a Problem.
const (
	severityError   = "error"
	severityWarning = "warning"
)

// key tells problems apart while they last. There may be several of a kind that
// are about nothing in particular.
func (p *Problem) key() string {
	k := p.Kind + " " + p.Object
	if p.Object == "" {
		k += fmt.Sprint(p.Args["error"])
	}
	return k
}

// A noticed remembers since when problems are known of.
type noticed struct {
	mu    sync.Mutex // guards what follows
	since map[string]time.Time
}

// date sets Since of the problems that do not know it, and forgets those that are
// gone.
func (n *noticed) date(list []Problem, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	next := make(map[string]time.Time, len(list))
	for i := range list {
		p := &list[i]
		if !p.Since.IsZero() {
			continue
		}
		k := p.key()
		if at, ok := n.since[k]; ok {
			p.Since = at
		} else {
			p.Since = now.UTC()
		}
		next[k] = p.Since
	}
	n.since = next
}

// problems lists what is not as it should be, the worst first.
func (b *Box) problems() []Problem {
	var out []Problem
	if err := b.unserved.get(); err != nil {
		text := strings.ReplaceAll(err.Error(), "\n", "; ")
		out = append(out, Problem{Kind: "config.unserved", Severity: severityError, Args: map[string]any{"error": text},
			Text: text + "; it is tried again every 2s"})
	}
	for _, text := range b.cfg.Problems {
		out = append(out, Problem{Kind: "box.start", Severity: severityWarning, Args: map[string]any{"error": text}, Text: text})
	}
	for _, a := range b.cfg.Alarms {
		severity := severityWarning
		if a.Grave {
			severity = severityError
		}
		out = append(out, Problem{Kind: "machine.alarm", Object: event.Object("machine", a.Object), Severity: severity,
			Args: map[string]any{"error": a.Text}, Text: a.Text})
	}
	for _, p := range b.cfg.Balancer.Pools() {
		out = append(out, b.poolProblems(p)...)
	}
	for _, c := range b.cfg.Balancer.CertificateProblems() {
		out = append(out, certificateProblem(c))
	}
	out = append(out, b.consoleProblems()...)
	out = append(out, b.hardwareProblems()...)
	out = append(out, b.portProblems()...)
	out = append(out, b.networkProblems()...)
	out = append(out, b.timeProblems()...)
	out = append(out, b.beatProblems()...)
	out = append(out, b.standbyProblems()...)
	out = append(out, b.upgradeProblems()...)
	if r := b.restart.status(); r != nil && r.Error != "" {
		out = append(out, Problem{Kind: "role.restart_failed", Severity: severityWarning, Object: "role/" + r.Role,
			Args: map[string]any{"error": r.Error}, Text: "the last restart failed and the old process goes on: " + r.Error})
	}
	if err := b.cfg.Store.Unsaved(); err != nil {
		out = append(out, Problem{Kind: "store.unsaved", Severity: severityError, Args: map[string]any{"error": err.Error()},
			Text: "the store is not saved: " + err.Error()})
	}
	if b.cfg.Audit != nil {
		if st := b.cfg.Audit.Status(); st.Problem != "" {
			out = append(out, Problem{Kind: "audit.failed", Severity: severityError, Object: "audit",
				Args: map[string]any{"error": st.Problem, "waiting": st.Waiting}, Text: "the audit log is not written: " + st.Problem})
		}
	}
	slices.SortStableFunc(out, func(a, b Problem) int { return strings.Compare(a.Severity, b.Severity) })
	b.noticed.date(out, time.Now())
	tell(out)
	return out
}

// tell says what the reasons among the arguments of problems are.
func tell(list []Problem) {
	for i := range list {
		list[i].Said = phrase.Args(list[i].Args)
	}
}

// poolProblems lists what is wrong with a pool and its members.
func (b *Box) poolProblems(p lb.PoolStatus) (out []Problem) {
	if !slices.ContainsFunc(p.Members, func(m lb.MemberStatus) bool { return m.Why == "" }) && len(p.Members) > 0 {
		out = append(out, Problem{Kind: "pool.unusable", Severity: severityError, Object: "pool/" + p.Name,
			Args: map[string]any{"pool": p.Name}, Text: "pool " + p.Name + " has no usable member"})
	}
	for _, m := range p.Members {
		object := "pool/" + p.Name + "/member/" + m.Name
		if m.State == "down" {
			out = append(out, Problem{Kind: "member.down", Severity: severityError, Object: object, Since: m.Since,
				Args: map[string]any{"pool": p.Name, "member": m.Name, "why": m.Why}, Text: p.Name + "/" + m.Name + ": " + m.Why})
		}
		if v, why := b.verdict(p.Name, m); v == impossible {
			out = append(out, Problem{Kind: "member.unprobed", Severity: severityWarning, Object: object,
				Args: map[string]any{"pool": p.Name, "member": m.Name, "why": why}, Text: p.Name + "/" + m.Name + " cannot be probed: " + why})
		}
	}
	return out
}

func certificateProblem(c lb.CertificateProblem) Problem {
	_, name, _ := strings.Cut(c.Object, "/")
	p := Problem{Kind: c.Kind, Severity: severityError, Object: c.Object, Text: c.Text,
		Args: map[string]any{"name": name, "text": c.Text}}
	if c.Warning {
		p.Severity = severityWarning
	}
	if !c.Until.IsZero() {
		p.Args["until"] = c.Until.UTC().Format(time.RFC3339)
	}
	return p
}

// texts returns the problems in words.
func texts(list []Problem) []string {
	var out []string
	for _, p := range list {
		out = append(out, p.Text)
	}
	return out
}
