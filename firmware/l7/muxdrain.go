// SPDX-License-Identifier: Apache-2.0

package l7

import "evener/firmware/http2"

// drain closes the connection when its streams have ended, and those that wait for
// it have had theirs; at once if there are none.
func (m *serverMux) drain() {
	switch {
	case len(m.streams) > 0:
		m.retire()
	case len(m.waiting) > 0:
		m.forget() // the last stream ends it: see streamEnded
	case m.h2 == nil:
		m.close()
	default:
		m.goAway()
	}
}

// goAway says goodbye on a connection that carries nothing, and closes it.
func (m *serverMux) goAway() {
	m.h2.GoAway(http2.NoError)
	if _, ok := m.flush(); ok {
		m.close()
	}
}

// retire lets the streams end and takes no new ones.
func (m *serverMux) retire() {
	m.forget()
	m.h2.Drain()
	m.dirty()
}
