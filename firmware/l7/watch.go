// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"time"

	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// watchDelay is how long a connection whose first request came at once may stay
// unregistered. One that serves a single request is mostly done by then, and is
// never registered at all: that saves a call, and the kernel's bookkeeping. Until
// then the client is not seen to leave.
const watchDelay = 10 * time.Millisecond

// A watchList holds the connections that are not registered yet, oldest first.
type watchList struct {
	w     *Worker
	timer reactor.Timer
	conns []unwatched
}

type unwatched struct {
	c     *clientConn
	since int64 // loop clock
}

func (l *watchList) add(c *clientConn) {
	l.conns = append(l.conns, unwatched{c, l.w.loop.Now()})
	if !l.timer.Armed() {
		l.w.loop.SetTimer(&l.timer, watchDelay)
	}
}

// Expire registers the connections that have waited for long enough.
func (l *watchList) Expire(*reactor.Timer) {
	due := l.w.loop.Now() - int64(watchDelay)
	n := 0
	for n < len(l.conns) && l.conns[n].since <= due {
		if c := l.conns[n].c; !c.gone && !c.watched {
			c.watchNow()
		}
		n++
	}
	rest := copy(l.conns, l.conns[n:])
	clear(l.conns[rest:])
	l.conns = l.conns[:rest]
	if rest > 0 {
		l.w.loop.SetTimer(&l.timer, watchDelay)
	}
}

// watchNow registers the connection; without memory for that it cannot be
// served. A client that has closed its sending side by now, while its request is
// under way, is taken to have done so on purpose.
func (c *clientConn) watchNow() {
	if c.watched {
		return
	}
	if c.x != nil {
		c.x.half = c.left()
	}
	if err := c.watch(c); err != nil {
		c.w.log.Warn("connection closed", "client", c.peer, "err", err)
		c.stats.Refused.Add(1)
		if c.x != nil {
			c.x.abort(stats.Internal)
			return
		}
		c.close()
	}
}
