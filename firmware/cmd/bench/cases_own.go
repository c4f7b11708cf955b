// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// http1RelayFloor compares Evener with a relay that only moves bytes, on the
// same event loops: what is between the two is the price of HTTP. The relay is
// a subcommand of the program that is measured:
//
//	evener demo relay --listen ADDR --to ADDR
func http1RelayFloor(l *lab) ([]row, error) {
	if err := l.addAll(l.full(), evener); err != nil {
		return nil, err
	}
	if err := l.addRelay(); err != nil {
		l.broken = strings.TrimSpace(l.broken + " no relay: " + err.Error())
	}
	t, err := l.rounds(l.wrk("/", 64, 1))
	return []row{l.row("http1-relay-floor", perRequest, 1, "relay", 1.25, t)}, err
}

func (l *lab) addRelay() error {
	ports, err := freePorts(1)
	if err != nil {
		return err
	}
	relay := &proxy{label: "relay", kind: "relay", port: ports[0]}
	relay.process, err = startOn(l.ctx, proxyCPU, l.evener, "demo", "relay",
		"--listen", relay.addr(), "--to", fmt.Sprintf("127.0.0.1:%d", l.origin.http[0]))
	if err != nil {
		return err
	}
	if err := l.await(relay, checkHTTP); err != nil {
		relay.stop()
		return err
	}
	l.proxies = append(l.proxies, relay)
	return nil
}

// hotPath are the packages that serve a request, and hotBenchmarks those of
// their benchmarks that must not allocate.
var hotPath = []string{"./firmware/http1", "./firmware/match", "./firmware/balance", "./firmware/l7"}

const hotBenchmarks = "^Benchmark(ParseRequest|ParseResponse|AppendFields|Chunks|Match|Pick|Exchange)$"

// allocs runs Go's own benchmarks and takes the worst.
func allocs(l *lab) ([]row, error) {
	r := row{Case: "allocs", Unit: "allocations/operation, the worst", Peers: map[string]float64{}}
	found, err := l.allocations(hotBenchmarks, hotPath...)
	for name, n := range found {
		if r.Evener == nil || n > *r.Evener {
			r.Evener = &n
			r.Peers = map[string]float64{name: n}
		}
	}
	if err != nil {
		r.Note = err.Error()
	}
	r.judge()
	return []row{r}, nil
}

// allocsTLS says what a request over TLS allocates beyond crypto/tls's own, which
// stands beside it: 24 bytes for each record read, at the client's end and ours.
func allocsTLS(l *lab) ([]row, error) {
	const whole, bare = "BenchmarkSecureExchange/box", "BenchmarkSecureExchange/crypto-tls"
	r := row{Case: "allocs-tls", Unit: "allocations/request beyond crypto/tls", Peers: map[string]float64{}}
	found, err := l.allocations("^BenchmarkSecureExchange$", "./firmware/l7")
	if err != nil {
		r.Note = err.Error()
	}
	if len(found) == 2 {
		beyond := found[whole] - found[bare]
		r.Evener, r.Peers = &beyond, map[string]float64{"crypto/tls": found[bare]}
	}
	r.judge()
	return []row{r}, nil
}

var allocLine = regexp.MustCompile(`(?m)^(Benchmark\S+?)(?:-\d+)?\s.*\s(\d+) allocs/op$`)

// allocations runs benchmarks of Go and returns their allocations for each
// operation.
func (l *lab) allocations(pattern string, packages ...string) (map[string]float64, error) {
	args := append([]string{"test", "-run", "^$", "-bench", pattern, "-benchmem", "-benchtime", "2000x"}, packages...)
	out, err := exec.CommandContext(l.ctx, "go", args...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go test: %w: %.2000s", err, out)
	}
	return parseAllocations(string(out))
}

func parseAllocations(out string) (map[string]float64, error) {
	found := map[string]float64{}
	for _, m := range allocLine.FindAllStringSubmatch(out, -1) {
		n, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			return nil, err
		}
		found[m[1]] = n
	}
	return found, nil
}
