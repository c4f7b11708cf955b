// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"evener/firmware/compress"
	"evener/firmware/pool"
	"evener/firmware/reactor"
)

// packing compresses with all codings what is text and not tiny.
func packing(t testing.TB) *Compression {
	t.Helper()
	p, err := compress.NewPolicy(compress.PolicyConfig{MinLength: 100})
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCompression(p, []compress.Setting{{Coding: compress.Zstd}, {Coding: compress.Brotli}, {Coding: compress.Gzip}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// unpacked returns the content of an answer.
func unpacked(t testing.TB, coding, body string) string {
	t.Helper()
	b, err := io.ReadAll(unpacker(t, coding, strings.NewReader(body)))
	if err != nil {
		t.Errorf("content in %q: %v after %d bytes", coding, err, len(b))
	}
	return string(b)
}

func unpacker(t testing.TB, coding string, r io.Reader) io.Reader {
	t.Helper()
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1)); err == nil {
			t.Cleanup(z.Close)
			r = z
		}
	case "br":
		r = brotli.NewReader(r)
	}
	if err != nil {
		t.Fatalf("content in %q: %v", coding, err)
	}
	return r
}

// lines returns n bytes of text that compress, and differ everywhere.
func lines(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "line %d of a text\n", i)
	}
	return b.String()[:n]
}

// Content of any size and framing comes out as it went in, by every coding.
func TestAnswersAreCompressed(t *testing.T) {
	sizes := map[string]int{"/99": 99, "/100": 100, "/16384": 16384, "/100000": 100_000, "/300000": 300_000}
	h := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Accept-Ranges", "bytes")
		content := lines(sizes[r.URL.Path])
		if r.URL.RawQuery == "" {
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		} else {
			w.Header().Set("Trailer", "Digest, X-Sum")
			defer func() { w.Header().Set("Digest", "sha=1"); w.Header().Set("X-Sum", "7") }()
			defer http.NewResponseController(w).Flush()
		}
		if r.Method != "HEAD" {
			io.WriteString(w, content)
		}
	}
	eachPair(t, h, func(s *Service) { s.Default.Compress = packing(t) },
		func(t *testing.T, b *box, request func(method, path string, fields ...string) (*http.Response, string)) {
			var in, out, n uint64
			for path, size := range sizes {
				for accept, coding := range map[string]string{"gzip": "gzip", "br": "br", "gzip, zstd, br": "zstd", "identity": "", "gzip;q=0": ""} {
					for _, query := range []string{"", "?chunked"} {
						resp, body := request("GET", path+query, "Accept-Encoding", accept, "TE", "trailers")
						want := coding
						if size < 100 && query == "" {
							want = ""
						}
						if got := resp.Header.Get("Content-Encoding"); got != want {
							t.Fatalf("%s for %q: Content-Encoding %q, want %q", path+query, accept, got, want)
						}
						if got := unpacked(t, want, body); got != lines(size) {
							t.Errorf("%s in %q: %d bytes, want %d", path+query, want, len(got), size)
						}
						checkPacked(t, resp, want != "", size >= 100 || query != "", size)
						if want != "" {
							n, in, out = n+1, in+uint64(size), out+uint64(len(body))
						}
					}
				}
			}
			s := b.slot()
			if c, i, o := s.Compressed.Value(), s.CompressIn.Value(), s.CompressOut.Value(); c != n || i != in || o != out || o >= i/3 {
				t.Errorf("compressed %d answers, %d to %d bytes, want %d, %d, %d", c, i, o, n, in, out)
			}
			resp, body := request("HEAD", "/16384", "Accept-Encoding", "gzip")
			if body != "" || resp.Header.Get("Content-Encoding") != "gzip" || resp.ContentLength > 0 {
				t.Errorf("HEAD: %q, length %d, %v", body, resp.ContentLength, resp.Header)
			}
			b.do(func() {
				if active := b.w.packs().Stats().Active; active != 0 {
					t.Errorf("%d encoders in use, want 0", active)
				}
			})
		})
}

