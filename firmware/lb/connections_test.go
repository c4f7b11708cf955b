// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"evener/firmware/stats"
)

const connectionsText = `
server "t" { address = %q }
server "u" { address = %q }
server "h" { address = %q }
pool "t" {
  member "t" {}
}
pool "u" {
  member "u" {}
}
pool "h" {
  member "h" {}
}
cluster "t" {
  protocol = "tcp"
  listen   = ["127.0.0.1:%d"]
  pool     = "t"
}
cluster "u" {
  protocol = "udp"
  listen   = ["127.0.0.1:%[4]d"]
  pool     = "u"
}
cluster "h" {
  protocol = "http"
  listen   = ["127.0.0.1:%[5]d"]
  pool     = "h"
}
`

// silentHTTP reads a request and never answers. asked yields when it has.
func silentHTTP(t *testing.T) (addr string, asked <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got := make(chan struct{}, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			c.Read(make([]byte, 4096))
			got <- struct{}{}
		}
	}()
	return l.Addr().String(), got
}

func TestOpenConnections(t *testing.T) {
	b := newStreams(t)
	port, web := freePort(t), freePort(t)
	origin, asked := silentHTTP(t)
	text := fmt.Sprintf(connectionsText, namedTCP(t, "127.0.0.1:0", "t1"), namedUDP(t, "u1"), origin, port, web)
	if err := serveText(t, b, 7, text); err != nil {
		t.Fatal(err)
	}
	stream := fmt.Sprintf("127.0.0.1:%d", port)
	_, tcp := greeting(t, "tcp", stream)
	_, udp := greeting(t, "udp", stream)
	http, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", web))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { http.Close() })
	io.WriteString(http, "POST /slow?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345")
	<-asked
	local := func(c net.Conn) netip.AddrPort { return netip.MustParseAddrPort(c.LocalAddr().String()) }
	want := map[string]stats.Conn{
		"t": {Client: local(tcp), Cluster: "t", Generation: 7, Pool: "t", Member: "t", State: stats.ConnActive, Out: 3},
		"u": {Client: local(udp), Cluster: "u", Generation: 7, Pool: "u", Member: "u", State: stats.ConnActive, In: 1, Out: 3},
		"h": {Client: local(http), Cluster: "h", Generation: 7, Pool: "h", Member: "h", State: stats.ConnActive,
			Requests: 1, Request: "POST /slow?x=1", In: 5},
	}
	// The last bytes are here before the loop has counted them.
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		list, open, err := b.OpenConnections(10, "", netip.Addr{})
		if err != nil || open != 3 || len(list) != 3 {
			t.Fatalf("OpenConnections = %+v, %d open, %v; want 3", list, open, err)
		}
		same := 0
		for _, c := range list {
			if c.Age <= 0 {
				t.Errorf("%+v has no age", c)
			}
			if !c.Server.IsValid() || c.ServerPort == 0 || c.Running <= 0 || c.Running > c.Age || c.Datagrams != (c.Cluster == "u") {
				t.Errorf("%+v: the connection with the member is not told", c)
			}
			if c.Cluster == "h" && len(c.RequestID) != 32 {
				t.Errorf("request id %q", c.RequestID)
			}
			c.Age, c.Running, c.Server, c.ServerPort, c.RequestID, c.Datagrams = 0, 0, netip.AddrPort{}, 0, "", false
			if c == want[c.Cluster] {
				same++
			}
		}
		if same == 3 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("OpenConnections = %+v, want %+v", list, want)
		}
	}
	for _, tt := range []struct {
		name    string
		limit   int
		cluster string
		client  string
		want    int
	}{
		{"one", 1, "", "", 1}, {"a cluster", 10, "u", "", 1}, {"a client", 10, "", "127.0.0.1", 3},
		{"a client in IPv6 form", 10, "t", "::ffff:127.0.0.1", 1}, {"nobody", 10, "", "192.0.2.1", 0},
	} {
		var client netip.Addr
		if tt.client != "" {
			client = netip.MustParseAddr(tt.client)
		}
		if list, _, err := b.OpenConnections(tt.limit, tt.cluster, client); err != nil || len(list) != tt.want {
			t.Errorf("%s: OpenConnections = %+v, %v, want %d", tt.name, list, err, tt.want)
		}
	}
	if _, _, err := b.OpenConnections(10, "x", netip.Addr{}); !errors.As(err, new(*NotFoundError)) {
		t.Errorf("OpenConnections of an unknown cluster: %v", err)
	}
}
