// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// A follower applies what it reads of a Log, as a peer would.
type follower struct {
	l      *Log
	r      *logReader
	at     uint64
	values map[string]string
}

// read takes all that is there. It returns false when a snapshot is needed.
func (f *follower) read(t *testing.T) bool {
	t.Helper()
	for {
		b, batch, ok := f.l.read(nil, f.r, f.at, 200)
		if !ok {
			return false
		}
		changes, err := parseChanges(nil, b)
		if err != nil || len(changes) != batch.count {
			t.Fatalf("read %d changes of %d, %v", len(changes), batch.count, err)
		}
		for _, c := range changes {
			if f.values[string(c.Key)] = string(c.Value); c.Deleted {
				delete(f.values, string(c.Key))
			}
		}
		f.at = batch.to
		if len(b) < 200 {
			return true
		}
	}
}

// Two followers read, acknowledge, pause, resume and take snapshots at random;
// whenever they have read all, they hold what the table holds, and the log never
// holds more than it may.
func TestLogTellsAllOrSaysThatItCannot(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	l := NewLog(LogConfig{Records: 50, Bytes: 1000})
	table := map[string]string{}
	var all []*follower
	for range 2 {
		all = append(all, &follower{l: l, r: l.attach(make(chan struct{}, 1)), values: map[string]string{}})
	}
	snapshots, resumes := 0, 0
	for step := range 20000 {
		key := fmt.Sprint("k", rng.IntN(80))
		if rng.IntN(5) == 0 {
			delete(table, key)
			l.Delete([]byte(key))
		} else {
			table[key] = fmt.Sprint("v", step, "0123456789"[:rng.IntN(10)])
			l.Put([]byte(key), []byte(table[key]))
		}
		if len(l.byKey) > 50 || l.bytes > 1000 || len(l.entries) > 2048 {
			t.Fatalf("the log holds %d keys, %d bytes, %d entries", len(l.byKey), l.bytes, len(l.entries))
		}
		f := all[rng.IntN(2)]
		switch rng.IntN(30) {
		case 0, 1, 2:
			if !f.read(t) {
				f.at, f.values = l.begin(f.r), maps.Clone(table)
				snapshots++
			}
			if !maps.Equal(f.values, table) {
				t.Fatalf("step %d: the follower has %v, the table %v", step, f.values, table)
			}
		case 3:
			l.ack(f.r, f.at)
		case 4:
			if f.at > 0 && l.resume(f.r, l.epoch, f.at) {
				resumes++
			}
		}
	}
	if snapshots < 3 || resumes < 3 {
		t.Errorf("%d snapshots and %d resumes: too few to tell", snapshots, resumes)
	}
	for _, f := range all {
		f.read(t)
		l.ack(f.r, f.at)
	}
	for _, f := range all {
		if !f.r.keeps {
			l.detach(f.r)
		}
	}
	if len(l.byKey) != 0 || l.bytes != 0 || len(l.entries) != 0 {
		t.Errorf("when all is acknowledged the log holds %d keys, %d bytes", len(l.byKey), l.bytes)
	}
}

func TestLogWithoutPeersKeepsNothing(t *testing.T) {
	l := NewLog(LogConfig{})
	r := l.attach(make(chan struct{}, 1))
	for i := range 100 {
		l.Put([]byte{1, byte(i)}, []byte("v"))
	}
	if len(l.entries) != 0 {
		t.Errorf("%d changes are kept for a peer that must have a snapshot anyway", len(l.entries))
	}
	l.begin(r)
	l.Put([]byte("k"), []byte("v"))
	if l.waiting(r) != 1 {
		t.Errorf("%d changes wait, want 1", l.waiting(r))
	}
	l.detach(r)
	if len(l.entries) != 0 {
		t.Errorf("%d changes are kept for nobody", len(l.entries))
	}
}

func TestLogForgetsWhatNobodyCanUse(t *testing.T) {
	l := NewLog(LogConfig{Records: 10})
	r := l.attach(make(chan struct{}, 1))
	l.begin(r)
	for i := range 12 {
		l.Put([]byte{1, byte(i)}, []byte("v"))
	}
	if len(l.entries) != 0 || l.bytes != 0 {
		t.Errorf("%d changes are kept for a peer that needs a snapshot", len(l.entries))
	}
}

func TestLogResumesOnlyWhatItKnows(t *testing.T) {
	l := NewLog(LogConfig{})
	r := l.attach(make(chan struct{}, 1))
	if l.resume(r, l.epoch, 0) {
		t.Error("a peer that never had a snapshot resumes")
	}
	l.begin(r)
	l.Put([]byte("k"), []byte("v"))
	l.Put([]byte("l"), []byte("v"))
	l.ack(r, 1)
	for _, tt := range []struct {
		epoch, seq uint64
		want       bool
	}{{l.epoch + 2, 1, false}, {0, 0, false}, {l.epoch, 3, false}, {l.epoch, 0, false}, {l.epoch, 1, true}, {l.epoch, 2, true}, {l.epoch, 1, false}} {
		if got := l.resume(r, tt.epoch, tt.seq); got != tt.want {
			t.Errorf("resume(%d, %d) = %v, want %v", tt.epoch, tt.seq, got, tt.want)
		}
	}
}

func TestRecordsThatAreTooLongAreRefused(t *testing.T) {
	l := NewLog(LogConfig{})
	for _, err := range []error{
		l.Put(nil, nil), l.Put(make([]byte, MaxKey+1), nil), l.Put([]byte("k"), make([]byte, MaxValue+1)),
		l.Delete(nil), l.Delete(make([]byte, MaxKey+1)),
	} {
		if err == nil {
			t.Error("a record that is too long or has no key is taken")
		}
	}
	if err := l.Put(make([]byte, MaxKey), make([]byte, MaxValue)); err != nil {
		t.Error(err)
	}
}
