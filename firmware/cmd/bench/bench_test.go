// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"evener/firmware/config"
)

func TestParseWrk(t *testing.T) {
	const head = "Running 1s test @ http://127.0.0.1:1/\n  1 threads and 64 connections\n"
	for _, tt := range []struct {
		name, in string
		want     work
	}{
		{"clean", head + "  25011 requests in 1.10s, 4.01MB read\nRequests/sec:  22737.27\n",
			work{done: 25011, took: 1100 * time.Millisecond}},
		{"errors", head + "  7 requests in 900.00ms, 1KB read\n  Socket errors: connect 1, read 2, write 3, timeout 4\n" +
			"  Non-2xx or 3xx responses: 5\n", work{done: 7, took: 900 * time.Millisecond, failed: 15}},
	} {
		if got, err := parseWrk(tt.in); err != nil || got != tt.want {
			t.Errorf("%s: parseWrk = %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
	if _, err := parseWrk("unable to connect"); err == nil {
		t.Error("parseWrk of a failure = nil, want an error")
	}
}

func TestParseStat(t *testing.T) {
	const in = "42 (a ) (b) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 8 9 20 0 1 0 100 1000 3 184467\n"
	got, err := parseStat(in)
	want := stat{parent: 7, cpu: 2 * time.Second, rss: 3 * int64(os.Getpagesize())}
	if err != nil || got != want {
		t.Errorf("parseStat = %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"", "42 (x) S 1", strings.Replace(in, "150", "x", 1)} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("parseStat(%q) = nil, want an error", bad)
		}
	}
}

func TestUsageCountsDescendants(t *testing.T) {
	p, err := startOn(t.Context(), 0, "sh", "-c", "sh -c 'while :; do :; done' & wait")
	if err != nil {
		t.Skip(err)
	}
	var pids []int
	defer func() {
		for _, pid := range slices.Backward(pids) {
			if proc, err := os.FindProcess(pid); err == nil {
				_ = proc.Kill()
			}
		}
		<-p.done
	}()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		u, err := p.usage()
		if err != nil {
			t.Fatal(err)
		}
		if pids, err = descendants(p.cmd.Process.Pid); err != nil {
			t.Fatal(err)
		}
		if u.cpu >= 50*time.Millisecond && u.rss > 0 && len(pids) == 2 {
			return
		}
	}
	t.Error("the processor time of a child is not counted")
}

func TestMedianAndPercentile(t *testing.T) {
	for _, tt := range []struct {
		in   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(tt.in); got != tt.want {
			t.Errorf("median(%v) = %v, want %v", tt.in, got, tt.want)
		}
	}
	var sorted []time.Duration
	for i := range 1000 {
		sorted = append(sorted, time.Duration(i))
	}
	if got := percentile(sorted, 0.99); got != 990 {
		t.Errorf("percentile = %d, want 990", got)
	}
	if got := percentile(sorted[:1], 0.99); got != 0 {
		t.Errorf("percentile of one = %d, want it", got)
	}
}

func TestRowJudges(t *testing.T) {
	value := func(f float64) *float64 { return &f }
	for _, tt := range []struct {
		name string
		in   row
		want bool
	}{
		{"below the limit", row{Evener: value(8), Peers: map[string]float64{"p": 10}, Against: "p", Limit: 0.8}, true},
		{"above it", row{Evener: value(9), Peers: map[string]float64{"p": 10}, Against: "p", Limit: 0.8}, false},
		{"with failures", row{Evener: value(8), Peers: map[string]float64{"p": 10}, Against: "p", Limit: 0.8, Note: "failed"}, false},
		{"not measured", row{Peers: map[string]float64{"p": 10}, Against: "p", Limit: 0.8}, false},
		{"without the peer", row{Evener: value(8), Against: "p", Limit: 0.8}, false},
		{"absolute, below the limit", row{Evener: value(8), Peers: map[string]float64{"p": 2}, Against: "p", Absolute: true, Limit: 9}, true},
		{"absolute, above the limit", row{Evener: value(8), Peers: map[string]float64{"p": 20}, Against: "p", Absolute: true, Limit: 7}, false},
		{"absolute, with failures", row{Evener: value(8), Peers: map[string]float64{"p": 20}, Against: "p", Absolute: true, Limit: 9, Note: "failed"}, false},
		{"no peer wanted", row{Evener: value(0), Limit: 0}, true},
		{"no peer wanted, above", row{Evener: value(1), Limit: 0}, false},
	} {
		if tt.in.judge(); tt.in.OK != tt.want {
			t.Errorf("%s: ok = %v, want %v", tt.name, tt.in.OK, tt.want)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"CASE", "http1-quick", "there are: http1-keepalive"},
		{"ROUNDS", "0", "ROUNDS must be"},
		{"DURATION", "5", "such as 5s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(tt.name, tt.value)
			if err := run(t.Context(), nil, os.Stderr); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("run = %v, want %q", err, tt.want)
			}
		})
	}
}

