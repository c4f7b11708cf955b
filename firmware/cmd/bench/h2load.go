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

// h2load returns a load of HTTP/2 requests over TLS on kept connections, each of
// which has so many streams open.
func (l *lab) h2load(path string, connections, streams int) load {
	return func(p *proxy, d time.Duration) (work, error) {
		seconds := int(math.Ceil(d.Seconds())) // the same on all: a fraction is cut off
		cmd := exec.CommandContext(l.ctx, "h2load", "-t1", "-c", strconv.Itoa(connections),
			"-m", strconv.Itoa(streams), "-D", strconv.Itoa(seconds), p.url(path))
		out, err := cmd.CombinedOutput()
		if err != nil {
			return work{}, fmt.Errorf("h2load: %w: %s", err, out)
		}
		w, err := parseH2load(string(out))
		w.units = w.done
		return w, err
	}
}

var (
	h2loadTotal  = regexp.MustCompile(`finished in ([\d.]+[a-z]+)`)
	h2loadCounts = regexp.MustCompile(`(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout`)
	h2loadStatus = regexp.MustCompile(`(\d+) 2xx, `)
	h2loadALPN   = regexp.MustCompile(`(?m)^Application protocol: h2$`)
)

// parseH2load reads what h2load of nghttp2 1.x prints.
func parseH2load(out string) (w work, err error) {
	total, counts := h2loadTotal.FindStringSubmatch(out), h2loadCounts.FindStringSubmatch(out)
	status := h2loadStatus.FindStringSubmatch(out)
	if total == nil || counts == nil || status == nil || !h2loadALPN.MatchString(out) {
		return w, fmt.Errorf("h2load printed no total of HTTP/2: %q", out)
	}
	if w.took, err = time.ParseDuration(total[1]); err != nil {
		return w, err
	}
	var n [5]int // as h2loadCounts has them
	for i, s := range counts[1:] {
		if n[i], err = strconv.Atoi(s); err != nil {
			return w, err
		}
	}
	good, err := strconv.Atoi(status[1])
	w.done = float64(n[0])
	// An errored request is a failed one too; a status of another class is not.
	w.failed = n[2] + n[4] + n[1] - good
	return w, err
}
