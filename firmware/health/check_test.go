// SPDX-License-Identifier: Apache-2.0

package health

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestCheckProbe(t *testing.T) {
	for _, tt := range []struct {
		name string
		p    ProbeConfig
		want string // within the error; empty: there is none
	}{
		{"icmp", ProbeConfig{Type: ICMP}, ""},
		{"tcp", ProbeConfig{Type: TCP}, ""},
		{"tls", ProbeConfig{Type: TLS}, ""},
		{"http", ProbeConfig{Type: HTTP}, ""},
		{"agent", ProbeConfig{Type: Agent}, ""},
		{"simple", ProbeConfig{Type: Simple}, ""},
		{"acv", ProbeConfig{Type: ACV, Expect: "x"}, ""},
		{"no type", ProbeConfig{}, "type must be"},
		{"unknown type", ProbeConfig{Type: "udp"}, `not "udp"`},
		{"acv without expect", ProbeConfig{Type: ACV}, "expect or expect_regex is missing"},
		{"two expectations", ProbeConfig{Type: ACV, Expect: "x", ExpectRegex: "x"}, "only one"},
		{"bad regex", ProbeConfig{Type: HTTP, ExpectRegex: "("}, "expect_regex: error parsing"},
		{"within", ProbeConfig{Type: HTTP, Within: 1<<20 + 1}, "within must be"},
		{"expect too long", ProbeConfig{Type: HTTP, Expect: "abc", Within: 2}, "longer than the 2 bytes"},
		{"interval", ProbeConfig{Type: TCP, Interval: -1}, "interval must be"},
		{"jitter", ProbeConfig{Type: TCP, Jitter: 51}, "jitter must be"},
		{"timeout", ProbeConfig{Type: TCP, DataTimeout: -time.Second}, "timeout must be"},
		{"fall", ProbeConfig{Type: TCP, Fall: -1}, "must be positive"},
		{"request splitting by path", ProbeConfig{Type: HTTP, Path: "/ HTTP/1.1\r\nX: y"}, "path must"},
		{"relative path", ProbeConfig{Type: HTTP, Path: "x"}, "path must"},
		{"request splitting by host", ProbeConfig{Type: HTTP, Host: "a\r\nb"}, "host must"},
		{"request splitting by method", ProbeConfig{Type: HTTP, Method: "GET /"}, "method must"},
		{"CONNECT", ProbeConfig{Type: HTTP, Method: "CONNECT"}, "method must"},
		{"HEAD with body", ProbeConfig{Type: HTTP, Method: "HEAD", Expect: "x"}, "HEAD has no body"},
		{"status", ProbeConfig{Type: HTTP, Status: []int{200, 42}}, "not 42"},
		{"weight", ProbeConfig{Type: Simple, Weight: 101}, "weight must"},
		{"no range", ProbeConfig{Type: Simple, Healthy: 5, Loaded: 5}, "different numbers"},
		{"infinite range", ProbeConfig{Type: Simple, Loaded: math.Inf(1)}, "different numbers"},
		{"too wide a range", ProbeConfig{Type: Simple, Healthy: -1.7e308, Loaded: 1.7e308}, "different numbers"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.p.Check()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("Check(%+v) = %v, want %q", tt.p, err, tt.want)
			}
		})
	}
}

func TestCheckReportsEveryMistake(t *testing.T) {
	err := Check([]Target{
		target(1, tcp, tcp, ProbeConfig{Type: TCP}),
		target(1),
		{Pool: "shop", Member: "web2"},
		target(3, ProbeConfig{Name: "x", Type: TCP}, ProbeConfig{Name: "x", Type: ICMP, Jitter: 99}),
	})
	want := "member \"web1\" of pool \"shop\": is there twice\n" +
		"member \"web2\" of pool \"shop\": has no address\n" +
		"member \"web3\" of pool \"shop\": probe \"x\": jitter must be 0 to 50 per cent, not 99\n" +
		"is there twice"
	if err == nil || err.Error() != want {
		t.Errorf("Check = %v\nwant %s", err, want)
	}
}

func TestProbeNames(t *testing.T) {
	tg := target(1, tcp, ProbeConfig{Type: HTTP}, tcp, ProbeConfig{Name: "db", Type: TCP}, tcp)
	var got []string
	for _, p := range tg.probes() {
		got = append(got, p.Name)
	}
	if want := "tcp http tcp-2 db tcp-4"; strings.Join(got, " ") != want {
		t.Errorf("names %q, want %q", got, want)
	}
}
