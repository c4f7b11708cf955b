// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"evener/firmware/accesslog"
	"evener/firmware/reactor"
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

// logAccess hands the visit to the access log. host is the TLS server name, if one was read.
func (v *visit) logAccess(r stats.Reason, p accesslog.Protocol, host []byte) {
	w := v.w
	if w.access == nil {
		return
	}
	now := w.loop.Now()
	if !w.access.Wanted(now) {
		return
	}
	rec := &w.record
	*rec = accesslog.Record{
		Time: w.wall() - (now - v.begun), Total: now - v.begun, Queue: v.queued,
		Connect: -1, FirstByte: -1,
		BytesIn: int64(v.in), BytesOut: int64(v.out),
		Generation: v.gen.Number, Cluster: w.name(v.svc.Cluster),
		Retries: v.retries, Protocol: p, Persist: v.kept, Reason: accesslog.Reason(r),
	}
	rec.SetClient(v.peer)
	rec.SetVia(v.via)
	rec.ServerPort = v.port
	rec.Host.Set(host)
	if v.route != nil {
		snap := v.snapshot()
		rec.Pool = w.name(snap.Pool)
		if v.met {
			rec.Member = w.name(snap.Members[v.member].Name)
			if a, ok := v.addr(); ok {
				rec.SetServer(a)
			}
		}
	}
	if v.connected != 0 {
		rec.Connect = v.connected - v.connecting
	}
	if v.answered != 0 {
		rec.FirstByte = v.answered - v.begun
	}
	w.access.Put(rec)
}

// notePort notes which port of ours the socket fd has, for the access log: before it
// is closed.
func (v *visit) notePort(fd int) {
	if v.w.access != nil {
		v.port = reactor.LocalAddr(fd).Port()
	}
}
