// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"

	"evener/firmware/http2"
	"evener/firmware/stats"
)

// TestMain has net/http offer extended CONNECT to its clients, which it only does
// when told by the environment at its start.
func TestMain(m *testing.M) {
	const want = "http2xconnect=1"
	if debug := os.Getenv("GODEBUG"); !strings.Contains(debug, want) {
		env := append(os.Environ(), "GODEBUG="+strings.TrimPrefix(debug+","+want, ","))
		exe, err := os.Executable()
		if err == nil {
			err = syscall.Exec(exe, os.Args, env)
		}
		fmt.Fprintln(os.Stderr, "start again:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

const testKey = "dGhlIHNhbXBsZSBub25jZQ==" // of RFC 6455 section 1.3

// echoSocket answers an upgrade, or an extended CONNECT, and sends back what
// comes.
func echoSocket(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/chat" || r.Header.Get("Sec-WebSocket-Version") != "13" {
			t.Errorf("the member got %s %s, version %q", r.Method, r.URL.Path, r.Header.Get("Sec-WebSocket-Version"))
		}
		if r.ProtoMajor == 2 {
			if r.Method != "CONNECT" || r.Header.Get(":protocol") != "websocket" || r.Header.Get("Sec-WebSocket-Key") != "" {
				t.Errorf("the member got %s by %q, key %q", r.Method, r.Header.Get(":protocol"), r.Header.Get("Sec-WebSocket-Key"))
			}
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			buf := make([]byte, 64<<10)
			for {
				n, err := r.Body.Read(buf)
				w.Write(buf[:n])
				w.(http.Flusher).Flush()
				if err != nil {
					return
				}
			}
		}
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			appendAccept(nil, []byte(r.Header.Get("Sec-WebSocket-Key"))))
		rw.Flush()
		io.Copy(c, rw)
	}
}

// socket1 opens a WebSocket by HTTP/1.1.
func socket1(t *testing.T, b *box) io.ReadWriteCloser {
	c := b.dialTLS()
	fmt.Fprintf(c, "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", testKey)
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != 101 || resp.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatalf("answer %v, %v", resp, err)
	}
	return struct {
		io.Reader
		io.WriteCloser
	}{r, closer{c, c.CloseWrite}}
}

// closer ends the sending side in place of the connection.
type closer struct {
	io.Writer
	end func() error
}

func (c closer) Close() error { return c.end() }

// socket2 opens a WebSocket by HTTP/2.
func socket2(t *testing.T, b *box) io.ReadWriteCloser {
	p := ask2(t, b, "CONNECT", "/chat", "websocket", "sec-websocket-version", "13")
	if p.status != 200 || p.fields["sec-websocket-accept"] != "" {
		t.Fatalf("status %d, %v, %v", p.status, p.fields, p.end)
	}
	return p
}

// Frames pass byte for byte, and each side's end too, in every combination of the
// two protocols.
func TestWebSocketsAcrossProtocols(t *testing.T) {
	frames := make([]byte, 300_000)
	rand.Read(frames)
	for _, client := range []int{1, 2} {
		for _, server := range []int{1, 2} {
			t.Run(fmt.Sprintf("%d to %d", client, server), func(t *testing.T) {
				var addr net.Addr
				if server == 2 {
					addr = memberServer(t, false, echoSocket(t)).Listener.Addr()
				} else {
					s := httptest.NewServer(echoSocket(t))
					defer s.Close()
					addr = s.Listener.Addr()
				}
				b := muxBox(t, addr, true, func(s *Service) { s.HTTP2 = http2.Prepare(http2.Config{ExtendedConnect: true}) })
				if server == 2 {
					b.streamMember(false)
				}
				open := socket1
				if client == 2 {
					open = socket2
				}
				c := open(t, b)
				go func() {
					c.Write(frames)
					c.Close()
				}()
				got, err := io.ReadAll(c)
				if string(got) != string(frames) || err != nil {
					t.Errorf("got %d bytes, %v, want %d", len(got), err, len(frames))
				}
				b.eventually("the tunnel ends", func() bool { return b.svc.Stats.Slot(0).Aborts[stats.Completed].Value() == 1 })
				if n := b.slot().Tunnels.Value(); n != 1 {
					t.Errorf("tunnels = %d, want 1", n)
				}
			})
		}
	}
}

// A member that does not mean it: no client takes its answer for a tunnel.
func TestWebSocketThatIsNone(t *testing.T) {
	for name, answer := range map[string]string{
		"wrong accept": "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
		"no switch":    okay,
	} {
		o := newOrigin(t, []step{func(c *originConn) error {
			_, err := http.ReadRequest(bufio.NewReader(c))
			return err
		}, send(answer)})
		b := muxBox(t, o.ln.Addr(), true, func(s *Service) { s.HTTP2 = http2.Prepare(http2.Config{ExtendedConnect: true}) })
		p := ask2(t, b, "CONNECT", "/chat", "websocket", "sec-websocket-version", "13")
		if p.status != 502 {
			t.Errorf("%s: %d, %v, want 502", name, p.status, p.end)
		}
		p.c.Close()
		b.noneLeft()
	}
}

// A cluster that forwards no upgrades refuses an extended CONNECT.
func TestWebSocketNotWanted(t *testing.T) {
	b := muxBox(t, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, true, func(s *Service) {
		s.HTTP2 = http2.Prepare(http2.Config{ExtendedConnect: true})
		s.Upgrade = false
	})
	if p := ask2(t, b, "CONNECT", "/chat", "websocket"); p.status != 405 {
		t.Errorf("status %d, %v, want 405", p.status, p.end)
	}
}

// An extended CONNECT for anything else is not implemented.
func TestUnknownProtocol(t *testing.T) {
	b := muxBox(t, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, true, func(s *Service) {
		s.HTTP2 = http2.Prepare(http2.Config{ExtendedConnect: true})
	})
	if p := ask2(t, b, "CONNECT", "/masque", "connect-udp"); p.status != 501 {
		t.Errorf("status %d, %v, want 501", p.status, p.end)
	}
}

// What an extended CONNECT says of a length and a key does not reach a member of
// HTTP/1.1, which would take the next request on its connection for the body.
func TestWebSocketWithABody(t *testing.T) {
	seen := make(chan string, 1)
	o := newOrigin(t, []step{func(c *originConn) error {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err == nil {
			seen <- fmt.Sprint(r.Method, " ", r.ContentLength, " ", len(r.Header.Values("Sec-Websocket-Key")))
		}
		return err
	}, send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")})
	b := muxBox(t, o.ln.Addr(), true, func(s *Service) { s.HTTP2 = http2.Prepare(http2.Config{ExtendedConnect: true}) })
	p := ask2(t, b, "CONNECT", "/chat", "websocket", "sec-websocket-version", "13",
		"content-length", "50", "sec-websocket-key", testKey)
	if p.status != 404 {
		t.Errorf("%d, %v, want 404", p.status, p.end)
	}
	if got, want := <-seen, "GET 0 1"; got != want {
		t.Errorf("the member got %q, want %q", got, want)
	}
	p.c.Close()
	b.noneLeft()
}
