// SPDX-License-Identifier: Apache-2.0

package http2

// A budget is what a peer has spent of its [Budget] within the window at hand.
type budget struct {
	since int64 // when the window began

	resets                                      int
	pings, settings, empty, priorities, windows int
	begun                                       int // heads that begin streams
	payloads                                    int // DATA frames with content

	// Queued control frames: those behind mark in the output, and those before
	// it. When the mark is sent, the younger become the older.
	queued, older int
	mark          int
}

// tick says what time it is, and begins a new window when the old one is over.
func (c *Conn) tick(now int64) {
	if s := &c.spent; now-s.since >= BudgetWindow {
		*s = budget{since: now, queued: s.queued, older: s.older, mark: s.mark}
	}
}

// spend counts one more of *n, and ends the connection for r if it is more than
// most.
func (c *Conn) spend(n *int, most int, r Reason) bool {
	if *n++; *n > most {
		c.fail(r)
		return false
	}
	return true
}

// provoked counts a stream reset by the client, or by us for what it did.
func (c *Conn) provoked() {
	if c.server {
		c.spend(&c.spent.resets, c.p.c.Budget.Resets, ResetFlood)
	}
}

// answered makes up for a reset.
func (c *Conn) answered() {
	c.spent.resets = max(c.spent.resets-1, 0)
}

// queuedControl counts a control frame that was appended because of the peer.
func (c *Conn) queuedControl() {
	s := &c.spent
	s.queued++
	if s.queued+s.older > c.p.c.Budget.Queued {
		c.fail(QueueFlood)
	}
}
