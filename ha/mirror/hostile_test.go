// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// A peer whose certificate is right may still send anything.
func TestNonsenseOfAPeerEndsTheStreamAlone(t *testing.T) {
	left, right := newBox(t, "left", nil), newBox(t, "right", nil)
	right.cfg.Listener.Close()
	if err := left.SetPeers([]Peer{right.as()}); err != nil {
		t.Fatal(err)
	}
	left.start(t)
	eventually(t, "left knows right", func() bool { return left.peer("right") != nil })
	data := func(kind byte, payload ...byte) []byte { return ended(append(begun(nil, kind), payload...)) }
	number := func(n byte) []byte { return []byte{0, 0, 0, 0, 0, 0, 0, 0, n} } // table 0, sequence number n
	for name, tt := range map[string]struct {
		frames []byte
		want   string
	}{
		"unknown kind":           {data(99), "does not belong"},
		"too long":               {append(binary.BigEndian.AppendUint32(nil, 1<<31), 1), "at most"},
		"no kind":                {[]byte{0, 0, 0, 0, 0}, "length 0"},
		"no such table":          {data(frameDelta, 7, 0, 0, 0, 0, 0, 0, 0, 1), "not agreed on"},
		"delta without snapshot": {data(frameDelta, number(1)...), "before a snapshot"},
		"end without snapshot":   {data(frameSnapshotEnd, 0, 1), "has not begun"},
		"part without snapshot":  {data(frameSnapshot, 0), "without its beginning"},
		"cut key":                {append(data(frameBegin, 0), data(frameSnapshot, 0, 9, 'k')...), "in the middle of a field"},
		"cut number":             {append(data(frameBegin, 0), data(frameDelta, 0, 1)...), "in the middle of a field"},
		"back to the past": {slices.Concat(data(frameBegin, 0), data(frameDelta, number(5)...), data(frameDelta, number(4)...)),
			"change 4 came after change 5"},
		"an acknowledgement": {data(frameAck, 1), "does not belong"},
		"no method":          {data(frameRequest, 1, 0), "method's name"},
		"second greeting":    {data(frameHello, '{', '}'), "does not belong"},
	} {
		t.Run(name, func(t *testing.T) {
			st := rawStream(t, right.id, left)
			h := hello{Min: 1, Max: 1, Node: "right", Boot: 1, Tables: []tableHello{{Name: "sources", Epoch: 5}}}
			if err := st.writeJSON(frameHello, h); err != nil {
				t.Fatal(err)
			}
			if _, err := st.hello(); err != nil {
				t.Fatal(err)
			}
			// What is skipped comes before; the stream must live through it.
			if err := st.write(data(frameOptional+7, 1, 2, 3)); err != nil {
				t.Fatal(err)
			}
			if err := st.write(tt.frames); err != nil {
				t.Fatal(err)
			}
			err := readToEnd(st)
			var bye *goodbye
			if !errors.As(err, &bye) || bye.Reason != byeRefused || !strings.Contains(bye.Text, tt.want) {
				t.Errorf("the stream ended with %v, want a goodbye that says %q", err, tt.want)
			}
		})
	}
}

func TestGreetingIsChecked(t *testing.T) {
	left, right := newBox(t, "left", nil), newBox(t, "right", nil)
	right.cfg.Listener.Close()
	if err := left.SetPeers([]Peer{right.as()}); err != nil {
		t.Fatal(err)
	}
	left.start(t)
	eventually(t, "left knows right", func() bool { return left.peer("right") != nil })
	good := hello{Min: 1, Max: 1, Node: "right", Boot: 1}
	for name, change := range map[string]func(*hello){
		"same box":   func(h *hello) { h.Boot = left.boot },
		"same name":  func(h *hello) { h.Node = "left" },
		"no name":    func(h *hello) { h.Node = "" },
		"protocols":  func(h *hello) { h.Min, h.Max = 3, 2 },
		"too new":    func(h *hello) { h.Min, h.Max = 3, 4 },
		"no table":   func(h *hello) { h.Tables = []tableHello{{}} },
		"twice":      func(h *hello) { h.Tables = []tableHello{{Name: "a"}, {Name: "a"}} },
		"many":       func(h *hello) { h.Tables = make([]tableHello, maxTables+1) },
		"long words": func(h *hello) { h.Version = strings.Repeat("v", maxVersion+1) },
	} {
		t.Run(name, func(t *testing.T) {
			h := good
			change(&h)
			st := rawStream(t, right.id, left)
			if err := st.writeJSON(frameHello, h); err != nil {
				t.Fatal(err)
			}
			var bye *goodbye
			if _, err := st.hello(); !errors.As(err, &bye) || bye.Text == "" {
				t.Errorf("the greeting was answered with %v, want a goodbye with a reason", err)
			}
		})
	}
}

