// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"evener/firmware/balance"
	"evener/firmware/http2"
	"evener/firmware/pool"
	"evener/firmware/stats"
)

// slowly answers at /, begins an answer and does not end it at /begun, and does
// not answer elsewhere. Each request that waits is told to asked.
func slowly(name string, asked chan<- string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			io.WriteString(w, name)
			return
		}
		io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/begun" {
			io.WriteString(w, "begun ")
			w.(http.Flusher).Flush()
		}
		asked <- r.URL.Path
		<-r.Context().Done()
	}
}

// cutBox serves members a and b, which speak HTTP/2 if streams is set; new
// exchanges go to a.
func cutBox(t *testing.T, streams bool, asked chan<- string) *box {
	var list []pool.MemberConfig
	for _, name := range []string{"a", "b"} {
		if streams {
			list = append(list, member(name, memberServer(t, false, slowly(name, asked)).Listener.Addr()))
			continue
		}
		s := httptest.NewServer(slowly(name, asked))
		t.Cleanup(s.Close)
		list = append(list, member(name, s.Listener.Addr()))
	}
	b := newBox(t, list, func(s *Service) { s.HTTP2 = http2.Prepare(http2.Config{}) })
	if streams {
		b.streamMember(false)
		b.do(func() { b.pool.Upstreams[1].HTTP2 = b.pool.Upstreams[0].HTTP2 })
	}
	b.only(0)
	return b
}

// only disables all members but the one.
func (b *box) only(member int) {
	for i := range b.pool.Load().Members {
		admin := pool.Disabled
		if i == member {
			admin = pool.Enabled
		}
		b.pool.SetAdmin(i, admin, false, "", time.Now())
	}
}

// cut moves new exchanges from a to b and cuts a.
func (b *box) cut() {
	b.only(1)
	b.do(func() { b.w.CutMember("pool", "a", b.pool.Upstreams[0]) })
}

// What runs on a member that is cut ends at once, whatever the two sides speak. A
// request that may be made again is, elsewhere; another one is answered by the box,
// and an answer that has begun does not look whole.
func TestCutEndsExchanges(t *testing.T) {
	for _, streams := range []bool{false, true} {
		for _, version := range []int{1, 2} {
			t.Run(fmt.Sprintf("client %d, streams to members %v", version, streams), func(t *testing.T) {
				asked := make(chan string, 3)
				b := cutBox(t, streams, asked)
				tr, url := muxClient(t, b)
				tr.Protocols.SetHTTP1(version == 1)
				tr.Protocols.SetUnencryptedHTTP2(version == 2)
				var wg sync.WaitGroup
				begun := make(chan bool)
				wg.Go(func() {
					resp, _ := fetchText(t, tr, "POST", url+"/hang", "x")
					if resp.StatusCode != 503 {
						t.Errorf("a request that must not be sent twice: %d, want 503", resp.StatusCode)
					}
				})
				wg.Go(func() {
					req, _ := http.NewRequest("GET", url+"/begun", nil)
					resp, err := tr.RoundTrip(req)
					close(begun)
					if err != nil {
						t.Error(err)
						return
					}
					defer resp.Body.Close()
					if got, err := io.ReadAll(resp.Body); err == nil || string(got) != "begun " {
						t.Errorf("an answer that had begun: %q, %v; want its beginning, and an error", got, err)
					}
				})
				<-asked
				<-asked
				<-begun
				b.cut()
				wg.Wait()
				if resp, got := fetchText(t, tr, "GET", url, ""); resp.StatusCode != 200 || got != "b" {
					t.Errorf("the next request: %d %q, want 200 b", resp.StatusCode, got)
				}
				if n := b.slot().Aborts[stats.MemberCut].Value(); n != 2 {
					t.Errorf("member_cut = %d, want 2", n)
				}
				if n := b.pool.Upstreams[0].Stats.Sum().Errors[stats.ErrAborted]; n != 2 {
					t.Errorf("aborted errors of the member = %d, want 2", n)
				}
				b.eventually("no connection to the member is left", func() bool { return b.pool.Load().Members[0].Live.Sum().Open == 0 })
				tr.CloseIdleConnections()
				b.noneLeft()
			})
		}
	}
}

