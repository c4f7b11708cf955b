// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"time"

	"evener/firmware/stats"
)

// A member that has vanished closes nothing: its connection stands, and each stream
// would wait for the whole of server_head. So one that begins on a connection which has
// been silent sends a PING along (RFC 9113 section 6.7), and its answer, or anything
// else, must come soon.
const (
	silentAfter = 10 * time.Second
	pingWait    = 5 * time.Second
)

// ping asks a member that has been silent whether it is there. One question is open at
// a time.
func (m *serverMux) ping() {
	w := m.sock.w
	if m.pinged || w.loop.Now()-m.heard <= int64(silentAfter) {
		return
	}
	m.pinged = true
	m.h2.Ping()
	m.dirty()
	w.loop.SetTimer(&m.sock.timer, pingWait)
}

// hear notes that the member has said something.
func (m *serverMux) hear() {
	m.heard = m.sock.w.loop.Now()
	if !m.pinged {
		return
	}
	m.pinged = false
	m.sock.w.loop.StopTimer(&m.sock.timer)
	m.streamEnded() // it may be idle meanwhile
}

// vanished ends a connection whose member does not answer. Its exchanges go elsewhere
// where they can, as if it had closed the connection.
func (m *serverMux) vanished() {
	w := m.sock.w
	if m.up.Stats != nil {
		m.up.Stats.Slot(w.index).Errors[stats.ErrTimeout].Add(1)
	}
	if w.mayLog() {
		w.log.Warn("member silent", "member", m.up.Addr, "streams", len(m.streams), "took", pingWait)
	}
	m.fail(stats.ErrReset, stats.ServerReset)
}
