// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"evener/firmware/message"
)

// A side is one end of a connection in a model: it sends bodies and keeps what
// it gets.
type side struct {
	t       testing.TB
	rnd     *rand.Rand
	c       *Conn
	in      []byte
	obs     *observer
	flows   map[*Stream]*flow
	results map[string]*flow // by path
	again   []string         // paths of requests that were refused
}

// A flow is one direction of a stream.
type flow struct {
	path     string
	body     []byte // to send
	trailers bool
	sent     bool
	got      []byte
	unread   int
	gotEnd   bool
	gotTrail bool
	begun    bool
}

// bodyOf returns what is sent for a path in a direction; both ends know it.
func bodyOf(path, direction string) ([]byte, bool) {
	h := uint64(14695981039346656037)
	for _, c := range []byte(path + direction) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	rnd := rand.New(rand.NewPCG(h, 1))
	size := 0
	switch rnd.IntN(4) {
	case 1:
		size = rnd.IntN(10)
	case 2:
		size = rnd.IntN(3000)
	case 3:
		size = rnd.IntN(120000)
	}
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b, rnd.IntN(3) == 0
}

func newFlow(path, direction string) *flow {
	f := &flow{path: path}
	f.body, f.trailers = bodyOf(path, direction)
	return f
}

func (d *side) event(ev *Event) {
	d.obs.see(d.t, ev)
	s := ev.Stream
	switch ev.Kind {
	case Request:
		d.flows[s] = newFlow(string(ev.Head.Bytes(ev.Head.Path)), "down")
	case Response:
	case Data:
		f := d.flows[s]
		f.got = append(f.got, ev.Data...)
		f.unread += len(ev.Data)
	case Trailers:
		if v, _ := ev.Head.Lookup("x-sum"); string(v) != "1" {
			d.t.Fatalf("trailers without x-sum")
		}
		d.flows[s].gotTrail = true
	case Reset:
		if !ev.Unprocessed || d.c.server {
			d.t.Fatalf("%s: %v %v", d.flows[s].path, ev.Reason, ev.Code)
		}
		d.again = append(d.again, d.flows[s].path) // SETTINGS had not come yet
		delete(d.flows, s)
		d.obs.released(s)
		d.c.Release(s)
		return
	}
	if ev.End {
		d.flows[s].gotEnd = true
	}
}

// read gives the Conn some of what has come.
func (d *side) read() {
	n := len(d.in)
	if n > 0 && d.rnd.IntN(2) == 0 {
		n = 1 + d.rnd.IntN(n)
	}
	at := 0
	var ev Event
	for {
		k, err := d.c.Next(1, d.in[at:n], &ev)
		if err != nil {
			d.t.Fatal(err)
		}
		sound(d.t, d.c)
		at += k
		if k == 0 && ev.Kind == None {
			break
		}
		if ev.Kind != None {
			d.event(&ev)
		}
	}
	d.in = d.in[at:]
}

// act does what the owner of a stream does.
func (d *side) act(s *Stream, f *flow) {
	if f.unread > 0 && d.rnd.IntN(3) == 0 {
		n := 1 + d.rnd.IntN(f.unread)
		d.c.Consumed(s, n)
		f.unread -= n
	}
	if d.c.server && !f.begun && d.rnd.IntN(2) == 0 {
		d.c.BeginHead(s)
		if d.rnd.IntN(4) == 0 {
			d.c.Status(103)
			d.c.EndHead(false)
			return
		}
		d.c.Status(200)
		if !f.trailers {
			d.c.Length(int64(len(f.body)))
		}
		f.begun = true
		f.sent = len(f.body) == 0 && !f.trailers
		d.c.EndHead(f.sent)
	}
	if f.begun && !f.sent {
		d.write(s, f)
	}
	if f.sent && f.gotEnd && d.rnd.IntN(4) == 0 {
		delete(d.flows, s)
		d.obs.released(s)
		d.c.Release(s)
		d.results[f.path] = f
	}
}

