// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPacketsBelongToExchanges has one row for each sentence about pick: two
// requests on one connection, from second 10 to 20 and from 30 to 40, and one that
// still runs on another.
func TestPacketsBelongToExchanges(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	client, other := netip.MustParseAddrPort("192.0.2.1:1000"), netip.MustParseAddrPort("192.0.2.2:1000")
	box, server := netip.MustParseAddrPort("203.0.113.1:80"), netip.MustParseAddrPort("198.51.100.1:8080")
	out := netip.MustParseAddrPort("10.0.0.1:5000")
	listen := []Span{{Addr: box}}
	b := newBook([]Exchange{
		{ID: "two", Cluster: "c", Begin: at(30), End: at(40), Client: client, Listen: listen, Server: server, Port: 5000},
		{ID: "one", Cluster: "c", Begin: at(10), End: at(20), Client: client, Listen: listen, Server: server, Port: 5000},
		{ID: "open", Cluster: "c", Begin: at(15), Client: other, Listen: listen},
		{ID: "mux1", Cluster: "c", Begin: at(10), End: at(50), Client: netip.MustParseAddrPort("192.0.2.3:1"), Listen: listen},
		{ID: "mux2", Cluster: "c", Begin: at(20), End: at(30), Client: netip.MustParseAddrPort("192.0.2.3:1"), Listen: listen},
		{ID: "one", Cluster: "c", Begin: at(10), Client: client, Listen: listen, Server: server, Port: 5000}, // told twice
	})
	for _, c := range []struct {
		name     string
		src, dst netip.AddrPort
		at       int
		payload  bool
		want     string
	}{
		{"handshake before the first", client, box, 5, false, "one client"},
		{"answer to the handshake", box, client, 5, false, "one client"},
		{"request", client, box, 9, true, "one client"},
		{"while it runs", box, client, 15, true, "one client"},
		{"to the member", out, server, 12, true, "one server"},
		{"from the member", server, out, 15, true, "one server"},
		{"late acknowledgement", client, box, 25, false, "one client"},
		{"next request", client, box, 25, true, "two client"},
		{"late answer", box, client, 25, true, "one client"},
		{"after the last", client, box, 99, true, "two client"},
		{"still runs", other, box, 99, false, "open client"},
		{"two at once", netip.MustParseAddrPort("192.0.2.3:1"), box, 25, true, "mux1 client, mux2 client"},
		{"another listener", client, netip.MustParseAddrPort("203.0.113.1:81"), 15, true, ""},
		{"another port of the box", netip.MustParseAddrPort("10.0.0.1:5001"), server, 15, true, ""},
		{"a stranger", netip.MustParseAddrPort("192.0.2.77:1"), box, 15, true, ""},
	} {
		var got []string
		for line := range strings.SplitSeq(b.comment(flow{src: c.src, dst: c.dst, at: at(c.at), payload: c.payload}), "\n") {
			if _, rest, ok := strings.Cut(line, "exchange="); ok {
				id, rest, _ := strings.Cut(rest, " ")
				_, side, _ := strings.Cut(rest, "side=")
				got = append(got, id+" "+side)
			}
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: %q, want %q", c.name, s, c.want)
		}
	}
	if c := b.comment(flow{udp: true, src: client, dst: box, at: at(15)}); c != "" {
		t.Errorf("a datagram belongs to a connection: %s", c)
	}
}

func TestExchangesAreBounded(t *testing.T) {
	var x exchanges
	for i := range maxExchanges + 10 {
		x.add(Exchange{ID: fmt.Sprint(i)})
	}
	if len(x.list) != maxExchanges || x.lost != 10 || x.list[0].ID != fmt.Sprint(maxExchanges) {
		t.Errorf("%d are kept, %d lost, the first is %s", len(x.list), x.lost, x.list[0].ID)
	}
}

func TestFilterOfAService(t *testing.T) {
	span := func(s string) Span { return Span{Addr: netip.MustParseAddrPort(s)} }
	s := Service{Listen: []Span{span("192.0.2.1:80"), {Addr: netip.MustParseAddrPort("0.0.0.0:8000"), Last: 8010}},
		Members: []Span{span("198.51.100.1:80"), span("[2001:db8::1]:80"), span("198.51.100.1:80")}}
	const want = "((tcp port 80 and ((ip host 192.0.2.1 or ip host 198.51.100.1) or ip6 host 2001:db8::1)) or tcp portrange 8000-8010)"
	if got := Text(s.Filter()); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for i := range 400 {
		s.Members = append(s.Members, span(fmt.Sprintf("10.0.%d.%d:9000", i/200, i%200+1)))
	}
	got := Text(s.Filter())
	if !strings.Contains(got, "tcp port 9000") || strings.Contains(got, "10.0.0.1") || !strings.Contains(got, "tcp port 80 or") {
		t.Errorf("of many members: %.300s", got)
	}
	if _, err := ParseFilter(got); err != nil {
		t.Errorf("%s: %v", got, err)
	}
	if got := Text(Service{UDP: true, Listen: []Span{span("192.0.2.1:53")}}.Filter()); got != "(udp port 53 and ip host 192.0.2.1)" {
		t.Errorf("udp: %s", got)
	}
	if e := Join(nil, nil); e != nil || !slices.Equal([]string{Text(Join(s.Filter(), nil))}, []string{Text(s.Filter())}) {
		t.Error("joined with nothing")
	}
}
