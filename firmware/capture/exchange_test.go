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

// TestPacketsBelongToExchanges has one row for each packet, in the order in which
// they come: two requests on one connection, noted from second 10 to 20 and from 30
// to 40, though the second came before the end of the first was noted; one that
// still runs, and two at once on a connection of HTTP/2.
func TestPacketsBelongToExchanges(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	client, other, mux := netip.MustParseAddrPort("192.0.2.1:1000"), netip.MustParseAddrPort("192.0.2.2:1000"), netip.MustParseAddrPort("192.0.2.3:1")
	box, server := netip.MustParseAddrPort("203.0.113.1:80"), netip.MustParseAddrPort("198.51.100.1:8080")
	out := netip.MustParseAddrPort("10.0.0.1:5000")
	listen := []Span{{Addr: box}}
	list := []Exchange{
		{ID: "two", Cluster: "c", Begin: at(30), Answer: at(36), End: at(40), Client: client, Listen: listen, Server: server, Port: 5000},
		{ID: "one", Cluster: "c", Begin: at(10), Answer: at(14), End: at(20), Client: client, Listen: listen, Server: server, Port: 5000},
		{ID: "open", Cluster: "c", Begin: at(15), Client: other, Listen: listen},
		{ID: "mux1", Cluster: "c", Begin: at(10), End: at(50), Client: mux, Listen: listen, Shared: true},
		{ID: "mux2", Cluster: "c", Begin: at(20), End: at(30), Client: mux, Listen: listen, Shared: true},
		{ID: "one", Cluster: "c", Begin: at(10), Client: client, Listen: listen, Server: server, Port: 5000}, // told twice
	}
	rows := []struct {
		name     string
		src, dst netip.AddrPort
		at       int
		payload  bool
		want     string
	}{
		{"handshake before the first", client, box, 5, false, "one client"},
		{"answer to the handshake", box, client, 5, false, "one client"},
		{"tls says hello", client, box, 6, true, "one client"},
		{"and the box", box, client, 7, true, "one client"},
		{"request", client, box, 9, true, "one client"},
		{"to the member", out, server, 12, true, "one server"},
		{"from the member", server, out, 13, true, "one server"},
		{"answer", box, client, 15, true, "one client"},
		{"acknowledgement", client, box, 16, false, "one client"},
		{"next request, before the end of the last is noted", client, box, 19, true, "two client"},
		{"its handshake", client, box, 19, false, "two client"},
		{"to the member, which the first still holds", out, server, 31, true, "two server"},
		{"from the member", server, out, 35, true, "two server"},
		{"answer", box, client, 37, true, "two client"},
		{"after the last", client, box, 99, false, "two client"},
		{"still runs", other, box, 99, true, "open client"},
		{"two at once", mux, box, 25, true, "mux1 client, mux2 client"},
		{"one of them", mux, box, 45, true, "mux1 client"},
		{"another listener", client, netip.MustParseAddrPort("203.0.113.1:81"), 15, true, ""},
		{"another port of the box", netip.MustParseAddrPort("10.0.0.1:5001"), server, 15, true, ""},
		{"a stranger", netip.MustParseAddrPort("192.0.2.77:1"), box, 15, true, ""},
	}
	b := newBook(list)
	for _, c := range rows {
		b.comment(flow{src: c.src, dst: c.dst, at: at(c.at), payload: c.payload})
	}
	b.known()
	for _, c := range rows {
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

// Of requests that were sent at once, and of records without packets.
func TestTurnsAndExchangesOfUnlikeNumber(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	tk := &talk{turns: []turn{{ask: at(1), answer: at(5)}}, list: []*Exchange{{ID: "a", Begin: at(2)}, {ID: "b", Begin: at(3)}, {ID: "later", Begin: at(9)}}}
	tk.match(clientSide)
	if o := tk.owners(0); len(o) != 2 || o[0].ID != "a" || o[1].ID != "b" {
		t.Errorf("owners %v", o)
	}
	tk = &talk{list: []*Exchange{{ID: "a"}}}
	tk.match(serverSide)
	if o := tk.owners(0); len(o) != 1 {
		t.Errorf("a connection on which nothing was said has %v", o)
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
