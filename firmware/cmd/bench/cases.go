// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"
)

// A benchCase is one comparison. It returns one row or more.
type benchCase struct {
	name string
	what string
	run  func(*lab) ([]row, error)
}

// cases are all comparisons, in the order of the table. The limits are what
// Evener wants to be: at most so much of the peer's cost.
var cases = []benchCase{
	{"http1-keepalive", "64 connections, 23-byte answers, cookies, X-Forwarded-For, 20 rules, metrics", http1Keepalive},
	{"http1-relay-floor", "the same beside a bare relay on the same event loops", http1RelayFloor},
	{"http1-1MiB", "16 connections, 1 MiB answers, HAProxy with splice", http1Large},
	{"http1-churn", "a connection for each request", http1Churn},
	{"rules-10000", "10 000 rules on host and path beside 10", manyRules},
	{"tcp-relay", "TCP clusters, messages of 100 bytes and replies of 1 MiB, HAProxy with splice", tcpRelay},
	{"tls-keepalive", "http1-keepalive with TLS 1.3 to the clients", tlsKeepalive},
	{"h2-keepalive", "HTTP/2 over TLS, 32 connections of 10 streams", h2Keepalive},
	{"tls-handshake", "a full TLS 1.3 handshake for each request: ECDSA P-256, X25519", tlsHandshake},
	{"tls-1MiB", "16 connections by TLS, 1 MiB answers", tlsLarge},
	{"idle-memory", "8000 idle kept connections", idleMemory},
	{"idle-memory-tls", "4000 idle connections by TLS, also after uploads of 16 KiB", idleMemoryTLS},
	{"idle-memory-h2", "4000 idle connections of HTTP/2 over TLS", idleMemoryH2},
	{"allocs", "heap allocations in the hot path", allocs},
	{"allocs-tls", "heap allocations of a request over TLS, beside crypto/tls alone", allocsTLS},
	{"management-load", "http1-keepalive with 50 clients of the console that follow everything, beside none", managementLoad},
	{"console-page", "a page of the console that stays open for ten minutes, 200 servers", pageCost},
	{"failover-switch", "a planned switch from box to box, in a lab of network namespaces", failoverSwitch},
	{"failover-crash-100ms", "the power of the active box goes, advertisements each 100 ms", failoverCrash("failover-crash-100ms", 100*time.Millisecond, 400)},
	{"failover-crash-10ms", "the same, advertisements each 10 ms", failoverCrash("failover-crash-10ms", 10*time.Millisecond, 80)},
	{"mirror-records", "1 000 000 records of persistence on a pair, 100 000 changes each second", mirrorRecords},
	{"image-size", "what is downloaded, written and kept of an image", imageSize},
	{"boot-bios", "the start of a box in a guest with a BIOS, x86-64", bootCase("boot-bios", biosMachine)},
	{"boot-uefi", "the same with UEFI", bootCase("boot-uefi", uefiMachine)},
	{"boot-arm64", "the same on arm64", bootCase("boot-arm64", arm64Machine)},
	{"idle-memory-appliance", "what an idle box takes of a guest's memory", idleAppliance},
	{"update", "an update of a box in a guest, from the upload to the first answer of the new version", updateCase},
	{"p99-half-rate", "latency at half of HAProxy's best rate, open loop", p99HalfRate},
}

// Units of cost.
const (
	perRequest = "CPU µs/request"
	perGB      = "CPU s/GB"
	gigabyte   = 1e9
)

// full is the setup with the features of a usual shop.
func (l *lab) full() setup {
	return setup{origins: l.origin.http, persist: true, rules: 20}
}

func http1Keepalive(l *lab) ([]row, error) {
	if err := l.addAll(l.full(), evener, haproxy, nginx); err != nil {
		return nil, err
	}
	t, err := l.rounds(l.wrk("/", 64, 1))
	return []row{l.row("http1-keepalive", perRequest, 1, haproxy, 0.75, t)}, err
}

func http1Large(l *lab) ([]row, error) {
	s := setup{origins: l.origin.http, splice: true}
	if err := l.addAll(s, evener, haproxy, nginx); err != nil {
		return nil, err
	}
	t, err := l.rounds(l.wrk("/large", 16, mebibyte/gigabyte))
	return []row{l.row("http1-1MiB", perGB, 1e-6, haproxy, 1, t)}, err
}

func http1Churn(l *lab) ([]row, error) {
	if err := l.addAll(l.full(), evener, haproxy, nginx); err != nil {
		return nil, err
	}
	t, err := l.rounds(churn)
	return []row{l.row("http1-churn", perRequest, 1, haproxy, 0.9, t)}, err
}

// manyRules compares Evener with itself; HAProxy, whose rules are a list, shows
// what is at stake.
func manyRules(l *lab) ([]row, error) {
	few := setup{origins: l.origin.http, rules: 10, hosts: true}
	many := few
	many.rules = 10000
	for _, p := range []struct {
		label, kind string
		setup       setup
	}{{evener, evener, many}, {"evener-10", evener, few}, {haproxy, haproxy, many}, {"haproxy-10", haproxy, few}} {
		if err := l.add(p.label, p.kind, p.setup); err != nil {
			return nil, err
		}
	}
	t, err := l.rounds(l.wrk("/", 64, 1))
	return []row{l.row("rules-10000", perRequest, 1, "evener-10", 1.2, t)}, err
}

func tcpRelay(l *lab) ([]row, error) {
	s := setup{origins: []int{l.origin.tcpPort()}, tcp: true, splice: true}
	if err := l.addAll(s, evener, haproxy); err != nil {
		return nil, err
	}
	small, err := l.rounds(tcpExchanges(32, 'S', messageSize, 1))
	if err != nil {
		return nil, err
	}
	large, err := l.rounds(tcpExchanges(8, 'L', mebibyte, mebibyte/gigabyte))
	return []row{
		l.row("tcp-relay/100B", "CPU µs/exchange", 1, haproxy, 0.9, small),
		l.row("tcp-relay/1MiB", perGB, 1e-6, haproxy, 0.9, large),
	}, err
}

// p99HalfRate measures latency, not cost: the tallies' costs are microseconds
// of the 99th percentile.
func p99HalfRate(l *lab) ([]row, error) {
	if err := l.addAll(l.full(), evener, haproxy, nginx); err != nil {
		return nil, err
	}
	rate, err := l.bestRate(haproxy)
	if err != nil {
		return nil, err
	}
	tallies := map[string]*tally{}
	for range l.options.rounds {
		for _, p := range l.proxies {
			sorted, err := openLoopRun(p.addr(), rate/2, 64, l.duration)
			if err != nil {
				if p.kind != evener {
					return nil, p.or(err)
				}
				l.broken = p.or(err).Error()
				continue
			}
			t := tallies[p.label]
			if t == nil {
				t = &tally{}
				tallies[p.label] = t
			}
			t.costs = append(t.costs, float64(percentile(sorted, 0.99))/float64(time.Microsecond))
			t.rates = append(t.rates, rate/2)
		}
	}
	return []row{l.row("p99-half-rate", "µs, 99th percentile", 1, haproxy, 1, tallies)}, nil
}

// bestRate returns how many requests a second the labelled proxy serves.
func (l *lab) bestRate(label string) (float64, error) {
	for _, p := range l.proxies {
		if p.label == label {
			w, err := l.wrk("/", 64, 1)(p, 2*time.Second)
			return w.done / w.took.Seconds(), err
		}
	}
	panic("no proxy " + label)
}
