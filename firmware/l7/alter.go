// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"evener/firmware/http1"
	"evener/firmware/message"
	"evener/firmware/rewrite"
	"evener/firmware/stats"
)

// rewriteTarget finds what the member gets in the place of the request's target.
// It does not depend on the member, so that all tries send the same.
func (x *exchange) rewriteTarget() rewrite.Fault {
	if x.route.Rewrite == nil {
		return rewrite.Sound
	}
	r := &x.w.request
	r.Reset(&x.req, x.c.peer.Addr(), x.svc.Match)
	target, fault := x.route.Rewrite.Target(x.target[:0], &x.req, r.Path())
	x.target = target
	return fault
}

// appendTarget appends the target that the member gets.
func (x *exchange) appendTarget(dst []byte) []byte {
	if len(x.target) > 0 {
		return append(dst, x.target...)
	}
	return http1.AppendTarget(dst, &x.req)
}

// authority returns the host that the member is asked for.
func (x *exchange) authority() []byte {
	if x.edits != nil && !x.edits.Extra.Authority.Empty() {
		return x.edits.Extra.Bytes(x.edits.Extra.Authority)
	}
	return x.req.Bytes(x.req.Authority)
}

// prepare makes of the request's head what x.member gets. It runs again for each
// member that is tried: what operations made for the one before is taken back.
func (x *exchange) prepare() rewrite.Fault {
	if x.edits != nil {
		x.edits.Undo(&x.req)
	}
	x.prepareFields()
	if len(x.route.RequestOps) == 0 {
		return rewrite.Sound
	}
	if x.edits == nil {
		x.edits = x.w.spareEdits.take()
	}
	x.addRequestFields(&sink{changes: x.edits, head: &x.req})
	return applyAll(x.route.RequestOps, &x.req, x.edits, x)
}

func applyAll(list []*rewrite.Ops, h *message.Head, c *rewrite.Changes, src rewrite.Source) rewrite.Fault {
	for _, ops := range list {
		if fault := ops.Apply(h, c, src); fault != rewrite.Sound {
			return fault
		}
	}
	return rewrite.Sound
}

// unsound answers in place of a message that may not be sent as the configuration
// would have it.
func (x *exchange) unsound(fault rewrite.Fault) {
	if x.w.mayLog() {
		x.w.log.Warn("rewritten message not sent", "cluster", x.svc.Cluster, "err", fault.String(),
			"client", x.c.peer)
	}
	x.fail(500, stats.Internal)
}

// alterAnswer makes of the head of the member's answer what the client gets; what
// is added is in w.edits. The caller writes the head at once.
func (x *exchange) alterAnswer() rewrite.Fault {
	e := &x.w.edits
	e.Reset()
	if x.svc.SecureAnswers && x.c.secure {
		x.place().Secure(&x.resp, e, false)
	}
	if x.promises() {
		hide(&x.resp, hstsField)
	}
	x.keepConsoleSession()
	if len(x.route.AnswerOps) > 0 {
		x.addAnswerFields(&sink{changes: e, head: &x.resp})
		if fault := applyAll(x.route.AnswerOps, &x.resp, e, x); fault != rewrite.Sound {
			return fault
		}
	}
	x.pack(e)
	return rewrite.Sound
}

// place returns where the client has found the box.
func (x *exchange) place() rewrite.Own {
	o := rewrite.Own{Authority: x.req.Bytes(x.req.Authority)}
	if p := x.c.port; p != nil {
		o.Port = p.Addr.Port()
	}
	return o
}

// finishAnswer writes the fields of the answer that are not the member's.
func (x *exchange) finishAnswer(s *sink) {
	extra := &x.w.edits.Extra
	if s.h2 != nil {
		s.h2.Fields(extra)
	} else {
		s.dst = http1.AppendFields(s.dst, extra)
	}
	if len(x.route.AnswerOps) == 0 {
		x.addAnswerFields(s)
	}
}

// finishRequest writes the fields of the request that are not the client's.
func (x *exchange) finishRequest(s *sink) {
	switch {
	case x.edits == nil:
		x.addRequestFields(s)
	case s.h2 != nil:
		s.h2.Fields(&x.edits.Extra)
	default:
		s.dst = http1.AppendFields(s.dst, &x.edits.Extra)
	}
}

// ownRoute returns the route whose operations an answer of the box itself gets:
// that of the cluster, if it comes before the rules.
func (x *exchange) ownRoute() *Route {
	if x.route == nil {
		return x.svc.Default
	}
	return x.route
}

// altersOwn reports whether an answer of the box itself is not sent as it is.
func (x *exchange) altersOwn() bool {
	return len(x.ownRoute().AnswerOps) > 0 || x.promises()
}

// alterOwn returns an answer of the box itself, composed as HTTP/1, as the client
// gets it. Where operations cannot be applied it stays as it is.
func (x *exchange) alterOwn(text []byte) []byte {
	h, e := &x.w.own, &x.w.edits
	n, err := http1.ParseResponse(h, text, nil, http1.ReqInfo{})
	if err != nil || n == 0 {
		x.w.log.Error("own answer not understood", "err", err)
		return text
	}
	e.Reset()
	x.addHSTS(&sink{changes: e, head: h})
	if applyAll(x.ownRoute().AnswerOps, h, e, x) != rewrite.Sound {
		return text
	}
	out := http1.AppendStatusLine(nil, 1, h.Status, h.Bytes(h.Reason))
	out = http1.AppendFields(out, h)
	out = http1.AppendFields(out, &e.Extra)
	if h.Body == message.Length {
		out = http1.AppendLength(out, h.Length)
	}
	out = x.appendPersistence(out)
	return append(append(out, "\r\n"...), text[n:]...)
}
