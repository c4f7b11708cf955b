// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"net/netip"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/lb"
	"evener/firmware/match"
	"evener/firmware/phrase"
)

type explainParams struct {
	Cluster   string   `json:"cluster,omitempty" doc:"may be left out where there is one http cluster, or where the URL names its address"`
	Method    string   `json:"method,omitempty" doc:"GET"`
	URL       string   `json:"url" doc:"http://host/path?query, or a path"`
	Fields    []string `json:"fields,omitempty" doc:"request fields, written Name: value"`
	Client    string   `json:"client,omitempty" doc:"address of the client; 192.0.2.1"`
	SNI       string   `json:"sni,omitempty" doc:"server name of the TLS handshake, of https clusters; the host of the request"`
	Candidate bool     `json:"candidate,omitempty" doc:"ask your candidate in place of the running configuration"`
	On        string   `json:"on,omitempty" doc:"running or candidate; running, unless candidate is set"`
}

// An Explained tells what becomes of a request, and why.
type Explained struct {
	Cluster    string            `json:"cluster"`
	Generation uint64            `json:"generation" doc:"0: the candidate"`
	Refused    string            `json:"refused,omitempty" doc:"why the request is not accepted, in words"`
	Reason     string            `json:"reason,omitempty" doc:"the same as the label by which the metrics count it"`
	Status     int               `json:"status,omitempty" doc:"of the refusal"`
	Path       string            `json:"path" doc:"as rules see it"`
	RawPath    string            `json:"raw_path" doc:"as it was received"`
	Target     string            `json:"target,omitempty" doc:"path and query that the member gets, if they are rewritten"`
	Rules      []ExplainedRule   `json:"rules" doc:"in their order"`
	Rule       string            `json:"rule" doc:"that decided; empty: the cluster's own settings"`
	Pool       string            `json:"pool,omitempty"`
	Responder  string            `json:"responder,omitempty" doc:"that answers"`
	Persist    string            `json:"persist,omitempty" doc:"what persistence makes of the client"`
	Member     string            `json:"member,omitempty" doc:"that gets the request"`
	Members    []ExplainedMember `json:"members"`
	Forwarded  string            `json:"forwarded,omitempty" doc:"request head as the member gets it"`
	SetCookie  string            `json:"set_cookie,omitempty" doc:"cookie that the answer sets"`
	Answer     string            `json:"answer,omitempty" doc:"answer of the box itself"`

	Said phrase.Words `json:"said,omitempty" says:"refused,persist" doc:"what the texts say, by field: kind and args, for translation"`
}

// An ExplainedRule is one rule and what was found.
type ExplainedRule struct {
	Name       string          `json:"name"`
	Verdict    string          `json:"verdict" doc:"true, false, not reached or disabled"`
	Conditions []ExplainedTest `json:"conditions"`
	When       string          `json:"when,omitempty" doc:"the condition as it is written"`
	Line       int             `json:"line,omitempty" doc:"of the condition in the configuration"`
	Tree       *ExplainedPart  `json:"tree,omitempty" doc:"how each part of the condition fared"`
}

// An ExplainedPart is a part of a condition and what was found.
type ExplainedPart struct {
	Op      string          `json:"op" doc:"and, or, not or call"`
	From    int             `json:"from" doc:"where it begins in when, in bytes"`
	To      int             `json:"to" doc:"where it ends"`
	Verdict string          `json:"verdict" doc:"true, false or not evaluated"`
	Value   string          `json:"value,omitempty" doc:"of a call: what it was tested on"`
	Missing bool            `json:"missing,omitempty" doc:"of a call: the request has no such thing"`
	Parts   []ExplainedPart `json:"parts,omitempty"`
}

// An ExplainedTest is one condition of a rule.
type ExplainedTest struct {
	Text    string `json:"text"`
	Value   string `json:"value" doc:"what it was tested on"`
	Verdict string `json:"verdict" doc:"true, false or not evaluated"`
}

// An ExplainedMember is a member and why it was, or was not, chosen.
type ExplainedMember struct {
	Name   string  `json:"name"`
	Chosen bool    `json:"chosen"`
	Why    string  `json:"why"`
	Share  float64 `json:"share" doc:"of new clients that it should get, 0 to 1"`
	Active int64   `json:"active"`

	Said phrase.Words `json:"said,omitempty" says:"why" doc:"what the texts say, by field: kind and args, for translation"`
}

type responderParams struct {
	Name   string   `json:"name" doc:"of the responder"`
	URL    string   `json:"url" doc:"http://host/path?query, or a path"`
	Method string   `json:"method,omitempty" doc:"GET"`
	Fields []string `json:"fields,omitempty" doc:"request fields, written Name: value"`
}

// A Response is an answer as it would be sent.
type Response struct {
	Answer string `json:"answer"`
}

