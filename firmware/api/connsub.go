// SPDX-License-Identifier: Apache-2.0

package api

import (
	"strconv"
	"time"
)

// addSub gives s a place on the connection and a number.
func (c *conn) addSub(s *subscription) *Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.subs) >= maxSubs {
		return Errorf(CodeTooMany, "too_many.subs", "this connection has %d subscriptions already: close one", maxSubs)
	}
	c.lastSub++
	s.id = c.lastSub
	c.subs[s.id] = s
	return nil
}

// findSub returns the subscription id of who's session, or nil.
func (c *conn) findSub(id int, who Call) *subscription {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.subs[id]; s != nil && s.who.Session == who.Session {
		return s
	}
	return nil
}

// swapSub puts next in the place of the subscription id of who's session and
// returns that, or nil. next has no view yet.
func (c *conn) swapSub(id int, who Call, next *subscription) *subscription {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.subs[id]
	if old == nil || !old.running || old.who.Session != who.Session {
		return nil
	}
	next.id, next.topic, next.who, next.params, next.sent = id, old.topic, old.who, old.params, old.sent
	next.before = old.view
	c.subs[id] = next
	return old
}

// restoreSub puts old back where swapSub has put next.
func (c *conn) restoreSub(next, old *subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.subs[next.id] == next {
		c.subs[next.id] = old
	}
}

// setView gives s its view, unless s was closed.
func (c *conn) setView(s *subscription, v *view) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.subs[s.id] != s {
		return false
	}
	if s.before != nil {
		c.dead = append(c.dead, s.before)
		s.before = nil
	}
	s.view = v
	return true
}

// startSub lets the events of s come.
func (c *conn) startSub(s *subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.running = true
	c.out.wake()
}

// dropSub ends s.
func (c *conn) dropSub(s *subscription) {
	c.mu.Lock()
	c.dropSubLocked(s)
	c.mu.Unlock()
	c.bury()
}

// dropSubLocked ends s. Its view is left to bury, which may wait.
func (c *conn) dropSubLocked(s *subscription) {
	if c.subs[s.id] != s {
		return
	}
	delete(c.subs, s.id)
	for _, v := range []*view{s.view, s.before} {
		if v != nil {
			c.dead = append(c.dead, v)
		}
	}
	c.out.wake()
}

// bury gives back the views of subscriptions that have ended. It waits for the
// topic's function and is therefore called without locks.
func (c *conn) bury() {
	c.mu.Lock()
	dead := c.dead
	c.dead = nil
	c.mu.Unlock()
	for _, v := range dead {
		c.srv.reg.feeds.close(v)
	}
}

// logBurst is how many bytes of a log's events are written at once, about.
const logBurst = 32 << 10

// gather is how long the first news waits for others, so that what the topics have at
// the same tick goes out together: a client costs a packet for each tick, not for each
// topic.
const gather = 25 * time.Millisecond

// nextEvent returns the next lines for a subscriber: of the first class that has
// any, from the subscription that has waited longest. They are valid until the next
// call. Without any it returns how long it will be until one may come, 0 for an
// unknown time.
func (c *conn) nextEvent(now time.Time) (lines []byte, pause time.Duration) {
	for {
		s, wait := c.dueSub(now)
		switch {
		case s == nil:
			c.tick = time.Time{}
			return nil, wait
		case c.tick.IsZero():
			c.tick = now.Add(gather)
			return nil, gather
		case now.Before(c.tick):
			return nil, c.tick.Sub(now)
		}
		c.mu.Lock()
		s.sent = now
		c.mu.Unlock()
		lines = c.newsOf(s, c.lines[:0])
		if cap(lines) <= 2*logBurst { // what is rarely so long is not kept
			c.lines = lines
		}
		if len(lines) > 0 {
			return lines, 0
		}
	}
}

// newsOf appends the lines that tell s of what is new, of a log several.
func (c *conn) newsOf(s *subscription, lines []byte) []byte {
	for {
		n, ok := s.view.next(s.gap > 0)
		if !ok {
			return lines
		}
		lines = n.append(lines, s.id)
		if n.end != "" {
			c.dropSub(s)
			return lines
		}
		if s.topic.Class != Log || len(lines) > logBurst {
			return lines
		}
	}
}

// dueSub picks the subscription whose turn it is. Without one it returns how long it
// will be until there is one, 0 for an unknown time.
func (c *conn) dueSub(now time.Time) (due *subscription, pause time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.subs {
		if !s.running || due != nil && !s.goesBefore(due) || !s.view.behind() {
			continue
		}
		if left := s.gap - now.Sub(s.sent); left > 0 {
			if pause == 0 || left < pause {
				pause = left
			}
			continue
		}
		due = s
	}
	return due, pause
}

// append appends the line that tells the subscription id of n.
func (n news) append(b []byte, id int) []byte {
	method := "sub.event"
	switch {
	case n.end != "":
		method = "sub.end"
	case n.data == nil:
		method = "sub.gap"
	}
	if n.undo != nil {
		b = news{data: n.undo}.append(b, id)
	}
	b = append(b, `{"jsonrpc":"2.0","method":"`+method+`","params":{"sub":`...)
	b = strconv.AppendInt(b, int64(id), 10)
	switch method {
	case "sub.end":
		b = append(b, `,"kind":`...)
		b = strconv.AppendQuote(b, n.end)
	case "sub.gap":
		b = strconv.AppendUint(append(b, `,"from":`...), n.from, 10)
		b = strconv.AppendUint(append(b, `,"to":`...), n.seq, 10)
		b = strconv.AppendUint(append(b, `,"dropped":`...), n.count, 10)
	default:
		b = strconv.AppendUint(append(b, `,"seq":`...), n.seq, 10)
		b = append(append(b, `,"data":`...), n.data...)
	}
	return append(b, "}}\n"...)
}
