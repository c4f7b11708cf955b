// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"evener/firmware/accesslog"
	"evener/firmware/http1"
	"evener/firmware/message"
	"evener/firmware/stats"
)

// name returns the number that stands for a name in access log records.
func (w *Worker) name(s string) accesslog.Name {
	n, ok := w.names[s]
	if !ok {
		n = w.namer.Name(s)
		w.names[s] = n
	}
	return n
}

// logAccess hands the exchange to the access log.
func (x *exchange) logAccess(r stats.Reason) {
	w := x.w
	if w.access == nil {
		return
	}
	now := w.loop.Now()
	if !w.access.Wanted(now) {
		return
	}
	rec := &w.record
	*rec = accesslog.Record{
		Time: w.wall() - (now - x.begun), Total: now - x.begun, Queue: x.queued,
		Connect: -1, FirstByte: -1,
		BytesIn:    int64(len(x.req.Buf)) + x.up.bytes,
		BytesOut:   int64(x.headBytes) + x.down.out(),
		Generation: x.gen.Number, Cluster: w.name(x.svc.Cluster), Status: uint16(x.status),
		Retries: uint16(x.retries), Protocol: accesslog.HTTP11, Persist: x.kept,
		Reason: accesslog.Reason(r),
	}
	switch {
	case x.req.HTTP2:
		rec.Protocol = accesslog.HTTP2
	case x.req.Minor == 0:
		rec.Protocol = accesslog.HTTP10
	}
	rec.SetClient(x.c.peer)
	rec.SetVia(x.c.via)
	x.logRoute(rec)
	h := &x.req
	rec.Method.Set(h.Bytes(h.Method))
	rec.Host.Set(h.Bytes(h.Authority))
	rec.Path.Set(h.Bytes(h.Target))
	if v, ok := h.Get(message.UserAgent); ok {
		rec.UserAgent.Set(v)
	}
	if v, ok := h.Get(message.Referer); ok {
		rec.Referer.Set(v)
	}
	if x.requestID[0] != 0 {
		rec.RequestID.Set(x.requestID[:])
	} else if v, ok := h.Get(message.XRequestID); ok {
		rec.RequestID.Set(v)
	}
	w.access.Put(rec)
}

func (x *exchange) logRoute(rec *accesslog.Record) {
	if x.route == nil {
		return
	}
	rec.Rule = x.w.name(x.route.Rule)
	if x.route.Pool == nil {
		return
	}
	snap := x.route.View.Set().Snapshot()
	rec.Pool = x.w.name(snap.Pool)
	if x.sent == 0 && x.retries == 0 {
		return
	}
	rec.Member = x.w.name(snap.Members[x.member].Name)
	rec.SetServer(x.route.Pool.Upstreams[x.member].Addr)
	rec.ServerPort, rec.ServerShared = x.serverPort, x.pooled
	if x.sent != 0 {
		rec.Connect = 0
		if x.connecting != 0 {
			rec.Connect = x.sent - x.connecting
		}
	}
	if x.firstByte != 0 {
		rec.FirstByte = x.firstByte - x.begun
	}
}

// A hostile client or a broken member must not fill the log: each worker logs
// one such event a second.
func (w *Worker) mayLog() bool {
	if now := w.loop.Now(); w.loggedAt == 0 || now-w.loggedAt > 1e9 {
		w.loggedAt = now
		return true
	}
	return false
}

func (w *Worker) logRefused(c *clientConn, e *http1.Error) {
	if w.mayLog() {
		w.log.Info("request refused", "listen", c.port.Addr, "client", c.peer,
			"status", e.Status, "reason", e.Reason.String())
	}
}

func (w *Worker) logBadAnswer(x *exchange, err error) {
	if w.mayLog() {
		w.log.Warn("answer refused", "cluster", x.svc.Cluster, "member", x.s.up.Addr, "err", err)
	}
}