func (b *Box) addExplain(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "explain.request", Purpose: "Says what becomes of a request, and why.",
		Role: api.Viewer}, b.explain)
	api.Add(reg, api.Method{Name: "responder.test", Purpose: "Shows what a responder answers to a URL.",
		Role: api.Viewer}, b.testResponder)
}

func (b *Box) explain(_ context.Context, c api.Call, p explainParams) (Explained, error) {
	q := lb.Question{Cluster: p.Cluster, Method: p.Method, URL: p.URL, Fields: p.Fields, SNI: p.SNI}
	if p.Client != "" {
		a, err := netip.ParseAddr(p.Client)
		if err != nil {
			return Explained{}, api.Errorf(api.CodeParams, "params.client", "client must be an address such as 192.0.2.1, not %q", p.Client)
		}
		q.Client = netip.AddrPortFrom(a, 40000)
	}
	switch {
	case p.Candidate && p.On == "":
		p.On = "candidate"
	case p.On == "":
		p.On = "running"
	}
	from, err := b.source(c, p.On)
	if err != nil {
		return Explained{}, err
	}
	var cfg *config.Config
	if from.on == "candidate" {
		if cfg, err = parse(from.text, 0); err != nil {
			return Explained{}, err
		}
	}
	a, err := b.cfg.Balancer.Explain(q, cfg)
	if err != nil {
		return Explained{}, apiError(err)
	}
	if cfg == nil && a.Generation != from.base { // committed between the two looks
		from.text, _ = b.cfg.Store.Text(a.Generation)
	}
	out := explained(a)
	for i := range out.Rules {
		if i < len(a.Trees) {
			out.Rules[i].addTree(&a.Trees[i], from.text)
		}
	}
	return out, nil
}

// addTree adds how each part of the rule's condition fared. text is that of the
// configuration.
func (r *ExplainedRule) addTree(t *lb.Condition, text []byte) {
	at := t.Range
	if at.Start.Byte < 0 || at.Start.Byte > at.End.Byte || at.End.Byte > len(text) {
		return
	}
	r.When, r.Line = string(text[at.Start.Byte:at.End.Byte]), at.Start.Line
	root := partOf(t, at.Start.Byte)
	r.Tree = &root
}

func partOf(t *lb.Condition, start int) ExplainedPart {
	p := ExplainedPart{Op: t.Op, From: t.Range.Start.Byte - start, To: t.Range.End.Byte - start, Verdict: t.Verdict.String()}
	if t.Call != nil {
		p.Value, p.Missing = t.Call.Value, t.Call.Missing
	}
	for i := range t.Parts {
		p.Parts = append(p.Parts, partOf(&t.Parts[i], start))
	}
	return p
}

func explained(a lb.Answer) Explained {
	out := Explained{Cluster: a.Cluster, Generation: a.Generation, Path: a.Path, RawPath: a.RawPath, Target: a.Target,
		Rules: []ExplainedRule{}, Members: []ExplainedMember{}, Persist: a.KeptWhy,
		Forwarded: a.Forwarded, SetCookie: a.SetCookie, Answer: a.Answer, Said: phrase.Fields("refused", a.Words, "persist", a.KeptWhy)}
	if a.Status != 0 {
		out.Refused, out.Reason, out.Status = a.Words, a.Label, a.Status
		return out
	}
	for _, r := range a.Rules {
		out.Rules = append(out.Rules, explainedRule(r))
	}
	out.Rule = a.Route.Rule
	if a.Route.Pool != nil {
		out.Pool = a.Route.Pool.Name()
	}
	if a.Answer != "" && a.Route.Responder != nil {
		out.Responder = a.Route.Responder.Name
	}
	for _, m := range a.Explanation.Members {
		out.Members = append(out.Members, ExplainedMember{Name: m.Name, Chosen: m.Chosen, Why: m.Why, Share: m.Share, Active: m.Active,
			Said: phrase.Fields("why", m.Why)})
		if m.Chosen {
			out.Member = m.Name
		}
	}
	return out
}

func explainedRule(r match.RuleTrace) ExplainedRule {
	out := ExplainedRule{Name: r.Name, Verdict: ruleVerdict(r), Conditions: []ExplainedTest{}}
	for _, c := range r.Conds {
		out.Conditions = append(out.Conditions, ExplainedTest{c.Source, c.Value, c.Verdict.String()})
	}
	return out
}

func ruleVerdict(r match.RuleTrace) string {
	switch {
	case r.Disabled:
		return "disabled"
	case !r.Reached:
		return "not reached"
	case r.Matched:
		return "true"
	}
	return "false"
}

func (b *Box) testResponder(_ context.Context, _ api.Call, p responderParams) (Response, error) {
	answer, err := b.cfg.Balancer.TestResponder(p.Name, lb.Question{Method: p.Method, URL: p.URL, Fields: p.Fields})
	return Response{answer}, apiError(err)
}
