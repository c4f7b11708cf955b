// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

func TestPingOfTheLoopback(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1", "localhost"} {
		var heard []Reply
		got, err := Ping{Host: host, Count: 2, Interval: 200 * time.Millisecond, Wait: 10 * time.Second}.Do(t.Context(), func(r Reply) { heard = append(heard, r) })
		if host == "::1" && errors.Is(err, unix.EADDRNOTAVAIL) {
			continue // a system without IPv6
		}
		if err != nil || len(heard) != 2 || len(got.Replies) != 2 {
			t.Fatalf("%s: %+v, heard %v, %v", host, got, heard, err)
		}
		for i, r := range got.Replies {
			if r.Seq != i+1 || r.Error != "" || r.RTT <= 0 {
				t.Errorf("%s: %+v", host, r)
			}
		}
	}
}

func TestPingArguments(t *testing.T) {
	for want, p := range map[string]Ping{
		"host must be": {}, "count must be 1 to 100": {Host: "::1", Count: 101}, "size must be": {Host: "::1", Size: 1},
		"interval must be": {Host: "::1", Interval: 1}, "wait must be": {Host: "::1", Wait: time.Hour},
		`no interface "none7"`: {Host: "127.0.0.1", Interface: "none7"},
	} {
		if _, err := p.Do(t.Context(), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", p, err, want)
		}
	}
	if _, err := (Trace{Host: "::1", Hops: 65}).Do(t.Context(), nil); err == nil {
		t.Error("65 hops are allowed")
	}
}

// A lab is a chain of three namespaces: 192.0.2.1 - 192.0.2.2, 198.51.100.1 -
// 198.51.100.2. inside runs f in the first.
func inLab(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocks: the thread ends with its namespace
		first, err := netns.New()
		if err != nil {
			t.Error(err)
			return
		}
		defer first.Close()
		second, err := netns.New()
		if err != nil {
			t.Error(err)
			return
		}
		defer second.Close()
		third, err := netns.New()
		if err != nil {
			t.Error(err)
			return
		}
		defer third.Close()
		link(t, first, second, "192.0.2.1/24", "192.0.2.2/24")
		link(t, second, third, "198.51.100.1/24", "198.51.100.2/24")
		route(t, first, "192.0.2.2")
		route(t, third, "198.51.100.1")
		if err := errors.Join(netns.Set(second), writeFile("/proc/sys/net/ipv4/ip_forward", "1"), netns.Set(first)); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}

func link(t *testing.T, a, b netns.NsHandle, addrA, addrB string) {
	t.Helper()
	nameA, nameB := "v"+addrA[:3]+"a", "v"+addrA[:3]+"b"
	h, err := netlink.NewHandleAt(a)
	if err != nil {
		t.Error(err)
		return
	}
	defer h.Close()
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: nameA}, PeerName: nameB, PeerNamespace: netlink.NsFd(int(b))}
	if err := h.LinkAdd(veth); err != nil {
		t.Error(err)
		return
	}
	up(t, a, nameA, addrA)
	up(t, b, nameB, addrB)
}

func up(t *testing.T, ns netns.NsHandle, name, addr string) {
	t.Helper()
	h, err := netlink.NewHandleAt(ns)
	if err != nil {
		t.Error(err)
		return
	}
	defer h.Close()
	l, err := h.LinkByName(name)
	if err != nil {
		t.Error(err)
		return
	}
	a, err := netlink.ParseAddr(addr)
	if err = errors.Join(err, h.AddrAdd(l, a), h.LinkSetUp(l)); err != nil {
		t.Error(err)
	}
}

func route(t *testing.T, ns netns.NsHandle, via string) {
	t.Helper()
	h, err := netlink.NewHandleAt(ns)
	if err != nil {
		t.Error(err)
		return
	}
	defer h.Close()
	if err := h.RouteAdd(&netlink.Route{Gw: net.ParseIP(via)}); err != nil {
		t.Error(err)
	}
}

func TestTraceFindsTheRouter(t *testing.T) {
	inLab(t, func() {
		var told int
		got, err := Trace{Host: "198.51.100.2", Wait: 5 * time.Second}.Do(t.Context(), func(Hop) { told++ })
		if err != nil || !got.Reached || len(got.Hops) != 2 || told != 2 {
			t.Errorf("%+v, told %d, %v", got, told, err)
			return
		}
		for i, want := range []string{"192.0.2.2", "198.51.100.2"} {
			try := got.Hops[i].Tries[0]
			if try.From.String() != want || try.RTT <= 0 || try.Error != "" {
				t.Errorf("hop %d: %+v, want %s", i+1, try, want)
			}
		}
		got, err = Trace{Host: "203.0.113.9", Wait: 5 * time.Second}.Do(t.Context(), func(Hop) {})
		if err != nil || got.Reached || len(got.Hops) == 0 {
			t.Errorf("no way: %+v, %v", got, err)
			return
		}
		if try := got.Hops[len(got.Hops)-1].Tries[0]; try.Error == "" {
			t.Errorf("the router said nothing: %+v", try)
		}
	})
}

