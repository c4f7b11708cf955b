// SPDX-License-Identifier: Apache-2.0

package health

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func plan(member string, interval time.Duration, jitter int) schedule {
	p := ProbeConfig{Type: TCP, Interval: interval, Jitter: jitter}.withDefaults()
	return newSchedule(epoch, "shop", member, p)
}

func TestScheduleKeepsItsGrid(t *testing.T) {
	s := plan("web1", 15*time.Second, 0)
	due := s.next(epoch, epoch)
	for range 1000 {
		next := s.next(due, due.Add(3*time.Millisecond))
		if next.Sub(due) != 15*time.Second {
			t.Fatalf("from %v to %v, want 15s later", due, next)
		}
		due = next
	}
}

func TestScheduleJitterDoesNotAddUp(t *testing.T) {
	const interval, rounds = 10 * time.Second, 1000
	plain, jittered := plan("web1", interval, 0), plan("web1", interval, 50)
	due, late := jittered.next(epoch, epoch), make(map[time.Duration]bool)
	grid := plain.next(epoch, epoch)
	for i := range rounds {
		if by := due.Sub(grid); by < 0 || by >= interval/2 {
			t.Fatalf("round %d: %v late, want 0s to 5s", i, by)
		}
		late[due.Sub(grid).Truncate(time.Second)] = true
		due = jittered.next(due, due.Add(time.Millisecond))
		grid = grid.Add(interval)
	}
	if len(late) != 5 {
		t.Errorf("lateness in whole seconds: %v, want each of 0s to 4s", late)
	}
}

func TestScheduleSpreadsMembers(t *testing.T) {
	const n, interval = 10_000, 15 * time.Second
	var first, steady [20]int
	for i := range n {
		s := plan(fmt.Sprintf("web%d", i), interval, 0)
		first[s.first(epoch).Sub(epoch)*20/startSpread]++
		steady[s.next(epoch, epoch.Add(interval)).Sub(epoch.Add(interval))*20/interval%20]++
	}
	for i := range first {
		if first[i] < n/20*8/10 || steady[i] < n/20*8/10 {
			t.Errorf("part %d of 20: %d first and %d later probes, want about %d",
				i, first[i], steady[i], n/20)
		}
	}
}

func TestScheduleFollowsFromNamesAlone(t *testing.T) {
	a, b := plan("web1", time.Minute, 10), plan("web1", time.Minute, 10)
	if a.next(epoch, epoch) != b.next(epoch, epoch) || a.first(epoch) != b.first(epoch) {
		t.Error("two schedules of the same names differ")
	}
	if c := plan("web2", time.Minute, 10); a.next(epoch, epoch) == c.next(epoch, epoch) {
		t.Error("the schedules of two members are equal")
	}
	p := ProbeConfig{Name: "x", Type: TCP}.withDefaults()
	if newSchedule(epoch, "ab", "c", p).seed == newSchedule(epoch, "a", "bc", p).seed {
		t.Error("names run into each other")
	}
}

func TestScheduleLeavesOutWhatPassed(t *testing.T) {
	s := plan("web1", 10*time.Second, 50)
	for _, jump := range []time.Duration{0, time.Minute, 1000 * time.Hour} {
		asked := s.next(epoch, epoch)
		now := asked.Add(jump)
		due := s.next(asked, now)
		if wait := due.Sub(now); wait <= 0 || wait > 20*time.Second {
			t.Errorf("after %v: due in %v, want soon but later", jump, wait)
		}
	}
}

func TestScheduleIsNeverEarly(t *testing.T) {
	s := plan("web1", 10*time.Second, 50)
	asked := s.first(epoch)
	for range 1000 {
		due := s.next(asked, asked.Add(time.Millisecond))
		if gap := due.Sub(asked); gap < 5*time.Second || gap > 20*time.Second {
			t.Fatalf("gap of %v, want 5s to 20s", gap)
		}
		asked = due
	}
}

func TestQueueAgainstSorting(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var q queue
	var want []*probe
	for range 5000 {
		switch {
		case len(want) == 0 || r.IntN(5) < 3:
			p := &probe{due: epoch.Add(time.Duration(r.Int64N(1e15)))}
			q.add(p)
			want = append(want, p)
			slices.SortFunc(want, func(a, b *probe) int { return a.due.Compare(b.due) })
		case r.IntN(2) == 0:
			i := r.IntN(len(want))
			q.take(want[i])
			q.take(want[i]) // a second time does nothing
			want = slices.Delete(want, i, i+1)
		default:
			if q[0] != want[0] {
				t.Fatalf("first is due at %v, want %v", q[0].due, want[0].due)
			}
			q.take(want[0])
			want = want[1:]
		}
		if len(q) != len(want) {
			t.Fatalf("%d waiting, want %d", len(q), len(want))
		}
	}
}