// checkPacked checks the fields that tell of compression.
func checkPacked(t *testing.T, resp *http.Response, packed, varies bool, size int) {
	t.Helper()
	etag, ranges, length := `"v1"`, "bytes", int64(size)
	if packed {
		etag, ranges, length = `W/"v1"`, "", -1
	}
	vary := map[bool]string{true: "Accept-Encoding"}[varies]
	h := resp.Header
	if h.Get("ETag") != etag || h.Get("Accept-Ranges") != ranges || h.Get("Vary") != vary {
		t.Errorf("packed %v: fields %v", packed, h)
	}
	if chunked := resp.Request.URL.RawQuery != ""; !chunked && resp.ContentLength != length {
		t.Errorf("packed %v: length %d, want %d", packed, resp.ContentLength, length)
	} else if chunked && packed && resp.Trailer.Get("Digest") != "" {
		t.Errorf("trailers %v, want no Digest", resp.Trailer)
	}
}

// Answers that must not be changed are not.
func TestAnswersThatAreNotCompressed(t *testing.T) {
	content := lines(1000)
	for _, tt := range []struct {
		name, request, head string
		status              int
		packed              bool
	}{
		{"as a check", "", "Content-Type: text/plain\r\n", 200, true},
		{"request says no-transform", "Cache-Control: max-age=0, no-transform", "Content-Type: text/plain\r\n", 200, false},
		{"answer says no-transform", "", "Content-Type: text/plain\r\nCache-Control: no-transform\r\n", 200, false},
		{"a range was asked for", "Range: bytes=0-", "Content-Type: text/plain\r\n", 200, false},
		{"part", "", "Content-Type: text/plain\r\nContent-Range: bytes 0-999/2000\r\n", 206, false},
		{"encoded already", "", "Content-Type: text/plain\r\nContent-Encoding: br\r\n", 200, false},
		{"picture", "", "Content-Type: image/png\r\n", 200, false},
		{"error page", "", "Content-Type: text/html\r\n", 404, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := fmt.Sprintf("HTTP/1.1 %d X\r\n%sContent-Length: 1000\r\n\r\n%s", tt.status, tt.head, content)
			o := newOrigin(t, []step{recv(strings.ReplaceAll(field("Accept-Encoding: gzip\r\n"+tt.request), "\r\n\r\n\r\n", "\r\n\r\n")), send(answer)})
			b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, func(s *Service) {
				plain(s)
				s.Default.Compress = packing(t)
			})
			c := b.dial()
			c.send(strings.ReplaceAll(field("Accept-Encoding: gzip\r\n"+tt.request), "\r\n\r\n\r\n", "\r\n\r\n"))
			if !tt.packed {
				c.expect(answer)
				return
			}
			if head := c.head(); !strings.Contains(head, "Content-Encoding: gzip\r\n") || strings.Contains(head, "Content-Length") {
				t.Errorf("head %s", quote(head))
			}
		})
	}
}

// A client of HTTP/1.0 gets compressed content up to the end of the connection.
func TestCompressedForHTTP10(t *testing.T) {
	want := lines(5000)
	o := newOrigin(t, []step{recv("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n"),
		send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5000\r\n\r\n" + want)})
	b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, func(s *Service) {
		plain(s)
		s.Default.Compress = packing(t)
	})
	c := b.dial()
	c.send("GET / HTTP/1.0\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: keep-alive\r\n\r\n")
	if head := c.head(); !strings.Contains(head, "Connection: close") || strings.Contains(head, "chunked") {
		t.Errorf("head %s", quote(head))
	}
	body, _ := c.rest()
	if got := unpacked(t, "gzip", body); got != want {
		t.Errorf("%d bytes, want %d", len(got), len(want))
	}
}

// Each event that a server sends comes through at once, though little came before
// it.
func TestCompressedEventsAreNotHeldBack(t *testing.T) {
	next := make(chan struct{})
	h := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
			}
		}
	}
	for _, coding := range []string{"gzip", "zstd", "br"} {
		for _, client2 := range []bool{false, true} {
			for _, member2 := range []bool{false, true} {
				s := newMember(t, member2, h)
				b := muxBox(t, s.Listener.Addr(), client2, func(s *Service) { s.Default.Compress = packing(t) })
				if member2 {
					b.streamMember(false)
				}
				tr, url := pairClient(t, b)
				req, _ := http.NewRequest("GET", url, nil)
				req.Header.Set("Accept-Encoding", coding)
				resp, err := tr.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				timer := time.AfterFunc(patience, func() { resp.Body.Close() })
				r := unpacker(t, resp.Header.Get("Content-Encoding"), resp.Body)
				for i := range 3 {
					want := fmt.Sprintf("data: %d\n\n", i)
					got := make([]byte, len(want))
					if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
						t.Fatalf("%s, client 2 %v, member 2 %v: event %q, %v, want %q", coding, client2, member2, got, err, want)
					}
					next <- struct{}{}
				}
				if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
					t.Errorf("%s: after the last event %q, %v", coding, rest, err)
				}
				timer.Stop()
				resp.Body.Close()
				tr.CloseIdleConnections()
				b.noneLeft()
			}
		}
	}
}