func TestPingInTheLab(t *testing.T) {
	inLab(t, func() {
		got, err := Ping{Host: "198.51.100.2", Count: 1, Wait: 10 * time.Second}.Do(t.Context(), func(Reply) {})
		if err != nil || got.Replies[0].Error != "" {
			t.Errorf("%+v, %v", got, err)
		}
		got, err = Ping{Host: "192.0.2.77", Count: 1, Wait: 300 * time.Millisecond, Interface: "v192a"}.Do(t.Context(), func(Reply) {})
		if err != nil || got.Replies[0].Error == "" {
			t.Errorf("nobody: %+v, %v", got, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		got, err = Ping{Host: "192.0.2.77", Count: 100}.Do(ctx, func(Reply) {})
		if !errors.Is(err, context.Canceled) || len(got.Replies) > 90 {
			t.Errorf("cancelled: %d replies, %v", len(got.Replies), err)
		}
	})
}

// samePort listens on a port of the loopback by UDP and TCP. What is free for one
// may be taken for the other.
func samePort(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 100 {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", pc.LocalAddr().String())
		if err == nil {
			return pc, l
		}
		pc.Close()
	}
	t.Fatal("no port is free for both")
	return nil, nil
}

// nameServer answers on the loopback.
func nameServer(t *testing.T) string {
	t.Helper()
	pc, l := samePort(t)
	h := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		add := func(text string) {
			rr, err := dns.NewRR(text)
			if err != nil {
				t.Error(err)
				return
			}
			m.Answer = append(m.Answer, rr)
		}
		_, datagram := w.RemoteAddr().(*net.UDPAddr)
		switch q.Question[0].Name + dns.TypeToString[q.Question[0].Qtype] {
		case "www.example.com.A":
			add("www.example.com. 60 IN A 192.0.2.1")
		case "1.2.0.192.in-addr.arpa.PTR":
			add("1.2.0.192.in-addr.arpa. 60 IN PTR www.example.com.")
		case "example.com.MX":
			add("example.com. 300 IN MX 10 mail.example.com.")
		case "long.example.com.TXT":
			if m.Truncated = datagram; !datagram {
				add(`long.example.com. 60 IN TXT "all of it"`)
			}
		default:
			m.Rcode = dns.RcodeNameError
		}
		if err := w.WriteMsg(m); err != nil {
			t.Error(err)
		}
	})
	for _, s := range []*dns.Server{{PacketConn: pc, Handler: h}, {Listener: l, Handler: h}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go s.ActivateAndServe()
		<-started
		t.Cleanup(func() { s.Shutdown() })
	}
	return pc.LocalAddr().String()
}

func TestLookups(t *testing.T) {
	server := nameServer(t)
	for _, c := range []struct{ name, kind, code, want string }{
		{"www.example.com", "", "NOERROR", "192.0.2.1"},
		{"192.0.2.1", "", "NOERROR", "www.example.com."},
		{"example.com", "mx", "NOERROR", "10 mail.example.com."},
		{"long.example.com", "TXT", "NOERROR", `"all of it"`},
		{"none.example.com", "AAAA", "NXDOMAIN", ""},
	} {
		a, err := Lookup{Name: c.name, Type: c.kind, Server: server}.Do(t.Context(), func(string, error) {})
		if err != nil || a.Code != c.code || a.TCP != strings.HasPrefix(c.name, "long") || len(a.Records) != min(1, len(c.want)) ||
			len(a.Records) == 1 && (a.Records[0].Value != c.want || a.Records[0].TTL <= 0) {
			t.Errorf("%s %s: %+v, %v", c.name, c.kind, a, err)
		}
	}
	for want, l := range map[string]Lookup{
		"name must be": {Server: server}, "type must be one of": {Name: "a", Type: "ANY"}, "server must be": {Name: "a", Server: "x"},
		"name servers": {Name: "a", File: "/nowhere"}, "refused": {Name: "a", Server: "127.0.0.1:1"},
	} {
		if _, err := l.Do(t.Context(), func(string, error) {}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", l, err, want)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 7, 0, 1, 1, 2}, false)
	f.Add([]byte{129, 0, 0, 0, 0, 7, 0, 1}, true)
	f.Add(make([]byte, 60), true)
	f.Fuzz(func(t *testing.T, b []byte, six bool) {
		e, err := openEchoFor(six)
		if err != nil {
			t.Fatal(err)
		}
		if seq := e.answer(b); seq != 0 && (len(b) < 8 || binary.BigEndian.Uint16(b[4:]) != 7) {
			t.Errorf("%x is taken for an answer to %d", b, seq)
		}
		var v verdict
		v.read(b)
		if v.from.IsValid() && len(b) < sizeOfError {
			t.Errorf("%x has an address", b)
		}
	})
}

func TestHostAddr(t *testing.T) {
	if a, err := hostAddr(t.Context(), "::ffff:192.0.2.1"); err != nil || a != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("%v, %v", a, err)
	}
}
