// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// at returns a time so many milliseconds after another.
func at(ms int) time.Time { return time.Unix(1000, 0).Add(time.Duration(ms) * time.Millisecond) }

func TestLongestGap(t *testing.T) {
	bad := errors.New("reset")
	answers := []answer{
		{stream: 0, ended: at(0)},
		{stream: 0, ended: at(500)}, // before anything happened
		{stream: 0, ended: at(530)},
		{stream: 0, ended: at(510), err: bad}, // is no answer
		{stream: 1, ended: at(490)},
		{stream: 1, ended: at(560)},
		{stream: 0, ended: at(540)},
	}
	if got := longestGap(answers, at(505)); got != 70*time.Millisecond {
		t.Errorf("longestGap = %v, want the 70ms of stream 1", got)
	}
	if got := longestGap(answers[:4], at(505)); got != 30*time.Millisecond {
		t.Errorf("longestGap = %v, want 30ms, because a failure is no answer", got)
	}
	if got := failures(answers); got != 1 {
		t.Errorf("failures = %d, want 1", got)
	}
}

func TestTellFailed(t *testing.T) {
	got := tellFailed([]answer{
		{began: at(-3), ended: at(210), err: errors.New("reset")},
		{began: at(1), ended: at(2)},
		{stream: 2, began: at(20), ended: at(21), err: errors.New("EOF")},
	}, at(0))
	want := []string{
		"a fresh connection, begun at -3.0 ms, ended at +210.0 ms: reset",
		"kept connection 2, begun at +20.0 ms, ended at +21.0 ms: EOF",
	}
	if !slices.Equal(got, want) {
		t.Errorf("tellFailed = %q, want %q", got, want)
	}
}

func TestServedSince(t *testing.T) {
	answers := []answer{
		{began: at(0), ended: at(300)}, // of the box that is gone, or a packet sent twice
		{began: at(20), ended: at(40), err: errors.New("no route")},
		{began: at(15), ended: at(120)},
	}
	if !servedSince(answers, at(10)) {
		t.Error("the answer to who asked at 15 ms is not seen")
	}
	if servedSince(answers, at(15)) {
		t.Error("who asked at 15 ms or before has an answer, or a refusal is one")
	}
}

func TestSumUp(t *testing.T) {
	sum := func(values map[string][][]float64, note string) []row {
		return sumUp("f", standbyPeer, "how", []metric{{"/failed", "requests", 0}, {"/gap", "ms", 100}}, values, note)
	}
	rows := sum(map[string][][]float64{evener: {{0, 50}, {1, 90}, {0, 70}}, standbyPeer: {{4, 140}, {2, 100}, {0, 120}}}, "")
	for i, want := range []struct {
		name              string
		ours, peer, ratio float64
		ok                bool
	}{
		{"f/failed", 0, 2, 0, true}, {"f/failed/worst", 1, 4, 0.25, false},
		{"f/gap", 70, 120, 70.0 / 120, true}, {"f/gap/worst", 90, 140, 90.0 / 140, true},
	} {
		r := rows[i]
		if r.Case != want.name || *r.Evener != want.ours || r.Peers[standbyPeer] != want.peer || math.Abs(*r.Ratio-want.ratio) > 1e-9 || r.OK != want.ok {
			t.Errorf("row %d = %+v, want %+v", i, r, want)
		}
	}
	for _, r := range sum(map[string][][]float64{evener: {{0, 5}}}, "keepalived is not installed") {
		if r.OK || r.Ratio != nil || len(r.Peers) > 0 || r.Evener == nil || r.Note == "" {
			t.Errorf("a row without the peer = %+v, want Evener's value, the reason, and not ok", r)
		}
	}
	for _, r := range sum(nil, "no root") {
		if r.OK || r.Evener != nil || r.Note == "" {
			t.Errorf("a row without anything = %+v, want the reason and no number", r)
		}
	}
}

// TestStandbyPeersTakeTheirConfiguration asks them.
func TestStandbyPeersTakeTheirConfiguration(t *testing.T) {
	if err := requirePrograms(haproxy, "keepalived"); err != nil {
		t.Skip(err)
	}
	file := filepath.Join(t.TempDir(), "config")
	check := func(text string, command ...string) (string, error) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
		return string(out), err
	}
	if out, err := check(peerProxy, haproxy, "-c", "-L", "left", "-f", file); err != nil {
		t.Errorf("haproxy: %v\n%s", err, out)
	}
	for box, interval := range []time.Duration{100 * time.Millisecond, 10 * time.Millisecond} {
		out, err := check(peerRouter(box, interval), "keepalived", "--config-test", "--log-console", "--use-file", file)
		for line := range strings.Lines(out) {
			if !strings.Contains(line, "nterface") { // the lab's is not here
				t.Errorf("keepalived: %v: %s", err, line)
			}
		}
	}
}
