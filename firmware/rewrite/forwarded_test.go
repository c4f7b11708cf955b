// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"net/netip"
	"strings"
	"testing"

	"evener/firmware/message"
)

func TestForwarded(t *testing.T) {
	at := func(s string, port uint16) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(s), port) }
	tests := []struct {
		name string
		f    Forwarded
		want string
	}{
		{"IPv4", Forwarded{For: at("192.0.2.43", 0), Proto: "http"}, `for=192.0.2.43;proto=http`},
		{"IPv4 with port", Forwarded{For: at("192.0.2.43", 47011), Proto: "http"}, `for="192.0.2.43:47011";proto=http`},
		{"IPv6", Forwarded{For: at("2001:db8:cafe::17", 0), Proto: "https"}, `for="[2001:db8:cafe::17]";proto=https`},
		{"IPv6 with port", Forwarded{For: at("2001:db8:cafe::17", 4711), Proto: "https"}, `for="[2001:db8:cafe::17]:4711";proto=https`},
		{"IPv4 on an IPv6 socket", Forwarded{For: at("::ffff:192.0.2.43", 0), Proto: "http"}, `for=192.0.2.43;proto=http`},
		{"zone", Forwarded{For: at("fe80::1%eth0", 0), Proto: "http"}, `for="[fe80::1]";proto=http`},
		{"unknown", Forwarded{Proto: "http"}, `for=unknown;proto=http`},
		{"all", Forwarded{For: at("192.0.2.43", 0), By: at("203.0.113.43", 443), Host: []byte("example.com"), Proto: "https"},
			`for=192.0.2.43;by="203.0.113.43:443";host=example.com;proto=https`},
		{"host with port", Forwarded{Host: []byte("a:8080"), Proto: "http"}, `for=unknown;host="a:8080";proto=http`},
		{"host is an address", Forwarded{Host: []byte("[::1]"), Proto: "http"}, `for=unknown;host="[::1]";proto=http`},
		{"host that separates", Forwarded{Host: []byte("a;b=c,d"), Proto: "http"}, `for=unknown;host="a;b=c,d";proto=http`},
		{"host that is none", Forwarded{Host: []byte("a\"b"), Proto: "http"}, `for=unknown;proto=http`},
	}
	for _, tt := range tests {
		if got := string(tt.f.Append([]byte("x"))); got != "x"+tt.want {
			t.Errorf("%s: Append = %q, want %q", tt.name, got, "x"+tt.want)
		}
	}
}

func TestForwardedOfTrustedSources(t *testing.T) {
	f := Forwarded{For: netip.MustParseAddrPort("192.0.2.1:0"), Proto: "http"}
	const own = "for=192.0.2.1;proto=http"
	tests := []struct {
		name    string
		fields  []string
		trusted bool
		want    string
	}{
		{"none", nil, true, "Forwarded: " + own + "\n"},
		{"trusted", []string{"Forwarded: for=a", "forwarded: for=b, for=c"}, true, "Forwarded: for=a, for=b, for=c, " + own + "\n"},
		{"not trusted", []string{"Forwarded: for=a", "forwarded: for=b, for=c"}, false, "Forwarded: " + own + "\n"},
	}
	for _, tt := range tests {
		h := request{fields: tt.fields}.head()
		var c Changes
		f.Apply(h, &c, tt.trusted)
		if got := sent(h, &c); got != tt.want {
			t.Errorf("%s: sent\n%swant\n%s", tt.name, got, tt.want)
		}
	}
}

// parseForwarded reads one element as RFC 7239 section 4 writes it; ok is false
// if it is none.
func parseForwarded(s string) (pairs map[string]string, ok bool) {
	pairs = map[string]string{}
	for s != "" {
		name, rest, found := strings.Cut(s, "=")
		if !found || !isToken(name) || pairs[name] != "" {
			return nil, false
		}
		value, i := "", 0
		if strings.HasPrefix(rest, `"`) {
			for i = 1; i < len(rest) && rest[i] != '"'; i++ {
				if rest[i] == '\\' {
					i++
				}
				value += rest[i : i+1]
			}
			if i++; i > len(rest) {
				return nil, false
			}
		} else {
			for i < len(rest) && class[rest[i]]&inToken != 0 {
				i++
			}
			value = rest[:i]
		}
		pairs[name] = value
		if s = rest[i:]; s != "" && (s[0] != ';' || len(s) == 1) {
			return nil, false
		}
		s = strings.TrimPrefix(s, ";")
	}
	return pairs, true
}

// FuzzForwarded reads back what was written.
func FuzzForwarded(f *testing.F) {
	f.Add("2001:db8::1", uint16(80), "10.0.0.1", uint16(0), "a:80")
	f.Add("::ffff:1.2.3.4", uint16(0), "", uint16(1), `a";b=c`)
	f.Add("fe80::1%a\";x", uint16(1), "::", uint16(1), "[::1]:\r\n")
	f.Fuzz(func(t *testing.T, client string, port uint16, by string, byPort uint16, host string) {
		forAddr, _ := netip.ParseAddr(client)
		byAddr, _ := netip.ParseAddr(by)
		e := Forwarded{netip.AddrPortFrom(forAddr, port), netip.AddrPortFrom(byAddr, byPort), []byte(host), "https"}
		out := string(e.Append(nil))
		pairs, ok := parseForwarded(out)
		if !ok || message.EndOfValue([]byte(out), 0) != len(out) {
			t.Fatalf("Append of %+v = %q, which is no element", e, out)
		}
		for name, want := range map[string]netip.AddrPort{"for": e.For, "by": e.By} {
			text := pairs[name]
			if !want.Addr().IsValid() {
				if text != map[string]string{"for": "unknown"}[name] {
					t.Fatalf("Append of %+v = %q: %s is %q", e, out, name, text)
				}
				continue
			}
			want = netip.AddrPortFrom(want.Addr().Unmap().WithZone(""), want.Port())
			if want.Port() == 0 {
				text += ":0"
			}
			if got, err := netip.ParseAddrPort(text); got != want {
				t.Fatalf("Append of %+v = %q: %s is %v, %v", e, out, name, got, err)
			}
		}
		if _, fault := message.CheckHost([]byte(host)); fault == message.HostSound && pairs["host"] != host {
			t.Fatalf("Append of %+v = %q: host is %q", e, out, pairs["host"])
		} else if fault != message.HostSound && pairs["host"] != "" {
			t.Fatalf("Append of %+v = %q: the host is none", e, out)
		}
	})
}