func (d *side) write(s *Stream, f *flow) {
	n := len(f.body)
	if n > 0 {
		n = 1 + d.rnd.IntN(n)
	}
	end := n == len(f.body) && !f.trailers
	k := d.c.Write(s, f.body[:n], end)
	f.body = f.body[k:]
	if k < n {
		return
	}
	f.sent = end
	if len(f.body) == 0 && f.trailers {
		h := &message.Head{Buf: []byte("x-sum1")}
		h.Fields = []message.Field{{Name: message.Span{Len: 5}, Value: message.Span{Off: 5, Len: 1}}}
		d.c.Trailers(s, h)
		f.sent = true
	}
}

// TestBodiesArriveIntact lets two Conns talk under random windows, splits and
// delays, many streams at once.
func TestBodiesArriveIntact(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { roundTrip(t, seed) })
	}
}

func roundTrip(t testing.TB, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 0))
	config := func() *Profile {
		return Prepare(Config{
			MaxStreams: 1 + rnd.IntN(20), StreamWindow: 1 + rnd.IntN(100000), ConnWindow: 1 + rnd.IntN(200000),
			MaxFrame: minFrame + rnd.IntN(20000), HeaderTable: rnd.IntN(8000) - 1000, MaxOut: 100 + rnd.IntN(100000),
			Budget: Budget{Windows: 1 << 20, Queued: 1 << 20},
		})
	}
	ends := func(c *Conn) *side {
		return &side{t: t, rnd: rnd, c: c, obs: newObserver(), flows: map[*Stream]*flow{}, results: map[string]*flow{}}
	}
	client, server := ends(NewClient(config(), NewPool())), ends(NewServer(config(), NewPool()))
	const requests = 40
	asked := 0
	for step := 0; len(client.results) < requests || len(server.results) < requests; step++ {
		if step > 200000 {
			t.Fatalf("seed %d: %d and %d of %d requests have ended", seed, len(client.results), len(server.results), requests)
		}
		if n := len(client.again); n > 0 && client.request(client.again[n-1]) {
			client.again = client.again[:n-1]
		}
		if asked < requests && rnd.IntN(4) == 0 && client.request(fmt.Sprintf("/%d/%d", seed, asked)) {
			asked++
		}
		for _, d := range []*side{client, server} {
			for s, f := range d.flows {
				d.act(s, f)
			}
			for s := d.c.Writable(); s != nil; s = d.c.Writable() {
				if f := d.flows[s]; f.begun && !f.sent {
					d.write(s, f)
				}
				if rnd.IntN(4) == 0 {
					break
				}
			}
			other := client
			if d == client {
				other = server
			}
			out := d.c.Out()
			n := rnd.IntN(len(out) + 1)
			other.in = append(other.in, out[:n]...)
			d.c.Sent(n)
			other.read()
		}
	}
	for path, f := range client.results {
		compare(t, "answer", path, "down", f)
		compare(t, "request", path, "up", server.results[path])
	}
	if client.c.Streams() != 0 || server.c.Streams() != 0 {
		t.Errorf("seed %d: %d and %d streams are left", seed, client.c.Streams(), server.c.Streams())
	}
}

func (d *side) request(path string) bool {
	s, opened := d.c.Open()
	if !opened {
		return false
	}
	f := newFlow(path, "up")
	d.c.BeginHead(s)
	d.c.Request([]byte("POST"), "http", []byte("a"), []byte(path), "")
	d.c.Field("X-Long", bytes.Repeat([]byte("y"), d.rnd.IntN(200)))
	f.begun = true
	f.sent = len(f.body) == 0 && !f.trailers
	d.c.EndHead(f.sent)
	d.flows[s] = f
	return true
}

func compare(t testing.TB, what, path, direction string, f *flow) {
	t.Helper()
	body, trailers := bodyOf(path, direction)
	if !bytes.Equal(f.got, body) || f.gotTrail != trailers {
		t.Errorf("%s %s: %d bytes, trailers %v; want %d, %v", what, path, len(f.got), f.gotTrail, len(body), trailers)
	}
}
