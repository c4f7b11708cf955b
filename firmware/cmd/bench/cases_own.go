// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
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
	if err := l.await(relay, false); err != nil {
		relay.stop()
		return err
	}
	l.proxies = append(l.proxies, relay)
	return nil
}

// idleCount is how many connections idleMemory opens: what a limit of 20 000
// descriptors allows with room to spare.
const idleCount = 8000

// idleLimit is the most that a connection may take, in KiB: about HAProxy's and
// nginx's share taken together.
const idleLimit = 1.5

// idleMemory starts a fresh proxy for each measurement, because none gives
// memory back.
func idleMemory(l *lab) ([]row, error) {
	tallies := map[string]*tally{}
	for range min(l.options.rounds, 3) {
		for _, kind := range []string{evener, haproxy, nginx} {
			bytes, err := l.idleBytes(kind)
			if err != nil && kind != evener || l.ctx.Err() != nil {
				return nil, err
			}
			if err != nil {
				l.broken = err.Error()
				continue
			}
			if tallies[kind] == nil {
				tallies[kind] = &tally{}
			}
			tallies[kind].costs = append(tallies[kind].costs, bytes)
			fmt.Fprintf(l.progress, "  %-14s %8.0f bytes\n", kind, bytes)
		}
	}
	r := l.row("idle-memory", "KiB/connection", 1.0/1024, haproxy, 1, tallies)
	r.Rates, r.Against, r.Ratio, r.Limit = nil, "", nil, idleLimit
	r.judge()
	return []row{r}, nil
}

func (l *lab) idleBytes(kind string) (float64, error) {
	p, err := l.start(kind, kind, l.full())
	if err != nil {
		return 0, err
	}
	defer p.stop()
	before, err := p.usage()
	if err != nil {
		return 0, err
	}
	conns, err := idleConnections(p, idleCount)
	for _, c := range conns {
		defer c.Close()
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", kind, p.or(err))
	}
	time.Sleep(time.Second) // what the proxy does when it is idle belongs to it
	after, err := p.usage()
	if err != nil {
		return 0, err
	}
	for _, c := range []int{0, idleCount / 2, idleCount - 1} {
		if err := probeAlive(conns[c]); err != nil {
			return 0, fmt.Errorf("%s: idle connection %d: %w", kind, c, err)
		}
	}
	return float64(after.rss-before.rss) / idleCount, nil
}

// hotPath are the packages that serve a request, and hotBenchmarks those of
// their benchmarks that must not allocate.
var hotPath = []string{"./firmware/http1", "./firmware/match", "./firmware/balance", "./firmware/l7"}

const hotBenchmarks = "^Benchmark(ParseRequest|ParseResponse|AppendFields|Chunks|Match|Pick|Exchange)$"

var allocLine = regexp.MustCompile(`(?m)^(Benchmark\S+).*\s(\d+) allocs/op$`)

// allocs runs Go's own benchmarks and takes the worst.
func allocs(l *lab) ([]row, error) {
	args := append([]string{"test", "-run", "^$", "-bench", hotBenchmarks, "-benchmem", "-benchtime", "2000x"}, hotPath...)
	out, err := exec.CommandContext(l.ctx, "go", args...).CombinedOutput()
	r := row{Case: "allocs", Unit: "allocations/operation, the worst", Peers: map[string]float64{}}
	found := allocLine.FindAllStringSubmatch(string(out), -1)
	for _, m := range found {
		n, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			return nil, err
		}
		if r.Evener == nil || n > *r.Evener {
			r.Evener = &n
			r.Peers = map[string]float64{m[1]: n}
		}
	}
	if err != nil {
		r.Note = fmt.Sprintf("go test: %v: %.2000s", err, out)
	}
	r.judge()
	return []row{r}, nil
}
