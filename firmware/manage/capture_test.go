// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"evener/firmware/accesslog"
	"evener/firmware/capture"
	"evener/firmware/diag"
	"evener/firmware/phrase"
	"evener/firmware/stats"
)

// frontPorts has one port called front, which is the loopback interface.
type frontPorts struct{}

func (frontPorts) List() ([]Port, error) {
	return []Port{{Name: "front", Interface: "lo"}, {Name: "gone"}}, nil
}
func (frontPorts) Identify(string, time.Duration) error { return nil }

func TestCapturesKnowPortsByTheirNames(t *testing.T) {
	b := New(Config{Ports: frontPorts{}}, slog.New(slog.DiscardHandler))
	list, err := b.captureFaces([]string{"front", "lo"})
	if err != nil || len(list) != 1 || list[0].Name != "lo" || !strings.HasPrefix(list[0].Note, "port front ") {
		t.Errorf("front and lo: %+v, %v", list, err)
	}
	if _, err := b.captureFaces([]string{"gone"}); err == nil || !strings.Contains(err.Error(), `no interface "gone"`) {
		t.Errorf("a port without an interface: %v", err)
	}
	if list, err := b.captureFaces([]string{"any"}); err != nil || len(list) == 0 {
		t.Errorf("any: %v, %v", list, err)
	}
}

// Both ways in which captures learn of an exchange tell the same of it: who
// connected, which is not the client where a header of the PROXY protocol came.
func TestExchangesForCaptures(t *testing.T) {
	client, via := netip.MustParseAddrPort("192.0.2.1:1000"), netip.MustParseAddrPort("[::ffff:192.0.2.9]:2000")
	server := netip.MustParseAddrPort("198.51.100.1:80")
	now := time.Unix(1000, 0)
	got := openExchange(stats.Conn{Client: client, Via: via, Server: server, ServerPort: 3000, Cluster: "c", Pool: "p", Member: "m", RequestID: "r",
		Running: time.Second, Datagrams: true}, now, nil)
	if got.Client != netip.MustParseAddrPort("192.0.2.9:2000") || got.Server != server || got.Port != 3000 || got.Member != "p/m" || got.ID != "r" ||
		!got.Begin.Equal(now.Add(-time.Second)) || !got.End.IsZero() || !got.UDP {
		t.Errorf("open: %+v", got)
	}
	var r accesslog.Record
	r.SetClient(client)
	r.SetVia(via)
	r.SetServer(server)
	if r.Client() != client || r.Via() != netip.MustParseAddrPort("192.0.2.9:2000") || r.Server() != server {
		t.Errorf("record: %v %v %v", r.Client(), r.Via(), r.Server())
	}
	if r = (accesslog.Record{}); r.Via().IsValid() || r.Server().IsValid() {
		t.Errorf("an empty record: %v %v", r.Via(), r.Server())
	}
}

func TestPingIsSummarised(t *testing.T) {
	var p Ping
	p.summarise([]diag.Reply{{Seq: 1, RTT: 3 * time.Millisecond}, {Seq: 2, Error: "no answer"}, {Seq: 3, RTT: time.Millisecond}})
	if p.Received != 2 || time.Duration(p.Min) != time.Millisecond || time.Duration(p.Max) != 3*time.Millisecond || time.Duration(p.Mean) != 2*time.Millisecond || len(p.Replies) != 3 {
		t.Errorf("%+v", p)
	}
}

// Whatever is wrong with a filter is said in words that the console can translate.
func TestMistakesInFiltersAreSaid(t *testing.T) {
	for _, text := range []string{
		"host", "host x", "net x", "net 192.0.2.1/24", "port x", "port 70000", "portrange 8", "portrange 9-8", "vlan 5000",
		"what", "tcp udp", "(tcp", "(tcp what", "icmp port 1", "ip6 net 192.0.2.0/24", "arp net 2001:db8::/32",
		strings.Repeat("not ", 1000) + "tcp", strings.Repeat("tcp ", 10_000),
	} {
		_, err := capture.ParseFilter(text)
		if err == nil {
			t.Errorf("%.40q is taken for a filter", text)
			continue
		}
		said, _ := phrase.Of(captureError(err).Error())
		if _, ok := said.Args["why"].(phrase.Said); said.Kind != "capture.filter" || !ok {
			t.Errorf("%q is not in the catalogue: %v", err, said)
		}
	}
}
