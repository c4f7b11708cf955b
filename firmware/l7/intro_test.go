// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"evener/firmware/balance"
	"evener/firmware/match"
	"evener/firmware/pool"
	"evener/firmware/proxyproto"
	"evener/firmware/stats"
)

// believed makes a service take the PROXY headers of these networks.
func believed(t testing.TB, s *Service, networks ...string) {
	t.Helper()
	var list []netip.Prefix
	for _, n := range networks {
		list = append(list, netip.MustParsePrefix(n))
	}
	trusted, err := proxyproto.NewTrusted(list)
	if err != nil {
		t.Fatal(err)
	}
	s.Proxies = trusted
}

// header returns a PROXY header of a version.
func header(v proxyproto.Version, src string) string {
	return string(proxyproto.Append(nil, v, &proxyproto.Header{Transport: proxyproto.TCP,
		Src: netip.MustParseAddrPort(src), Dst: netip.MustParseAddrPort("198.51.100.1:443")}))
}

// The client that a header tells of is the client for the rest of the connection,
// however the bytes come.
func TestClientIsIntroduced(t *testing.T) {
	v1, v2, local := header(proxyproto.V1, "192.0.2.7:4000"), header(proxyproto.V2, "192.0.2.7:4000"),
		string(proxyproto.Append(nil, proxyproto.V2, &proxyproto.Header{Local: true}))
	for _, tt := range []struct {
		name   string
		pieces []string
		client string
	}{
		{"version 1", []string{v1, get}, "192.0.2.7"},
		{"version 2", []string{v2, get}, "192.0.2.7"},
		{"in one segment", []string{v1 + get}, "192.0.2.7"},
		{"byte by byte", strings.Split(v2, ""), "192.0.2.7"},
		{"the sender's own", []string{local + get}, "127.0.0.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fwd := "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + tt.client + "\r\nX-Forwarded-Proto: http\r\n\r\n"
			o := newOrigin(t, []step{recv(fwd), send(okay), recv(fwd), send(okay)})
			b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, func(s *Service) {
				plain(s)
				s.Default.ClientIP = true
				believed(t, s, "127.0.0.0/8")
			})
			c := b.dial()
			c.send(tt.pieces...)
			if tt.name == "byte by byte" {
				c.send(get)
			}
			c.expect(okay)
			c.send(get) // no second header
			c.expect(okay)
			var listed []stats.Conn
			b.do(func() { listed = b.w.List(9, "", netip.MustParseAddr(tt.client)) })
			if len(listed) != 1 {
				t.Errorf("connections of %s: %v, want one", tt.client, listed)
			}
			c.Close()
			b.noneLeft()
		})
	}
}

// Rules and variables see the client and where it connected to; TLS and HTTP/2
// come behind the header.
func TestIntroductionBeforeTLS(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("X-From"))
	}))
	defer s.Close()
	for _, protocol := range []string{"http/1.1", "h2"} {
		for _, joined := range []bool{false, true} {
			b := muxBox(t, s.Listener.Addr(), true, func(s *Service) {
				s.Default.RequestOps = requestOps(t, "set X-From $client_ip:$client_port $listen_ip:$listen_port")
				believed(t, s, "127.0.0.1/32")
			})
			dial := func(_ context.Context, network, addr string) (net.Conn, error) {
				c, err := net.Dial(network, addr)
				if err != nil {
					return nil, err
				}
				intro := header(proxyproto.V2, "192.0.2.7:4000")
				if joined { // the first bytes of TLS come with the header
					return &prefixed{Conn: c, prefix: intro}, nil
				}
				_, err = io.WriteString(c, intro)
				return c, err
			}
			tr := &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}},
				Protocols: new(http.Protocols)}
			tr.Protocols.SetHTTP1(protocol != "h2")
			tr.Protocols.SetHTTP2(protocol == "h2")
			if _, got := fetch(t, tr, "GET", "https://"+b.addr, nil); got != "192.0.2.7:4000 198.51.100.1:443" {
				t.Errorf("%s, joined %v: member saw %q", protocol, joined, got)
			}
			tr.CloseIdleConnections()
			b.noneLeft()
		}
	}
}

// A prefixed connection sends a prefix together with what is written first.
type prefixed struct {
	net.Conn
	prefix string
}

func (p *prefixed) Write(b []byte) (int, error) {
	n := len(p.prefix)
	k, err := p.Conn.Write(append([]byte(p.prefix), b...))
	p.prefix = ""
	return k - n, err
}

