// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"evener/firmware/balance"
	"evener/firmware/pool"
	"evener/firmware/proxyproto"
	"evener/firmware/stats"
)

// believe makes the cluster take PROXY headers from a network.
func believe(t *testing.T, network string) func(*box) {
	trusted, err := proxyproto.NewTrusted([]netip.Prefix{netip.MustParsePrefix(network)})
	if err != nil {
		t.Fatal(err)
	}
	return func(b *box) { b.svc.Proxies = trusted }
}

// introduction returns a header of a version.
func introduction(v proxyproto.Version) string {
	return string(proxyproto.Append(nil, v, &proxyproto.Header{Transport: proxyproto.TCP,
		Src: netip.MustParseAddrPort("192.0.2.7:4000"), Dst: netip.MustParseAddrPort("198.51.100.1:443")}))
}

// hearing starts a server that tells all that each connection brings.
func hearing(t *testing.T) (net.Addr, <-chan string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	heard := make(chan string, 9)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			b, _ := io.ReadAll(c)
			heard <- string(b)
			c.Close()
		}
	}()
	return ln.Addr(), heard
}

// said sends pieces and the end, and waits until the box has closed.
func said(t *testing.T, addr string, pieces ...string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, p := range pieces {
		_, _ = io.WriteString(c, p)
	}
	_ = c.(*net.TCPConn).CloseWrite()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.Copy(io.Discard, c)
}

// What follows the header goes on, the header does not; members are told of the
// client in the form that their pool has.
func TestIntroductionsComeAndGo(t *testing.T) {
	v1, v2 := introduction(proxyproto.V1), introduction(proxyproto.V2)
	for _, tt := range []struct {
		name   string
		pieces []string
		out    proxyproto.Version
		want   string
	}{
		{"version 1", []string{v1, "hello"}, 0, "hello"},
		{"version 2 in one piece", []string{v2 + "hello"}, 0, "hello"},
		{"byte by byte", strings.Split(v2+"hello", ""), 0, "hello"},
		{"nothing behind", []string{v1}, 0, ""},
		{"1 to 2", []string{v1 + "hello"}, proxyproto.V2, v2 + "hello"},
		{"2 to 1", []string{v2, "hello"}, proxyproto.V1, v1 + "hello"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			to, heard := hearing(t)
			b := newBox(t, "tcp", "127.0.0.1:0", []pool.MemberConfig{{Name: "m", Addr: netip.MustParseAddrPort(to.String()), Weight: 100}}, func(b *box) {
				believe(t, "127.0.0.0/8")(b)
				b.svc.Default.Pool.Proxy = tt.out
			})
			said(t, b.addr, tt.pieces...)
			if got := <-heard; got != tt.want {
				t.Errorf("member got %q, want %q", got, tt.want)
			}
		})
	}
}

// The name in TLS is looked for behind the header, though both came together.
func TestIntroductionBeforeAServerName(t *testing.T) {
	to, heard := hearing(t)
	hello := string(clientHello(t, &tls.Config{ServerName: "a.test"}))
	b := newBox(t, "tcp", "127.0.0.1:0", nil, func(b *box) {
		believe(t, "127.0.0.0/8")(b)
		named := b.route(b.newPool("named", []pool.MemberConfig{{Name: "m", Addr: netip.MustParseAddrPort(to.String()), Weight: 100}}), balance.RoundRobin)
		b.svc.Names = NewNames([]Name{{Pattern: "a.test", Route: named}})
	})
	for _, pieces := range [][]string{{introduction(proxyproto.V1) + hello}, {introduction(proxyproto.V1), hello[:9], hello[9:]}} {
		said(t, b.addr, pieces...)
		if got := <-heard; got != hello {
			t.Errorf("member got %d bytes, want the %d of the greeting", len(got), len(hello))
		}
	}
}

// Who may not tell of others, or does not, is sent away and counted.
func TestIntroductionsThatAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name, from, send string
		want             stats.ProxyFault
	}{
		{"source", "10.0.0.0/8", introduction(proxyproto.V1), stats.ProxyUntrusted},
		{"no header", "127.0.0.0/8", "hello", stats.ProxyMissing},
		{"bad header", "127.0.0.0/8", "PROXY TCP9 a b 1 2\r\n", stats.ProxyMalformed},
	} {
		to, heard := hearing(t)
		b := newBox(t, "tcp", "127.0.0.1:0", []pool.MemberConfig{{Name: "m", Addr: netip.MustParseAddrPort(to.String()), Weight: 100}}, believe(t, tt.from))
		said(t, b.addr, tt.send)
		b.do(func() {
			if n := b.svc.Stats.Slot(0).ProxyRefused[tt.want].Value(); n != 1 {
				t.Errorf("%s: refused as %v: %d, want 1", tt.name, tt.want, n)
			}
		})
		if len(heard) != 0 {
			t.Errorf("%s: the member was connected to", tt.name)
		}
	}
}

// A header that does not come is not waited for for ever.
func TestIntroductionHasADeadline(t *testing.T) {
	b := newBox(t, "tcp", "127.0.0.1:0", nil, func(b *box) {
		believe(t, "127.0.0.0/8")(b)
		b.svc.Timeouts.ClientHead = 20 * time.Millisecond
	})
	c, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "PROXY ")
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d bytes, %v, want the end", n, err)
	}
	b.do(func() {
		if n := b.svc.Stats.Slot(0).Aborts[stats.ClientTimeout].Value(); n != 1 {
			t.Errorf("timeouts = %d, want 1", n)
		}
	})
}
