// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"context"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen.
const patience = 2 * time.Minute

// eventually waits until ok returns true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("never within %v: %s", patience, what)
}

// A memory is Records whose values begin with a Stamp: the later wins.
type memory struct {
	log  *Log
	node string

	mu      sync.Mutex
	values  map[string]string // with the stamp
	applied int
	gate    chan struct{} // not nil: Apply waits until it is closed
	slow    func()        // called for each record of a snapshot
}

func newMemory(node string, cfg LogConfig) *memory {
	return &memory{log: NewLog(cfg), node: node, values: map[string]string{}}
}

// set changes a record on this box.
func (m *memory) set(key, value string, at int64) {
	v := string(Stamp{Time: at, Node: m.node}.Append(nil)) + value
	m.mu.Lock()
	m.values[key] = v
	m.mu.Unlock()
	if err := m.log.Put([]byte(key), []byte(v)); err != nil {
		panic(err)
	}
}

// remove removes a record on this box.
func (m *memory) remove(key string) {
	m.mu.Lock()
	delete(m.values, key)
	m.mu.Unlock()
	if err := m.log.Delete([]byte(key)); err != nil {
		panic(err)
	}
}

func (m *memory) get(key string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, v, err := CutStamp([]byte(m.values[key]))
	if err != nil {
		return ""
	}
	return string(v)
}

func (m *memory) len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.values)
}

func (m *memory) Snapshot(_ context.Context, yield func(key, value []byte) bool) error {
	type record struct{ k, v string }
	var all []record
	m.mu.Lock()
	for k, v := range m.values {
		all = append(all, record{k, v})
	}
	slow := m.slow
	m.mu.Unlock()
	for _, r := range all {
		if slow != nil {
			slow()
		}
		if !yield([]byte(r.k), []byte(r.v)) {
			return nil
		}
	}
	return nil
}

func (m *memory) Apply(origin string, changes []Change) error {
	m.mu.Lock()
	gate := m.gate
	m.mu.Unlock()
	if gate != nil {
		<-gate
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range changes {
		m.applied++
		if c.Deleted {
			delete(m.values, string(c.Key))
			continue
		}
		s, _, err := CutStamp(c.Value)
		if err != nil {
			return err
		}
		if old, _, err := CutStamp([]byte(m.values[string(c.Key)])); err == nil && !s.Wins(old) {
			continue
		}
		m.values[string(c.Key)] = string(c.Value)
	}
	return nil
}

// A box is a Node with one table in a test.
type box struct {
	*Node
	id    *Identity
	addr  string // where it listens
	table *memory
	end   func()

	mu      sync.Mutex
	kept    []Peer // by pairing
	refuses error  // what Paired returns
}

// newBox makes a box that does not run yet.
func newBox(t testing.TB, name string, change func(*Config)) *box {
	t.Helper()
	id, err := NewIdentity(name)
	if err != nil {
		t.Fatal(err)
	}
	b := &box{id: id, table: newMemory(name, LogConfig{})}
	b.make(t, name, "127.0.0.1:0", change)
	return b
}

// make gives b a new Node at an address, as after a restart of the process.
func (b *box) make(t testing.TB, name, addr string, change func(*Config)) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	b.addr = l.Addr().String()
	cfg := Config{
		Node: name, Version: "1.0", Listener: l, Identity: b.id,
		Tables: []Table{{Name: "sources", Changes: b.table.log, Records: b.table}},
		Paired: func(p Peer) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.refuses == nil {
				b.kept = append(b.kept, p)
			}
			return b.refuses
		},
		Unpaired: func(string) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.kept = nil
			return nil
		},
		Heartbeat: 50 * time.Millisecond, Silence: 2 * patience, Retry: 300 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	if b.Node, err = New(cfg, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	b.ackTime, b.byeTime = 2*patience, patience // a busy machine ends no stream, and keeps no box from saying why one ends
}

// start runs b until its end is called or the test ends.
func (b *box) start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	node := b.Node
	go func() {
		defer close(done)
		if err := node.Run(ctx); err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	}()
	b.end = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(b.end)
}

// as returns how others know b.
func (b *box) as() Peer {
	return Peer{Name: b.cfg.Node, Address: b.addr, Fingerprint: b.id.Fingerprint()}
}

// meet makes boxes know each other.
func meet(t testing.TB, boxes ...*box) {
	t.Helper()
	for _, b := range boxes {
		var peers []Peer
		for _, o := range boxes {
			if o != b {
				peers = append(peers, o.as())
			}
		}
		if err := b.SetPeers(peers); err != nil {
			t.Fatal(err)
		}
	}
}

// pair makes two boxes that run and are connected.
func pair(t *testing.T, change func(*Config)) (left, right *box) {
	t.Helper()
	left, right = newBox(t, "left", change), newBox(t, "right", change)
	meet(t, left, right)
	left.start(t)
	right.start(t)
	connected(t, left, right)
	return left, right
}

func connected(t *testing.T, boxes ...*box) {
	t.Helper()
	for _, b := range boxes {
		eventually(t, b.cfg.Node+" is connected with all", func() bool {
			s := b.Status()
			ok := len(s.Peers) == len(boxes)-1
			for _, p := range s.Peers {
				ok = ok && p.Connected
			}
			return ok
		})
	}
}

// settled waits until a peer has acknowledged all that b had to send. That it has
// the records says less: the end of their snapshot may still be on its way.
func settled(t *testing.T, b *box, name string) {
	t.Helper()
	eventually(t, name+" has acknowledged all of "+b.cfg.Node, func() bool {
		p := b.peer(name)
		if p == nil {
			return false
		}
		s := p.session()
		if s == nil {
			return false
		}
		status := p.status()
		for _, table := range status.Tables {
			if table.State != "in step" { // so the end of the snapshot is in flight, or was
				return false
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return !s.ended && s.sent == s.acked && status.Queued == 0
	})
}

// severed waits until b has no stream to a peer.
func severed(t *testing.T, b *box, name string) {
	t.Helper()
	eventually(t, b.cfg.Node+" has no stream to "+name, func() bool { return b.peer(name).session() == nil })
}

// peerOf returns what b says about another box.
func (b *box) peerOf(name string) PeerStatus {
	for _, p := range b.Status().Peers {
		if p.Name == name {
			return p
		}
	}
	return PeerStatus{}
}

// A wire passes connections on to a box, and can be cut.
type wire struct {
	addr string
	to   string

	mu     sync.Mutex
	cut    bool
	passed int64 // bytes to the box
	conns  map[net.Conn]bool
}

// newWire makes a wire that leads to an address.
func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{addr: l.Addr().String(), to: to, conns: map[net.Conn]bool{}}
	t.Cleanup(func() { l.Close(); w.set(true) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.pass(c)
		}
	}()
	return w
}

// set cuts the wire, or mends it.
func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	if cut {
		for c := range w.conns {
			c.Close()
		}
	}
}

func (w *wire) add(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		c.Close()
		return false
	}
	w.conns[c] = true
	return true
}

func (w *wire) pass(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer far.Close()
	if !w.add(near) || !w.add(far) {
		return
	}
	go func() {
		io.Copy(near, far)
		near.Close()
	}()
	io.Copy(&counted{w, far}, near)
	w.mu.Lock()
	delete(w.conns, near)
	delete(w.conns, far)
	w.mu.Unlock()
}

// A counted writer counts what passes its wire.
type counted struct {
	w *wire
	net.Conn
}

func (c *counted) Write(b []byte) (int, error) {
	c.w.mu.Lock()
	c.w.passed += int64(len(b))
	c.w.mu.Unlock()
	return c.Conn.Write(b)
}