// Answers for which encoders have no memory left go out as they are, and are
// counted. Clients that go away give it back.
func TestCompressionIsBounded(t *testing.T) {
	wait := make(chan struct{})
	h := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, lines(5000))
		w.(http.Flusher).Flush()
		if r.URL.Path == "/slow" {
			<-wait
		}
	}
	s := newMember(t, false, h)
	b := muxBox(t, s.Listener.Addr(), true, func(s *Service) { s.Default.Compress = packing(t) })
	b.do(func() {
		b.w.cfg.Compress = compress.PoolConfig{Budget: compress.Setting{Coding: compress.Gzip}.Memory(), Idle: 1}
	})
	tr, url := pairClient(t, b)
	req, _ := http.NewRequest("GET", url+"/slow", nil)
	req.Header.Set("Accept-Encoding", "gzip")
	slow, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp, body := fetchWith(t, tr, "GET", url, "Accept-Encoding", "gzip")
	if body != lines(5000) || resp.Header.Get("Content-Encoding") != "" || resp.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("over the budget: %d bytes, %v", len(body), resp.Header)
	}
	if n := b.slot().CompressRefused.Value(); n != 1 {
		t.Errorf("refused %d, want 1", n)
	}
	slow.Body.Close()
	b.eventually("the encoder is free again", func() bool { return b.w.packs().Stats().Active == 0 })
	if resp, _ = fetchWith(t, tr, "GET", url, "Accept-Encoding", "gzip"); resp.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("within the budget: %v", resp.Header)
	}
	close(wait)
	tr.CloseIdleConnections()
	b.noneLeft()
}

// A client that reads nothing stops the member: what waits for it stays small.
func TestCompressionHasBackPressure(t *testing.T) {
	const pieces = 250
	noise := make([]byte, 64<<10)
	rand.NewChaCha8([32]byte{}).Read(noise)
	sent := make(chan int, 1)
	h := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		n := 0
		for range pieces {
			k, err := w.Write(noise)
			if n += k; err != nil {
				break
			}
		}
		sent <- n
	}
	for _, client2 := range []bool{false, true} {
		s := newMember(t, false, h)
		b := muxBox(t, s.Listener.Addr(), client2, func(s *Service) { s.Default.Compress = packing(t) })
		tr, url := pairClient(t, b)
		req, _ := http.NewRequest("GET", url, nil)
		req.Header.Set("Accept-Encoding", "gzip")
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		b.eventually("the client's side is full", func() bool {
			c := b.w.clients.next
			if c.mux != nil && len(c.mux.streams) == 1 {
				c = c.mux.streams[0].client
			}
			if n := len(c.pending()); n > compress.Bound(reactor.BufferSize)+chunkRoom {
				t.Errorf("client 2 %v: %d bytes wait for the client", client2, n)
			}
			return c.x != nil && c.x.down.bytes > 0 && len(c.pending()) > 0 && !c.writable
		})
		select {
		case n := <-sent:
			t.Errorf("client 2 %v: the member sent all %d bytes, want it to wait", client2, n)
		default:
		}
		r := unpacker(t, "gzip", resp.Body)
		var got bytes.Buffer
		if n, err := io.Copy(&got, r); n != int64(pieces*len(noise)) || err != nil {
			t.Errorf("client 2 %v: got %d bytes, %v", client2, n, err)
		}
		<-sent
		resp.Body.Close()
		tr.CloseIdleConnections()
		b.noneLeft()
	}
}
