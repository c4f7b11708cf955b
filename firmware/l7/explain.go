// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"fmt"
	"net/netip"

	"evener/firmware/accesslog"
	"evener/firmware/balance"
	"evener/firmware/http1"
	"evener/firmware/match"
	"evener/firmware/message"
	"evener/firmware/pool"
	"evener/firmware/rewrite"
	"evener/firmware/stats"
)

// An Explanation tells what would become of a request, and why.
type Explanation struct {
	Refused   *http1.Error      // the codec does not accept it
	Status    int               // that refuses it, whatever the rules say; 0: it is not refused
	Why       stats.Reason      // with a Status: as it is counted
	Rules     []match.RuleTrace // in order, to the one that matched
	Route     *Route            // nil when refused
	KeptWhy   string            // in words
	Chosen    int               // member, -1 for none
	Members   []balance.Verdict // of the pool's members
	Forwarded string            // the head as the member gets it
	SetCookie string            // value of the cookie that the answer would set
	Answer    string            // the answer of the box itself, when no member is asked
	Path      string            // as rules see it
	RawPath   string            // as it was received
	Target    string            // that the member gets in place of the request's; "" if it is not rewritten
	Fault     rewrite.Fault     // why the rewritten request would not be sent, with Status 500
}

// Explain says what the worker would do with the request raw from client,
// without doing it: pickers do not advance and nothing is counted. It runs on the
// worker's loop.
func (w *Worker) Explain(svc *Service, raw []byte, client netip.AddrPort, sni string) Explanation {
	x := &exchange{w: w, svc: svc, c: &clientConn{peer: client, secure: svc.TLS != nil}}
	e := Explanation{Chosen: -1}
	n, err := http1.ParseRequest(&x.req, raw, &svc.HTTP)
	if err != nil {
		e.refuse(err.(*http1.Error))
		return e
	}
	if n == 0 {
		e.refuse(&http1.Error{Status: 400, Reason: http1.BadRequestLine})
		return e
	}
	x.trusted = svc.trusts(client.Addr())
	x.up.begin(&x.req, &x.c.conn)
	x.up.chunked = x.req.Body == message.Chunked
	x.upgrade = svc.Upgrade && x.req.Websocket && (x.up.done || x.req.HTTP2)
	e.RawPath = string(x.req.Bytes(x.req.Path))
	if e.Status, e.Why = x.refusal(); e.Status != 0 {
		return e
	}
	x.route = svc.Default
	if svc.RedirectHTTPS != 0 && svc.TLS == nil && !x.req.Authority.Empty() {
		e.Route = x.route
		x.keep = true
		e.Answer = string(x.appendRedirect(nil))
		return e
	}
	var r match.Request
	r.Reset(&x.req, client.Addr(), svc.Match)
	if svc.TLS != nil {
		if sni == "" {
			sni = string(r.Host())
		}
		r.SetTLS(&match.TLS{Version: "1.3", ServerName: sni})
	}
	e.Path = string(r.Path())
	if svc.Rules != nil {
		if i := svc.Rules.Match(&r); i >= 0 {
			x.route = svc.Routes[i]
		}
		e.Rules = svc.Rules.Trace(&r)
	}
	e.Route = x.route
	if x.route.Pool == nil {
		e.Answer = string(x.route.Responder.append(nil, &x.req, true, w.httpDate()))
		return e
	}
	fault := x.rewriteTarget()
	if e.Target = string(x.target); fault != rewrite.Sound {
		e.unsound(fault)
		return e
	}
	x.explainMember(&e)
	return e
}

func (e *Explanation) refuse(why *http1.Error) {
	e.Refused, e.Status, e.Why = why, why.Status, stats.BadRequest
}

func (e *Explanation) unsound(fault rewrite.Fault) {
	e.Fault, e.Status, e.Why = fault, 500, stats.Internal
}