// fetchText makes a request with a body, if there is one.
func fetchText(t *testing.T, tr *http.Transport, method, url, body string) (*http.Response, string) {
	t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, url, r)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Errorf("%s %s: %v", method, url, err)
		return &http.Response{}, ""
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("%s %s: %v", method, url, err)
	}
	return resp, string(got)
}

// A request that may be made twice is made again, by a member that is left.
func TestCutSendsElsewhere(t *testing.T) {
	asked := make(chan string, 2)
	b := cutBox(t, false, asked)
	c := b.dial()
	c.send("GET /begun HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	<-asked
	c.head() // the answer has begun: no more
	c2 := b.dial()
	c2.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
	<-asked
	b.cut()
	<-asked // by b
	if n := b.slot().Retries.Value(); n != 1 {
		t.Errorf("retries = %d, want 1", n)
	}
	if _, broken := c.rest(); !broken {
		t.Error("the answer that had begun ended cleanly, want a reset")
	}
	_ = c2.SetLinger(0) // so that it is not taken for one that has sent all it wants to
	c2.Close()
	c.Close()
	b.noneLeft()
}

// The idle connections go too, those that are kept for one client as well.
func TestCutClosesIdleConnections(t *testing.T) {
	for _, shared := range []bool{true, false} {
		b := cutBox(t, false, nil)
		b.do(func() { b.pool.Upstreams[0].Mux = shared })
		c := b.dial()
		c.send(get)
		c.head()
		c.expect("a")
		open := func() int64 { return b.pool.Load().Members[0].Live.Sum().Open }
		b.do(func() {})
		if open() != 1 {
			t.Fatalf("shared %v: %d connections are kept, want 1", shared, open())
		}
		b.cut()
		if open() != 0 {
			t.Errorf("shared %v: %d connections are left, want 0", shared, open())
		}
		c.send(get)
		c.head()
		c.expect("b")
		c.Close()
		b.noneLeft()
	}
}

// Tunnels end on both sides, and other members, pools and later clients stay.
func TestCutEndsTunnelsOfTheMemberOnly(t *testing.T) {
	gone := make(chan error, 1)
	o := newOrigin(t, []step{recv(upgrade), send(switched), func(c *originConn) error {
		_, err := c.Read(make([]byte, 1))
		gone <- err
		return nil
	}}, []step{recv(upgrade), send(switched), recv("ping"), send("pong")})
	b := newBox(t, []pool.MemberConfig{member("a", o.ln.Addr())}, plain)
	other := b.newPool("other", []pool.MemberConfig{member("a", o.ln.Addr())})
	first := b.dial()
	first.send(upgrade)
	first.expect(switched)
	b.do(func() {
		svc := *b.svc
		svc.Default = b.route("", other, balance.RoundRobin)
		b.use(&svc)
	})
	second := b.dial()
	second.send(upgrade)
	second.expect(switched)
	b.do(func() { b.w.CutMember("pool", "a", b.pool.Upstreams[0]) })
	if err := <-gone; err == nil || errors.Is(err, io.ErrNoProgress) {
		t.Errorf("the member read %v, want an end", err)
	}
	if _, broken := first.rest(); !broken {
		t.Error("the tunnel ended cleanly, want a reset")
	}
	second.send("ping")
	second.expect("pong")
	if n := b.slot().Aborts[stats.MemberCut].Value(); n != 1 {
		t.Errorf("member_cut = %d, want 1", n)
	}
	second.Close()
	b.do(func() { b.w.Forget(other.Upstreams) })
}

// More than one turn may do are cut in several.
func TestCutOfMany(t *testing.T) {
	const n = 2*cutsPerTurn + 7
	asked := make(chan string, n)
	b := cutBox(t, false, asked)
	var clients []*client
	for range n {
		c := b.dial()
		c.send("POST /hang HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
		clients = append(clients, c)
	}
	for range n {
		<-asked
	}
	b.cut()
	for _, c := range clients {
		if got := c.head(); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
			t.Fatalf("answer %q, want 503", got)
		}
		c.Close()
	}
	b.noneLeft()
}