// TestPeersTakeTheirConfiguration asks the peers themselves.
func TestPeersTakeTheirConfiguration(t *testing.T) {
	if err := requirePrograms("haproxy", "nginx"); err != nil {
		t.Skip(err)
	}
	id := testIdentity(t)
	for name, s := range map[string]setup{
		"tls":    {listen: 1, metrics: 2, origins: []int{3, 4}, persist: true, rules: 20, identity: id},
		"h2":     {listen: 1, metrics: 2, origins: []int{3, 4}, identity: id, http2: true},
		"full":   {listen: 1, metrics: 2, origins: []int{3, 4}, persist: true, rules: 20},
		"splice": {listen: 1, metrics: 2, origins: []int{3, 4}, splice: true},
		"rules":  {listen: 1, metrics: 2, origins: []int{3}, rules: 1000, hosts: true},
		"tcp":    {listen: 1, metrics: 2, origins: []int{3}, tcp: true, splice: true},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "config")
		check := func(text string, command ...string) {
			t.Helper()
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %v\n%s", name, command[0], err, out)
			}
		}
		check(haproxyConfig(s), "haproxy", "-c", "-f", file)
		if !s.tcp {
			check(nginxConfig(s, dir), "nginx", "-t", "-p", dir, "-c", file, "-e", "stderr")
		}
	}
}

func TestEvenerTakesItsConfiguration(t *testing.T) {
	id := testIdentity(t)
	for name, s := range map[string]setup{
		"tls":   {listen: 1000, metrics: 2000, origins: []int{3000, 4000}, persist: true, rules: 20, identity: id},
		"h2":    {listen: 1000, metrics: 2000, origins: []int{3000}, identity: id, http2: true},
		"full":  {listen: 1000, metrics: 2000, origins: []int{3000, 4000}, persist: true, rules: 20},
		"rules": {listen: 1000, metrics: 2000, origins: []int{3000}, rules: 1000, hosts: true},
		"tcp":   {listen: 1000, metrics: 2000, origins: []int{3000}, tcp: true, splice: true},
	} {
		if _, diags := config.Parse(name, []byte(evenerConfig(s))); len(diags) > 0 {
			t.Errorf("%s: %v\n%.2000s", name, diags, evenerConfig(s))
		}
	}
}

// serveSmall answers every request head with the small body.
func serveSmall(t *testing.T) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for in := bufio.NewScanner(c); in.Scan(); {
					if strings.HasPrefix(in.Text(), "Connection: close") {
						fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(smallBody), smallBody)
						return
					}
					if in.Text() == "" {
						fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(smallBody), smallBody)
					}
				}
			}()
		}
	}()
	return &proxy{port: ln.Addr().(*net.TCPAddr).Port}
}