func (x *exchange) explainMember(e *Explanation) {
	set := x.route.View.Set()
	snap := set.Snapshot()
	cursor := *x.w.cursor(x.route.View)
	e.Members = balance.Explain(set, cursor, x.hashKey(), nil, x.w.index)
	e.KeptWhy = "the route has no persistence"
	if len(x.route.Persist) > 0 {
		e.KeptWhy = "there is no member to keep the client on"
		e.Chosen = x.keptOn(snap)
	}
	kept := e.Chosen
	if e.Chosen < 0 {
		e.Chosen = cursor.Peek(set, x.hashKey(), nil, x.w.index)
		if e.Chosen >= 0 && len(x.route.Persist) > 0 {
			x.keepOn(e.Chosen, snap.Members[e.Chosen].DontPersist)
		}
	} else {
		x.tellKept(e)
	}
	if e.Chosen < 0 {
		x.explainNobody(e)
		return
	}
	if len(x.route.Persist) > 0 {
		e.KeptWhy = x.keptWhy(kept, snap.Members[e.Chosen])
	}
	x.member, x.live = e.Chosen, snap.Members[e.Chosen].Live // not acquired: nothing is counted
	if fault := x.prepare(); fault != rewrite.Sound {
		e.unsound(fault)
		return
	}
	e.Forwarded = string(x.appendRequest(nil))
	if x.cookies != nil {
		e.SetCookie = string(x.cookies.AppendSetCookieFor(nil, x.member, x.req.Bytes(x.req.Authority)))
	}
}

// tellKept replaces what the policy would have said of the members.
func (x *exchange) tellKept(e *Explanation) {
	for i := range e.Members {
		m := &e.Members[i]
		was := m.Chosen
		if m.Chosen = m.Member == e.Chosen; m.Chosen {
			m.Why = "the client is kept on it"
			if x.route.View.Set().Snapshot().Members[m.Member].Live.Full() {
				m.Why += "; it is full: the request waits for a place"
			}
		} else if was {
			m.Why = "would be next, but the client is kept on another"
		}
	}
}

// keptWhy says what persistence makes of the client: kept is the member that it is
// kept on, or -1, and m the member that it gets.
func (x *exchange) keptWhy(kept int, m pool.Member) string {
	if kept >= 0 {
		why := fmt.Sprintf("the client is kept on %s by its %s", m.Name, x.keptBy(kept))
		if x.cookies != nil {
			why += "; the answer sets a cookie"
		}
		return why
	}
	what := "the client is not known yet: "
	if x.kept == accesslog.PersistForeign {
		what = "the client's record is forged, out of date, or names a member that may not be used: "
	}
	switch {
	case m.DontPersist:
		return what + m.Name + " keeps no clients"
	case x.cookies != nil:
		return what + "the answer sets a cookie"
	}
	return what + "its address is remembered"
}

// keptBy names what the client is known by.
func (x *exchange) keptBy(member int) string {
	defer func(was accesslog.Persist) { x.kept = was }(x.kept)
	for i := range x.route.Persist {
		p := &x.route.Persist[i]
		if p.Cookies == nil {
			continue
		}
		if m, _ := x.byCookie(p.Cookies); m == member {
			return "cookie"
		}
	}
	return "address"
}

func (x *exchange) explainNobody(e *Explanation) {
	if x.route.Responder != nil {
		e.Answer = string(x.route.Responder.append(nil, &x.req, true, x.w.httpDate()))
		return
	}
	e.Answer = string(http1.AppendError(nil, 503, false, x.req.MethodID, x.w.httpDate()))
}

// Answer returns what the responder answers to a request whose head is raw.
func (r *Responder) Answer(raw []byte, date []byte) (string, error) {
	var h message.Head
	n, err := http1.ParseRequest(&h, raw, nil)
	if err != nil {
		return "", err
	}
	if n == 0 {
		return "", fmt.Errorf("the request's head is incomplete")
	}
	return string(r.append(nil, &h, true, date)), nil
}
