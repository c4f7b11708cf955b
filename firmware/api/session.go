// SPDX-License-Identifier: Apache-2.0

package api

import (
	"strings"
	"time"
)

// maxSessions is how many sessions without a call or subscription one connection
// remembers, to tell of their end.
const maxSessions = 64

// A session is one that a connection has carried a call of.
type session struct {
	id    string
	calls int
	used  time.Time
	kind  string // of its end, "" before
	stop  func() // takes the watch back
}

// joinLocked counts a call of the session called id. It returns the session if
// it is new and must be watched.
func (c *conn) joinLocked(id string) *session {
	if id == "" {
		return nil
	}
	s := c.sessions[id]
	if s != nil {
		s.calls++
		return nil
	}
	s = &session{id: id, calls: 1}
	c.sessions[id] = s
	return s
}

// watch asks to be told of the end of s, which may be nil.
func (c *conn) watch(s *session) {
	if s == nil || c.srv.cfg.Ended == nil {
		return
	}
	stop := c.srv.cfg.Ended(s.id, func(kind string) { c.sessionEnded(s, kind) })
	c.mu.Lock()
	s.stop = stop
	idle := c.idleSessionLocked()
	c.mu.Unlock()
	if idle != nil && idle.stop != nil {
		idle.stop()
	}
}

// idleSessionLocked forgets the session that was used least lately, if there are
// too many that nothing goes on in, and returns it.
func (c *conn) idleSessionLocked() *session {
	busy := make(map[string]bool)
	for _, s := range c.subs {
		busy[s.who.Session] = true
	}
	for _, s := range c.streams {
		busy[s.session] = true
	}
	var oldest *session
	idle := 0
	for _, s := range c.sessions {
		if s.calls > 0 || s.kind != "" || busy[s.id] {
			continue
		}
		idle++
		if oldest == nil || s.used.Before(oldest.used) {
			oldest = s
		}
	}
	if idle <= maxSessions {
		return nil
	}
	delete(c.sessions, oldest.id)
	return oldest
}

// sessionEnded ends all that s does here. The client is told when its calls have
// been answered, or after a second.
func (c *conn) sessionEnded(s *session, kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sessions[s.id] != s || s.kind != "" {
		return
	}
	s.kind = kind
	for _, run := range c.calls {
		if run.session == s.id {
			run.cancel()
		}
	}
	for _, sub := range c.subs {
		if sub.who.Session == s.id {
			c.dropSubLocked(sub)
		}
	}
	for _, t := range c.streams {
		if t.session == s.id {
			t.cancel()
		}
	}
	if s.calls == 0 {
		c.tellEndLocked(s)
		return
	}
	time.AfterFunc(time.Second, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.tellEndLocked(s)
	})
}

// leaveSessionLocked counts the end of a call of the session called id.
func (c *conn) leaveSessionLocked(id string) {
	s := c.sessions[id]
	if s == nil {
		return
	}
	s.calls--
	s.used = time.Now()
	if s.calls == 0 && s.kind != "" {
		c.tellEndLocked(s)
	}
}

// tellEndLocked tells the client that s has ended, once.
func (c *conn) tellEndLocked(s *session) {
	if c.sessions[s.id] != s {
		return
	}
	delete(c.sessions, s.id)
	c.out.tell(appendNotification("session.end", struct {
		Session string `json:"session"`
		Kind    string `json:"kind"`
	}{s.id, s.kind}))
}

// leave ends what would go on without the client: its subscriptions and the
// watches of its sessions.
func (c *conn) leave() {
	c.mu.Lock()
	for _, s := range c.subs {
		c.dropSubLocked(s)
	}
	c.left = true
	for _, s := range c.streams {
		s.cancel()
	}
	var stops []func()
	for _, s := range c.sessions {
		if s.stop != nil {
			stops = append(stops, s.stop)
		}
	}
	clear(c.sessions)
	c.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
	c.bury()
}

// identify says who sends r.
func (c *conn) identify(r request) (Call, *Error) {
	who := c.who
	if who.Origin != "console" || who.Role != Nobody {
		return who.with(r.meta)
	}
	if r.meta.Origin != "console" {
		return Call{}, badRequest(`meta.origin of the console is "console", not %q`, r.meta.Origin)
	}
	who.Remote, who.Agent, who.Lang = r.meta.Remote, r.meta.Agent, r.meta.Lang
	if r.meta.Token == "" {
		return who, nil
	}
	e := Errorf(CodeUnauthorized, "auth.required", "log in first")
	if c.srv.cfg.Authenticate != nil {
		var known Call
		if known, e = c.srv.cfg.Authenticate(r.meta.Token, r.meta.Remote, r.meta.Agent); e == nil {
			known.Origin, known.Remote, known.Agent, known.Lang = "console", who.Remote, who.Agent, who.Lang
			if c.srv.cfg.Used != nil && !r.meta.Auto && !byItself(r.method) {
				c.srv.cfg.Used(known.Session)
			}
			return known, nil
		}
	}
	// Who has an old session must be able to begin a new one.
	if m := c.srv.reg.Method(r.method); m != nil && m.Open && e.Code == CodeUnauthorized {
		return who, nil
	}
	return Call{}, e
}

// byItself reports whether a page calls the method without anybody's doing: when
// it comes back after its connection was lost, and to take what it follows.
func byItself(method string) bool {
	return strings.HasPrefix(method, "sub.") || strings.HasPrefix(method, "stream.")
}

// standIns are the authors of what is done at the box itself, by origin. Whoever
// stands there has changes of his own, whatever user the box runs as.
var standIns = map[string]string{"panel": "front panel", "serial": "serial console"}

// with adds what m says to who, whose connection says who it is.
func (who Call) with(m meta) (Call, *Error) {
	switch {
	case m.Token != "" || m.Remote != "":
		return Call{}, badRequest("meta.token and meta.remote are for the console: your connection says who you are")
	case m.Origin == "console":
		return Call{}, badRequest("meta.origin console is for the console's own connection")
	}
	if who.Origin == "" {
		who.Origin = "api"
		if m.Origin != "" {
			who.Origin = m.Origin
		}
		if by := standIns[m.Origin]; by != "" {
			who.Author = by
		}
	}
	who.Lang = m.Lang
	if m.Agent != "" {
		who.Agent = m.Agent
	}
	return who, nil
}
