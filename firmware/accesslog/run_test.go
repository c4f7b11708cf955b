// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var errFull = errors.New("no space left on device")

// A disk is a destination with so much room: a write takes what fits and then fails,
// as a file on a full file system does.
type disk struct {
	mu     sync.Mutex // guards what follows
	text   bytes.Buffer
	room   int
	tries  int
	closed bool
}

func (d *disk) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tries++
	n := min(len(b), d.room)
	d.room -= n
	d.text.Write(b[:n])
	if n < len(b) {
		return n, errFull
	}
	return n, nil
}

func (d *disk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	return nil
}

func (d *disk) setRoom(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = n
}

func (d *disk) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

// newTestLog returns a log that writes generations to d, one a line.
func newTestLog(t *testing.T, loops, buffer int, d destination, diary *bytes.Buffer) *Log {
	t.Helper()
	f, err := newFormat("json", []string{"generation"})
	if err != nil {
		t.Fatal(err)
	}
	l := &Log{
		log:    slog.New(slog.NewTextHandler(diary, nil)),
		wake:   make(chan struct{}, 1),
		target: &target{path: "disk", dest: d, format: f},
	}
	for range loops {
		l.slots = append(l.slots, newSlot(buffer, l.wake))
	}
	return l
}

// start runs l and returns what ends it.
func start(t *testing.T, l *Log) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- l.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

// generations returns the numbers in the log, and fails on a line that is torn.
func generations(t *testing.T, text string) (all []uint64) {
	t.Helper()
	for line := range strings.Lines(text) {
		var v struct{ Generation *uint64 }
		if err := json.Unmarshal([]byte(line), &v); err != nil || v.Generation == nil || !strings.HasSuffix(line, "}\n") {
			t.Errorf("line %q is torn: %v", line, err)
			continue
		}
		all = append(all, *v.Generation)
	}
	return all
}

func put(l *Log, loop int, from, to uint64) (ok int) {
	for g := from; g < to; g++ {
		if l.Slot(loop).Put(&Record{Generation: g}) {
			ok++
		}
	}
	return ok
}

func TestRecordsAreWrittenSoonAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: 1 << 20}
		var diary bytes.Buffer
		l := newTestLog(t, 2, 16, d, &diary)
		stop := start(t, l)
		put(l, 0, 1, 3)
		put(l, 1, 10, 11)
		time.Sleep(flushEvery)
		synctest.Wait()
		if got := generations(t, d.String()); len(got) != 3 || l.Written() != 3 {
			t.Errorf("after %v the log has %v, written %d; want 3 lines", flushEvery, got, l.Written())
		}
		put(l, 1, 11, 15)
		stop()
		if got := generations(t, d.String()); len(got) != 7 || got[6] != 14 {
			t.Errorf("at the end the log has %v, want 7 lines", got)
		}
		if !d.closed || diary.Len() != 0 || l.Drops() != 0 {
			t.Errorf("closed %v, drops %d, diary %q", d.closed, l.Drops(), diary.String())
		}
	})
}

func TestHalfARingIsWrittenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: 1 << 20}
		l := newTestLog(t, 1, 16, d, new(bytes.Buffer))
		stop := start(t, l)
		defer stop()
		for g := uint64(0); g < 100; g += 10 {
			put(l, 0, g, g+10)
			synctest.Wait() // no time passes
		}
		if got := generations(t, d.String()); len(got) != 100 || l.Drops() != 0 {
			t.Errorf("%d lines, %d drops; want 100 and 0", len(got), l.Drops())
		}
	})
}

// TestFullDisk fills the disk after n bytes, for many n: whatever the place, loops
// go on, no line is torn or lost but those that are counted, and the log tells.
func TestFullDisk(t *testing.T) {
	for n := range 60 {
		synctest.Test(t, func(t *testing.T) {
			d := &disk{room: n}
			var diary bytes.Buffer
			l := newTestLog(t, 1, 8, d, &diary)
			stop := start(t, l)
			next := uint64(1)
			for range 30 { // 3 s
				put(l, 0, next, next+2)
				next += 2
				time.Sleep(flushEvery)
			}
			synctest.Wait()
			if d.tries > 6 {
				t.Errorf("room %d: %d tries in 3 s, want one a second", n, d.tries)
			}
			d.setRoom(1 << 20)
			time.Sleep(retryEvery)
			for range 120 { // 12 s
				put(l, 0, next, next+1)
				next++
				time.Sleep(flushEvery)
			}
			stop()
			got := generations(t, d.String())
			if uint64(len(got))+l.Drops() != next-1 || l.Written() != uint64(len(got)) || l.Drops() == 0 {
				t.Errorf("room %d: %d lines, %d written, %d dropped, of %d", n, len(got), l.Written(), l.Drops(), next-1)
			}
			for i := range got[1:] {
				if got[i+1] <= got[i] {
					t.Errorf("room %d: %d after %d", n, got[i+1], got[i])
				}
			}
			for _, want := range []string{
				"access log not written", "access log drops began", "access log written again", "access log drops ended",
			} {
				if c := strings.Count(diary.String(), want); c != 1 {
					t.Errorf("room %d: %q is told %d times, want once:\n%s", n, want, c, diary.String())
				}
			}
		})
	}
}

func TestDropsThatAreTheLastAreToldToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var diary bytes.Buffer
		l := newTestLog(t, 1, 4, &disk{}, &diary)
		stop := start(t, l)
		put(l, 0, 1, 10)
		time.Sleep(flushEvery)
		put(l, 0, 10, 20)
		stop()
		for _, want := range []string{"access log drops began", "access log drops ended"} {
			if strings.Count(diary.String(), want) != 1 {
				t.Errorf("not once %q in\n%s", want, diary.String())
			}
		}
		if l.Written() != 0 || l.Drops() != 19 {
			t.Errorf("%d written, %d dropped; want 0 and 19", l.Written(), l.Drops())
		}
	})
}

// stuck is a destination whose writes never return until it is closed.
type stuck chan struct{}

func (s stuck) Write(b []byte) (int, error) { <-s; return len(b), nil }
func (stuck) Close() error                  { return nil }

func TestPutDoesNotWaitForAStuckDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := make(stuck)
		l := newTestLog(t, 1, 8, d, new(bytes.Buffer))
		stop := start(t, l)
		put(l, 0, 0, 8)
		time.Sleep(time.Minute)
		begun := time.Now()
		if ok := put(l, 0, 8, 1000); ok > 8 {
			t.Errorf("%d records found room, want at most the ring", ok)
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("Put waited %v", took)
		}
		close(d)
		stop()
	})
}

// TestManyLoopsAtOnce is for the race detector: loops put, names are made, counters
// are read, the format changes, all while Run writes.
func TestManyLoopsAtOnce(t *testing.T) {
	const loops, each = 4, 3_000
	d := &disk{room: 1 << 30}
	l := newTestLog(t, loops, 256, d, new(bytes.Buffer))
	l.target.format, _ = newFormat("json", []string{"generation", "cluster"})
	stop := start(t, l)
	var wg sync.WaitGroup
	for i := range loops {
		wg.Go(func() {
			for g := range uint64(each) {
				r := Record{Generation: g}
				r.Cluster = l.Name("c" + string(rune('a'+g%26)))
				for !l.Slot(i).Put(&r) {
				}
			}
		})
	}
	wg.Go(func() {
		for range 1000 {
			if l.Written() > loops*each {
				t.Error("more written than put")
			}
			l.Drops()
		}
	})
	wg.Wait()
	stop()
	got := generations(t, d.String())
	if len(got) != loops*each || strings.Contains(d.String(), "null") {
		t.Errorf("%d lines, want %d, each with its name", len(got), loops*each)
	}
}

func TestRunDoesNotStarveALoop(t *testing.T) {
	d := &disk{room: 1 << 30}
	l := newTestLog(t, 2, 8192, d, new(bytes.Buffer))
	w := &writer{log: l}
	l.slots[1].Put(&Record{Generation: 1})
	// The first loop puts as fast as Run takes: each line written makes another.
	l.target.dest = &refill{disk: d, slot: l.slots[0]}
	put(l, 0, 100, 8000)
	if next := w.round(); next != 0 {
		t.Errorf("the next round is in %v, want at once: half a ring waits already", next)
	}
	if !strings.Contains(d.String(), `{"generation":1}`) {
		t.Error("the record of the second loop still waits")
	}
}

// refill puts records whenever it is written to.
type refill struct {
	*disk
	slot *Slot
}

func (r *refill) Write(b []byte) (int, error) {
	for range bytes.Count(b, []byte("\n")) {
		r.slot.Put(&Record{Generation: 7})
	}
	return r.disk.Write(b)
}
