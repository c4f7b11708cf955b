// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"evener/firmware/stats"
)

// What a box has served is in the charts of its peer: all of it when they meet, and
// each minute after that.
func TestChartsGoOnOnTheOtherBox(t *testing.T) {
	left, right, _ := newPair(t, 8080)
	start := time.Now().Truncate(time.Hour).Add(-2 * time.Hour)
	serve := func(d *desk, from, to int, n uint64) { // minutes after start
		c := d.cfg.Registry.Cluster("shop").Slot(0)
		for s := from * 60; s <= to*60; s++ {
			c.Requests.Add(n)
			d.cfg.History.Tick(start.Add(time.Duration(s) * time.Second))
		}
	}
	for _, d := range []*desk{left, right} {
		d.cfg.History = stats.NewHistory(stats.HistoryConfig{}, d.cfg.Registry, slog.New(slog.DiscardHandler))
	}
	seen := func(minute int) float32 {
		s := stats.Series{Kind: stats.ClusterKind, Name: "shop", Metric: "requests"}
		at := start.Add(time.Duration(minute) * time.Minute)
		table, err := right.cfg.History.Query([]stats.Series{s}, at, at.Add(time.Minute), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return table.Columns[0][0]
	}
	serve(left, 0, 62, 7)
	serve(right, 0, 62, 0)
	if got := seen(10); got != 0 {
		t.Fatalf("right has served %v a second before anybody told it", got)
	}
	snapshot(t, left, right, "history")
	if got := seen(10); got != 7 {
		t.Errorf("after a snapshot: %v a second, want 7", got)
	}
	serve(left, 63, 65, 9)
	serve(right, 63, 65, 0)
	left.tellHistory(start.Add(65 * time.Minute))
	if got := seen(64); got != 9 {
		t.Errorf("after another minute: %v a second, want 9", got)
	}
}

func TestHistoryOfAPeerIsChecked(t *testing.T) {
	left, _, _ := newPair(t, 8080)
	left.cfg.History = stats.NewHistory(stats.HistoryConfig{}, left.cfg.Registry, slog.New(slog.DiscardHandler))
	for name, c := range map[string]struct {
		key  string
		want string
	}{
		"empty":         {"", "the key of an hour"},
		"no hour":       {"cluster\x00shop\x00\x00", "the key of an hour"},
		"another parts": {"cluster\x00shop\x0012345678", "the key of an hour"},
		"the box":       {"engine\x00\x00\x0012345678", `not "engine"`},
		"no values":     {"cluster\x00shop\x00\x0012345678", "have 1 bytes"},
	} {
		err := tableOf(left, "history").Apply("right", []MirrorChange{{Key: []byte(c.key), Value: []byte("x")}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want ...%s...", name, err, c.want)
		}
	}
}
