// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// wrk returns a load of HTTP requests over kept connections. Each counts as
// unit units.
func (l *lab) wrk(path string, connections int, unit float64) load {
	return func(p *proxy, d time.Duration) (work, error) {
		seconds := int(math.Ceil(d.Seconds())) // wrk knows no fractions
		cmd := exec.CommandContext(l.ctx, "wrk", "-t1", "-c", strconv.Itoa(connections),
			"-d", strconv.Itoa(seconds)+"s", p.url(path))
		out, err := cmd.CombinedOutput()
		if err != nil {
			return work{}, fmt.Errorf("wrk: %w: %s", err, out)
		}
		w, err := parseWrk(string(out))
		w.units = w.done * unit
		return w, err
	}
}

var (
	wrkTotal  = regexp.MustCompile(`(\d+) requests in ([\d.]+m?s)`)
	wrkErrors = regexp.MustCompile(`Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)`)
	wrkStatus = regexp.MustCompile(`Non-2xx or 3xx responses: (\d+)`)
)

// parseWrk reads what wrk 4 prints.
func parseWrk(out string) (w work, err error) {
	total := wrkTotal.FindStringSubmatch(out)
	if total == nil {
		return w, fmt.Errorf("wrk printed no total: %q", out)
	}
	if w.done, err = strconv.ParseFloat(total[1], 64); err != nil {
		return w, err
	}
	if w.took, err = time.ParseDuration(total[2]); err != nil {
		return w, err
	}
	for _, re := range []*regexp.Regexp{wrkErrors, wrkStatus} {
		if m := re.FindStringSubmatch(out); m != nil {
			for _, s := range m[1:] {
				n, err := strconv.Atoi(s)
				if err != nil {
					return w, err
				}
				w.failed += n
			}
		}
	}
	return w, nil
}
