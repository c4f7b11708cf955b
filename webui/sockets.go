// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// subprotocol is what a client must ask for: it names the version of the API.
const subprotocol = "evener.v1"

const (
	maxSockets        = 64 // WebSockets in all
	maxSocketsAnon    = 16 // of those, without a token
	maxSocketsSession = 8  // of one session
	maxSocketsAddr    = 8  // of one address without a token
)

// sockets are the WebSockets that are open.
type sockets struct {
	mu   sync.Mutex // guards the rest
	per  map[string]int
	all  int
	anon int
	open map[*socket]bool
	shut bool

	rotated []rotated // lately, in their order

	wg sync.WaitGroup
}

func newSockets() *sockets {
	return &sockets{per: make(map[string]int), open: make(map[*socket]bool)}
}

// A place is what a WebSocket is counted as.
type place struct{ key string } // guarded by sockets.mu

// enter takes a place in the name of m.
func (k *sockets) enter(m meta) (p *place, leave func(), f *fault) {
	key, anon := m.counted(), *m.Token == ""
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.shut || k.all >= maxSockets || anon && k.anon >= maxSocketsAnon:
		return nil, nil, faultf(codeTooMany, "too_many.connections", "the console has all the WebSockets open that it may: close a page")
	case !anon && k.per[key] >= maxSocketsSession:
		return nil, nil, faultf(codeTooMany, "too_many.connections", "this session has %d WebSockets open: close a page", maxSocketsSession)
	case anon && k.per[key] >= maxSocketsAddr:
		return nil, nil, faultf(codeTooMany, "too_many.connections", "this address has %d WebSockets open without a session", maxSocketsAddr)
	}
	k.all++
	k.per[key]++
	if anon {
		k.anon++
	}
	k.wg.Add(1)
	p = &place{key}
	return p, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.all--
		k.countLocked(p.key, -1)
		if anon {
			k.anon--
		}
		k.wg.Done()
	}, nil
}

// countLocked adds n to what is counted under key.
func (k *sockets) countLocked(key string, n int) {
	if k.per[key] += n; k.per[key] == 0 {
		delete(k.per, key)
	}
}

// A rotated token has been replaced by that of next.
type rotated struct {
	before string
	next   meta
	until  time.Time
}

// rotatedFor is how long a WebSocket may take from its handshake to add.
const rotatedFor = 2 * time.Minute

// rotate makes the WebSockets of a session, whose token was before, speak with its
// new token from now on: the old one lives for a minute, and has no sudo.
func (k *sockets) rotate(before, next meta) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	k.rotated = slices.DeleteFunc(k.rotated, func(r rotated) bool { return now.After(r.until) })
	k.rotated = append(k.rotated, rotated{*before.Token, next, now.Add(rotatedFor)})
	for c := range k.open {
		k.catchUpLocked(c)
	}
}

// catchUpLocked gives c the token that its session has by now.
func (k *sockets) catchUpLocked(c *socket) {
	for _, r := range k.rotated {
		if *c.who().Token != r.before {
			continue
		}
		c.speakAs(r.next.Token)
		k.countLocked(c.place.key, -1)
		c.place.key = r.next.counted()
		k.countLocked(c.place.key, 1)
	}
}

// add makes c one of those that revise, rotate and close reach.
func (k *sockets) add(c *socket) {
	k.mu.Lock()
	k.open[c] = true
	k.catchUpLocked(c)
	shut := k.shut
	k.mu.Unlock()
	if shut {
		c.end(websocket.CloseGoingAway, "the console stops")
	}
}

func (k *sockets) remove(c *socket) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.open, c)
}

func (k *sockets) list() []*socket {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := make([]*socket, 0, len(k.open))
	for c := range k.open {
		list = append(list, c)
	}
	return list
}

// revise ends those that new settings do not allow any more.
func (k *sockets) revise(st *site) {
	for _, c := range k.list() {
		if !st.allows(c.client) || c.origin != "" && !st.trusts(c.origin, c.host) {
			c.end(closeForbidden, "the settings of the console have changed")
		}
	}
}

// close ends all, and refuses new ones.
func (k *sockets) close() {
	k.mu.Lock()
	k.shut = true
	k.mu.Unlock()
	for _, c := range k.list() {
		c.end(websocket.CloseGoingAway, "the console stops")
	}
}

// wait returns when all are gone.
func (k *sockets) wait() { k.wg.Wait() }

// serveSocket opens a WebSocket, if the page that asks is one of ours. A program
// with a token in Authorization need not name an origin.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	v := visitOf(r)
	origins := r.Header.Values("Origin")
	switch {
	case len(origins) > 1 || len(origins) == 1 && !v.site.trusts(origins[0], r.Host):
		s.foreign(w, r, origins[0])
		return
	case len(origins) == 0 && r.Header.Get("Authorization") == "":
		fail(w, faultf(codeForbidden, "origin.missing",
			"a WebSocket needs the field Origin, or a token: Authorization: Bearer TOKEN"))
		return
	case !websocket.IsWebSocketUpgrade(r) || r.ProtoMajor != 1:
		w.Header().Set("Upgrade", "websocket")
		failWith(w, http.StatusUpgradeRequired, faultf(codeRequest, "websocket.upgrade", "this is a WebSocket, over HTTP/1.1"), nil)
		return
	case !slices.Contains(websocket.Subprotocols(r), subprotocol):
		fail(w, faultf(codeRequest, "websocket.subprotocol", "the subprotocol must be %s", subprotocol))
		return
	}
	me, f := whoIs(r)
	if f != nil {
		fail(w, f)
		return
	}
	if d := s.opens.take(addrKey(v.client.Addr())); d > 0 {
		fail(w, throttled(d))
		return
	}
	p, leave, f := s.socks.enter(me)
	if f != nil {
		fail(w, f)
		return
	}
	defer leave()
	up := websocket.Upgrader{
		HandshakeTimeout: headWait,
		WriteBufferPool:  &s.buffers,
		WriteBufferSize:  4096,
		Subprotocols:     []string{subprotocol},
		CheckOrigin:      func(r *http.Request) bool { return len(origins) == 0 || v.site.trusts(origins[0], r.Host) },
		Error: func(w http.ResponseWriter, _ *http.Request, status int, err error) {
			failWith(w, status, faultf(codeRequest, "websocket.upgrade", "%v", err), nil)
		},
	}
	cw := &corkable{ResponseWriter: w}
	ws, err := up.Upgrade(cw, r, w.Header())
	if err != nil {
		return // the client has been told
	}
	c := newSocket(s, ws, me, v.client.Addr(), r)
	c.wire = cw.conn
	c.place = p
	s.socks.add(c)
	defer s.socks.remove(c)
	c.run()
}