// rawStream opens a stream to a box with an identity, and says nothing yet.
func rawStream(t *testing.T, id *Identity, to *box) *stream {
	t.Helper()
	raw, err := net.Dial("tcp", to.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	p := &paced{Conn: raw, silence: patience}
	conn := tls.Client(p, tlsConfig(id, func(string, Fingerprint) error { return nil }, alpnMirror))
	return newStream(conn, p)
}

// readToEnd reads frames until the stream ends.
func readToEnd(st *stream) error {
	for {
		kind, payload, err := st.in.next()
		if err != nil {
			return err
		}
		if kind == frameGoodbye {
			return parseGoodbye(payload)
		}
	}
}

// A box that has restarted dials before its old stream is known to be dead.
func TestNewerStreamTakesThePlaceOfTheOld(t *testing.T) {
	left, right := newBox(t, "left", nil), newBox(t, "right", nil)
	right.cfg.Listener.Close()
	if err := left.SetPeers([]Peer{right.as()}); err != nil {
		t.Fatal(err)
	}
	left.start(t)
	eventually(t, "left knows right", func() bool { return left.peer("right") != nil })
	var streams []*stream
	for boot := range uint64(2) {
		st := rawStream(t, right.id, left)
		if err := st.writeJSON(frameHello, hello{Min: 1, Max: 1, Node: "right", Boot: boot}); err != nil {
			t.Fatal(err)
		}
		if _, err := st.hello(); err != nil {
			t.Fatal(err)
		}
		streams = append(streams, st)
	}
	var bye *goodbye
	if err := readToEnd(streams[0]); !errors.As(err, &bye) || bye.Reason != byeReplaced {
		t.Errorf("the first stream ended with %v, want %q", err, byeReplaced)
	}
	if kind, _, err := streams[1].in.next(); kind != frameHeartbeat || err != nil {
		t.Errorf("on the second stream came kind %d, %v, want a heartbeat", kind, err)
	}
}

func TestPeerIsToldWhyItsStreamEnds(t *testing.T) {
	for want, change := range map[string]func(*box, *box){
		byeUnpaired: func(left, _ *box) { left.SetPeers(nil) },
		byeShutdown: func(left, right *box) {
			moved := right.as()
			moved.Address = "127.0.0.1:9"
			left.SetPeers([]Peer{moved})
		},
	} {
		left, right := newBox(t, "left", nil), newBox(t, "right", nil)
		right.cfg.Listener.Close()
		if err := left.SetPeers([]Peer{right.as()}); err != nil {
			t.Fatal(err)
		}
		left.start(t)
		eventually(t, "left knows right", func() bool { return left.peer("right") != nil })
		st := rawStream(t, right.id, left)
		if err := st.writeJSON(frameHello, hello{Min: 1, Max: 1, Node: "right", Boot: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := st.hello(); err != nil {
			t.Fatal(err)
		}
		change(left, right)
		var bye *goodbye
		if err := readToEnd(st); !errors.As(err, &bye) || bye.Reason != want {
			t.Errorf("the stream ended with %v, want %q", err, want)
		}
	}
}

func TestSilentPeerIsLeft(t *testing.T) {
	left, right := newBox(t, "left", func(c *Config) { c.Silence = 300 * time.Millisecond }), newBox(t, "right", nil)
	right.cfg.Listener.Close()
	if err := left.SetPeers([]Peer{right.as()}); err != nil {
		t.Fatal(err)
	}
	left.start(t)
	eventually(t, "left knows right", func() bool { return left.peer("right") != nil })
	eventually(t, "left says so", func() bool {
		st := rawStream(t, right.id, left)
		if err := st.writeJSON(frameHello, hello{Min: 1, Max: 1, Node: "right", Boot: 1}); err != nil {
			return false // on a busy machine the handshake was a silence too
		}
		if err := readToEnd(st); worthAWord(err) {
			t.Errorf("the stream ended with %v", err)
		}
		p := left.peer("right")
		p.mu.Lock()
		defer p.mu.Unlock()
		return strings.Contains(p.inProblem, "timeout")
	})
}

func TestDoorIsNotBlockedByStrangers(t *testing.T) {
	left := newBox(t, "left", nil)
	left.start(t)
	var conns []net.Conn
	for range maxFromOne + 3 {
		c, err := net.Dial("tcp", left.addr)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	eventually(t, "three are refused", func() bool { return left.Status().Refused == 3 })
	for _, c := range conns {
		c.Close()
	}
	eventually(t, "the door is free again", func() bool {
		left.Node.mu.Lock()
		defer left.Node.mu.Unlock()
		return left.door.all == 0 && len(left.door.byAddress) == 0
	})
}

func TestConfigIsChecked(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no name":     func(c *Config) { c.Node = "" },
		"blank":       func(c *Config) { c.Node = "a b" },
		"no listener": func(c *Config) { c.Listener = nil },
		"no identity": func(c *Config) { c.Identity = nil },
		"table twice": func(c *Config) { c.Tables = append(c.Tables, c.Tables[0]) },
		"no records":  func(c *Config) { c.Tables[0].Records = nil },
		"revisions":   func(c *Config) { c.Revisions = &Revisions{} },
		"peers":       func(c *Config) { c.Peers = []Peer{{Name: c.Node}} },
	} {
		good := newBox(t, "left", nil).cfg
		good.Tables = append([]Table(nil), good.Tables...)
		change(&good)
		if _, err := New(good, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("New(%s) is accepted", name)
		}
	}
}
