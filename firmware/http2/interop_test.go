// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// A driver moves the bytes of a Conn over a net.Conn. handle is called with each
// event, write with each stream that can write again.
type driver struct {
	c      *Conn
	conn   net.Conn
	handle func(ev *Event)
	write  func(s *Stream)
}

// run returns when the connection has ended.
func (d *driver) run() error {
	room := make([]byte, 8<<10)
	var buf []byte
	start := time.Now()
	for {
		for s := d.c.Writable(); s != nil; s = d.c.Writable() {
			d.write(s)
		}
		if out := d.c.Out(); len(out) != 0 {
			n, err := d.conn.Write(out)
			d.c.Sent(n)
			if err != nil {
				return err
			}
			continue
		}
		n, err := d.conn.Read(room)
		if err != nil {
			return err
		}
		buf = append(buf, room[:n]...)
		var ev Event
		for {
			n, err := d.c.Next(int64(time.Since(start)), buf, &ev)
			buf = buf[n:]
			if err != nil {
				return err
			}
			if n == 0 && ev.Kind == None {
				break
			}
			d.handle(&ev)
		}
	}
}

// echo is a server that sends back what comes, as it comes, and trailers.
func echo(conn net.Conn, p *Profile) error {
	defer conn.Close()
	d := &driver{c: NewServer(p, NewPool()), conn: conn}
	type job struct {
		pending []byte
		end     bool
	}
	jobs := map[*Stream]*job{}
	d.write = func(s *Stream) {
		j := jobs[s]
		n := d.c.Write(s, j.pending, j.end)
		d.c.Consumed(s, n)
		j.pending = j.pending[n:]
		if j.end && len(j.pending) == 0 {
			delete(jobs, s)
			d.c.Release(s)
		}
	}
	d.handle = func(ev *Event) {
		s := ev.Stream
		switch ev.Kind {
		case Request:
			jobs[s] = new(job)
			d.c.BeginHead(s)
			d.c.Status(200)
			d.c.Field("X-Path", ev.Head.Bytes(ev.Head.Target))
			d.c.Field("X-Host", ev.Head.Bytes(ev.Head.Authority))
			d.c.EndHead(false)
		case Data:
			jobs[s].pending = append(jobs[s].pending, ev.Data...)
		case Reset:
			delete(jobs, s)
			d.c.Release(s)
			return
		}
		if s != nil {
			jobs[s].end = jobs[s].end || ev.End
			d.write(s)
		}
	}
	return d.run()
}

func listen(t *testing.T, serve func(conn net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return l.Addr().String()
}

// h2c is HTTP/2 with prior knowledge.
func h2c() *http.Protocols {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return p
}

// TestForeignClient lets the client of others talk to our server.
func TestForeignClient(t *testing.T) {
	p := Prepare(Config{StreamWindow: 20000})
	addr := listen(t, func(conn net.Conn) { echo(conn, p) })
	tr := &http.Transport{Protocols: h2c()}
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr, Timeout: time.Minute}
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			body := randomBody(uint64(i))
			req, _ := http.NewRequest("POST", fmt.Sprintf("http://%s/%d", addr, i), bytes.NewReader(body))
			req.Header.Set("X-Random", fmt.Sprint(i))
			resp, err := client.Do(req)
			if err != nil {
				t.Errorf("request %d: %v", i, err)
				return
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if err != nil || !bytes.Equal(got, body) {
				t.Errorf("request %d: %d bytes, %v; want %d", i, len(got), err, len(body))
			}
			if path, host := resp.Header.Get("X-Path"), resp.Header.Get("X-Host"); path != fmt.Sprintf("/%d", i) || host != addr {
				t.Errorf("request %d came as %s at %s", i, path, host)
			}
		})
	}
	all.Wait()
}

func randomBody(seed uint64) []byte {
	rnd := rand.New(rand.NewPCG(seed, 7))
	b := make([]byte, []int{0, 1, 1000, 200000}[seed%4])
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

// copyBack answers with 103, what comes, and its length in a trailer.
func copyBack(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Trailer", "X-Sum")
	w.Header().Set("X-Path", r.URL.Path)
	w.WriteHeader(http.StatusEarlyHints)
	n, err := io.Copy(w, r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Sum", fmt.Sprint(n))
}

// An asker is a client that sends requests, as many at once as it may.
type asker struct {
	driver
	t            *testing.T
	jobs         map[*Stream]*asked
	begun, ended int
	requests     int
}

// An asked is one request of an asker and its answer.
type asked struct {
	n         int
	left, got []byte
	sum, path string
	interim   bool
}

func (a *asker) put(s *Stream) {
	j := a.jobs[s]
	j.left = j.left[a.c.Write(s, j.left, true):]
}

func (a *asker) ask() {
	for a.begun < a.requests {
		s, opened := a.c.Open()
		if !opened {
			return
		}
		j := &asked{n: a.begun, left: randomBody(uint64(a.begun))}
		a.begun++
		a.jobs[s] = j
		a.c.BeginHead(s)
		a.c.Request([]byte("POST"), "http", []byte("shop.example"), fmt.Appendf(nil, "/%d", j.n), "")
		a.c.Length(int64(len(j.left)))
		a.c.Field("TE", []byte("trailers"))
		a.c.EndHead(false)
		a.put(s)
	}
}

func (a *asker) event(ev *Event) {
	s := ev.Stream
	switch j := a.jobs[s]; ev.Kind {
	case Interim:
		j.interim = true
	case Response:
		v, _ := ev.Head.Lookup("x-path")
		j.path = string(v)
	case Data:
		j.got = append(j.got, ev.Data...)
		a.c.Consumed(s, len(ev.Data))
	case Trailers:
		v, _ := ev.Head.Lookup("x-sum")
		j.sum = string(v)
	case Reset:
		a.t.Errorf("request %d was reset: %v %v", j.n, ev.Code, ev.Reason)
		ev.End = true
	}
	if !ev.End {
		return
	}
	j := a.jobs[s]
	body := randomBody(uint64(j.n))
	if !bytes.Equal(j.got, body) || !j.interim || j.sum != fmt.Sprint(len(body)) || j.path != fmt.Sprintf("/%d", j.n) {
		a.t.Errorf("request %d: path %s, %d bytes of %d, interim %v, sum %s",
			j.n, j.path, len(j.got), len(body), j.interim, j.sum)
	}
	delete(a.jobs, s)
	a.c.Release(s)
	if a.ended++; a.ended == a.requests {
		a.conn.Close()
	}
	a.ask()
}

// TestForeignServer lets our client talk to the server of others.
func TestForeignServer(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(copyBack))
	server.Config.Protocols = h2c()
	server.Start()
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	a := &asker{t: t, jobs: map[*Stream]*asked{}, requests: 60}
	a.driver = driver{c: NewClient(Prepare(Config{StreamWindow: 20000}), NewPool()), conn: conn, handle: a.event, write: a.put}
	a.ask()
	a.run()
	if a.ended != a.requests {
		t.Errorf("%d of %d requests have ended", a.ended, a.requests)
	}
}