func TestRulesSeeTheIntroducedClient(t *testing.T) {
	o := newOrigin(t, []step{recv(get), send(okay)})
	b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, func(s *Service) {
		plain(s)
		believed(t, s, "127.0.0.0/8")
	})
	when, found := hclsyntax.ParseExpression([]byte(`client_ip("192.0.2.0/24")`), "test", hcl.InitialPos)
	if found.HasErrors() {
		t.Fatal(found)
	}
	set, problems := match.Compile([]match.Rule{{Name: "r", When: when}})
	if problems != nil {
		t.Fatal(problems)
	}
	b.do(func() {
		svc := *b.svc
		svc.Rules, svc.Routes = set, []*Route{b.route("r", b.pool, balance.RoundRobin)}
		svc.Default = &Route{Responder: &Responder{Status: 404}}
		b.svc = &svc
		b.use(&svc)
	})
	c := b.dial()
	c.send(header(proxyproto.V1, "192.0.2.7:4000") + get)
	c.expect(okay)
}

// Who may not tell of others, or does not, is sent away.
func TestIntroductionsThatAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name, from, send string
		want             stats.ProxyFault
	}{
		{"source", "10.0.0.0/8", header(proxyproto.V1, "192.0.2.7:4000") + get, stats.ProxyUntrusted},
		{"no header", "127.0.0.0/8", get, stats.ProxyMissing},
		{"bad header", "127.0.0.0/8", "PROXY TCP4 1.2.3.4 5.6.7.8 1 99999\r\n" + get, stats.ProxyMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOrigin(t)
			b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, func(s *Service) { believed(t, s, tt.from) })
			c := b.dial()
			_, _ = io.WriteString(c, tt.send)
			if got, _ := c.rest(); got != "" {
				t.Errorf("client got %q, want nothing", got)
			}
			b.noneLeft()
			if n := b.slot().ProxyRefused[tt.want].Value(); n != 1 {
				t.Errorf("refused as %v: %d, want 1", tt.want, n)
			}
			if made, _ := o.taken(); made != 0 {
				t.Error("the member was connected to")
			}
		})
	}
}

func TestIntroductionHasADeadline(t *testing.T) {
	b := newBox(t, []pool.MemberConfig{member("m", nobody(t))}, func(s *Service) {
		s.Timeouts.ClientHead = 50 * time.Millisecond
		believed(t, s, "127.0.0.0/8")
	})
	c := b.dial()
	c.send("PROXY TCP4 ")
	if got, _ := c.rest(); got != "" {
		t.Errorf("client got %q, want nothing", got)
	}
	b.noneLeft()
	if n := b.slot().Aborts[stats.ClientTimeout].Value(); n != 1 {
		t.Errorf("timeouts = %d, want 1", n)
	}
}

// Members are told first of all whose a connection is, by each one of them, and
// clients share none.
func TestMembersAreTold(t *testing.T) {
	for _, v := range []proxyproto.Version{proxyproto.V1, proxyproto.V2} {
		for _, secure := range []bool{false, true} {
			told := make(chan proxyproto.Header, 9)
			s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
			s.Listener = &toldListener{s.Listener, told}
			if secure {
				s.StartTLS()
			} else {
				s.Start()
			}
			b := newBox(t, []pool.MemberConfig{member("m", s.Listener.Addr())}, plain)
			b.do(func() {
				for _, up := range b.pool.Upstreams {
					up.Proxy = v
					if secure {
						up.TLS = testSetup(b, &tls.Config{InsecureSkipVerify: true})
					}
				}
			})
			for range 2 {
				c := b.dial()
				for range 2 {
					c.send(get)
					c.head()
				}
				h := <-told
				if h.Version != v || h.Src.String() != c.LocalAddr().String() || h.Dst.String() != b.addr {
					t.Errorf("version %d, secure %v: member was told %d %v to %v, want %v to %v", v, secure, h.Version, h.Src, h.Dst, c.LocalAddr(), b.addr)
				}
				c.Close()
			}
			b.noneLeft()
			if len(told) != 0 {
				t.Errorf("version %d, secure %v: a client had more than one connection", v, secure)
			}
			b.do(func() { b.w.Forget(b.pool.Upstreams) })
			s.Close()
		}
	}
}

// A toldListener reads the PROXY header of each connection.
type toldListener struct {
	net.Listener
	told chan proxyproto.Header
}

func (l *toldListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	r := bufio.NewReader(c)
	for n := 1; ; n++ {
		b, err := r.Peek(n)
		if err != nil {
			return nil, err
		}
		h, used, err := proxyproto.Parse(b)
		if err == nil {
			_, _ = r.Discard(used)
			l.told <- h
			return &readConn{c, r}, nil
		}
		if err != proxyproto.ErrMore {
			return nil, err
		}
	}
}

type readConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *readConn) Read(p []byte) (int, error) { return c.r.Read(p) }