func TestClientsWork(t *testing.T) {
	p := serveSmall(t)
	if w, err := churn(p, 20*time.Millisecond); err != nil || w.done == 0 || w.failed > 0 || w.units != w.done {
		t.Errorf("churn = %+v, %v, want requests and no failure", w, err)
	}
	visitors, err := idleConnections(p, 20, nil, 0)
	if err != nil || len(visitors) != 20 {
		t.Fatalf("idleConnections = %d, %v, want 20", len(visitors), err)
	}
	for _, v := range visitors {
		if err := v.get(); err != nil {
			t.Error(err)
		}
		v.Close()
	}
	latencies, err := openLoopRun(p.addr(), 2000, 4, 50*time.Millisecond)
	if err != nil || len(latencies) != 100 || !slices.IsSorted(latencies) {
		t.Errorf("openLoopRun = %d latencies, %v, want 100, sorted", len(latencies), err)
	}
}

func TestClientsNoticeFailure(t *testing.T) {
	ports, err := freePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	nobody := &proxy{port: ports[0]}
	if w, _ := churn(nobody, 20*time.Millisecond); w.failed == 0 || w.done > 0 {
		t.Errorf("churn = %+v, want failures", w)
	}
	if _, err := openLoopRun(nobody.addr(), 100, 1, 20*time.Millisecond); err == nil {
		t.Error("openLoopRun = nil, want that nobody listens")
	}
	if _, err := idleConnections(nobody, 1, nil, 0); err == nil {
		t.Error("idleConnections = nil, want that nobody listens")
	}
}

func TestTCPExchanges(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go serveTCP(ln)
	p := &proxy{port: ln.Addr().(*net.TCPAddr).Port}
	for _, size := range []int{messageSize, mebibyte} {
		kind := byte('S')
		if size == mebibyte {
			kind = 'L'
		}
		w, err := tcpExchanges(2, kind, size, 0.5)(p, 20*time.Millisecond)
		if err != nil || w.failed > 0 || w.done == 0 || w.units != w.done/2 {
			t.Errorf("%d bytes: %+v, %v, want exchanges and no failure", size, w, err)
		}
	}
}

func TestJSONHasTheRows(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bench.json")
	r := row{Case: "c", Unit: "u", Limit: 1, Peers: map[string]float64{"p": 2}}
	if err := writeJSON(file, []row{r}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`"case": "c"`, `"evener": null`, `"peers": {`, `"ratio": null`, `"unit": "u"`, `"limit": 1`, `"ok": false`}
	for _, w := range want {
		if !strings.Contains(string(got), w) {
			t.Errorf("bench.json lacks %s:\n%s", w, got)
		}
	}
}

func TestManagementRowPairsItsRounds(t *testing.T) {
	// By the medians alone the watched box costs less; in most pairs it takes 4 % more of a processor.
	tallies := map[string]*tally{
		evener:      {costs: []float64{17, 40, 18}, rates: []float64{40000, 20000, 40000}},
		"unwatched": {costs: []float64{16, 38, 20}, rates: []float64{40000, 20000, 40000}},
	}
	l := &lab{}
	if r := l.managementRow(tallies); r.Evener == nil || math.Abs(*r.Evener-4) > 1e-9 || r.OK {
		t.Errorf("lost: %s, ok is %v; want 4 %%, which is too much", number(r.Evener), r.OK)
	}
	tallies[evener].costs = []float64{16.5, 39, 18}
	if r := l.managementRow(tallies); r.Evener == nil || math.Abs(*r.Evener-2) > 1e-9 || !r.OK {
		t.Errorf("lost: %s, ok is %v; want 2 %%, which is well", number(r.Evener), r.OK)
	}
	tallies["unwatched"].costs = tallies["unwatched"].costs[:2]
	if r := l.managementRow(tallies); r.Evener != nil || r.OK {
		t.Errorf("rounds without another are compared: %s", number(r.Evener))
	}
}
