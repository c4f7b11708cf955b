// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// savedHistory returns a history with 100 seconds in it, and its file.
func savedHistory(t *testing.T) (reg *Registry, h *History, path string) {
	t.Helper()
	reg, h = newTestHistory(HistoryConfig{})
	c := reg.Cluster("shop").Slot(0)
	for i := range 100 {
		c.Requests.Add(uint64(i))
		c.Duration.Observe(1e6)
		h.Tick(epoch.Add(time.Duration(i) * time.Second))
	}
	path = filepath.Join(t.TempDir(), "history")
	if err := h.Save(path); err != nil {
		t.Fatal(err)
	}
	return reg, h, path
}

func TestSavedHistoryIsThereAfterARestart(t *testing.T) {
	_, old, path := savedHistory(t)
	reg, h := newTestHistory(HistoryConfig{})
	if err := h.Load(path); err != nil {
		t.Fatal(err)
	}
	for _, s := range []Series{shopReq, shopP95, engineReq} {
		for _, step := range []time.Duration{time.Second, 10 * time.Second, time.Minute} {
			got, want := query(t, h, s, epoch, 120, step), query(t, old, s, epoch, 120, step)
			if !same(got.Columns[0], want.Columns[0]) {
				t.Errorf("%v by %v: %v, want %v", s, step, got.Columns[0], want.Columns[0])
			}
		}
	}
	if h.Bytes() != old.Bytes() {
		t.Errorf("Bytes() = %d, want %d", h.Bytes(), old.Bytes())
	}
	// Counters begin at zero again, and the clock of a box without battery in 1970.
	reg.Cluster("shop").Slot(0).Requests.Add(4)
	h.Tick(time.Unix(5, 0))
	for i := 200; i < 203; i++ {
		reg.Cluster("shop").Slot(0).Requests.Add(4)
		h.Tick(epoch.Add(time.Duration(i) * time.Second))
	}
	got := query(t, h, shopReq, epoch.Add(98*time.Second), 105, time.Second).Columns[0]
	if got[0] != 98 || got[1] != 99 || got[3] == got[3] || got[103] != 4 || got[104] != 4 {
		t.Errorf("requests around the restart = %v", got)
	}
	if err := h.Load(path); err == nil {
		t.Error("Load after the first Tick is accepted")
	}
}

func TestDamagedOrOtherFilesAreIgnoredWithAMessage(t *testing.T) {
	_, _, path := savedHistory(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 1
	cases := map[string][]byte{
		"empty":              {},
		"of another version": append([]byte("evener history 0\n"), good[len(saveMagic):]...),
		"something else":     []byte("<html>"),
		"only a first line":  good[:len(saveMagic)],
		"cut":                good[:len(good)/2],
		"cut by a byte":      good[:len(good)-1],
		"one bit wrong":      flipped,
	}
	for name, content := range cases {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "history")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			reg := NewRegistry(Config{Loops: 1})
			h := NewHistory(HistoryConfig{}, reg, slog.New(slog.NewTextHandler(&log, nil)))
			if err := h.Load(path); err != nil {
				t.Errorf("Load: %v, want it ignored", err)
			}
			if !strings.Contains(log.String(), "saved history ignored") {
				t.Errorf("no message, only %q", log.String())
			}
			if len(h.tracks) != 0 || h.series != 0 || h.newest != 0 {
				t.Error("part of the file was taken")
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, content) {
				t.Error("the file was changed")
			}
		})
	}
	t.Run("too many series", func(t *testing.T) {
		_, h := newTestHistory(HistoryConfig{MaxSeries: 15})
		if err := h.Load(path); err != nil || h.series != 0 {
			t.Errorf("Load = %v with %d series, want none", err, h.series)
		}
	})
	t.Run("not there", func(t *testing.T) {
		_, h := newTestHistory(HistoryConfig{})
		if err := h.Load(path + ".not"); err != nil {
			t.Errorf("Load: %v", err)
		}
	})
}

// limitWriter fails after n bytes.
type limitWriter struct{ n int }

var errFull = errors.New("no space left")

func (w *limitWriter) Write(b []byte) (int, error) {
	if len(b) > w.n {
		n := w.n
		w.n = 0
		return n, errFull
	}
	w.n -= len(b)
	return len(b), nil
}

func TestSaveReportsAWriteThatFailsAnywhere(t *testing.T) {
	_, h, path := savedHistory(t)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	size := int(info.Size())
	for n := 0; n < size; n += size/4 + 1 {
		if err := h.saveTo(&limitWriter{n}); !errors.Is(err, errFull) {
			t.Errorf("after %d of %d bytes: %v, want %v", n, size, err, errFull)
		}
	}
	if err := h.saveTo(&limitWriter{size}); err != nil {
		t.Errorf("with room for everything: %v", err)
	}
}

func TestSaveThatFailsLeavesTheOldFile(t *testing.T) {
	_, h, path := savedHistory(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path+".tmp", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := h.Save(path); err == nil {
		t.Error("Save succeeds without its temporary file")
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the old file is gone or changed: %v", err)
	}
	if err := os.Remove(path + ".tmp"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".tmp", []byte("left by a power cut"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.Save(path); err != nil {
		t.Errorf("Save beside what a power cut left: %v", err)
	}
	if _, err := os.Stat(path + ".tmp"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary file is still there: %v", err)
	}
}

// TestSaveWhileTicking checks that a row saved after a tick does not show its new
// value under the old moment.
func TestSaveWhileTicking(t *testing.T) {
	reg, h, _ := savedHistory(t)
	o := object{Kind: ClusterKind, Name: "shop"}
	times := h.times
	reg.Cluster("shop").Slot(0).Requests.Add(1_000_000)
	later := epoch.Add((3600 + 50) * time.Second) // overwrites second 50
	h.Tick(later)
	copied := func(o object) row {
		t.Helper()
		out := bytes.Repeat([]byte{1}, SeriesBytes)
		h.copyRow(out, o, 0, &times)
		r := make(row, rowPoints)
		if err := r.read(bytes.NewReader(out), make([]byte, SeriesBytes)); err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := copied(o)
	if v := r.get(at(0, epoch.Unix()+50)); v == v {
		t.Errorf("second 50 is saved as %v, want it unknown", v)
	}
	if v := r.get(at(0, epoch.Unix()+51)); v != 51 {
		t.Errorf("second 51 is saved as %v, want 51", v)
	}
	gone := copied(object{Kind: PoolKind, Name: "gone"})
	for p := range gone {
		if v := gone.get(int64(p)); v == v {
			t.Fatalf("point %d of a forgotten object is saved as %v", p, v)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(saveMagic))
	f.Add([]byte("evener history 0\n"))
	reg, h := newTestHistory(HistoryConfig{})
	_ = reg
	h.Tick(epoch)
	var b bytes.Buffer
	if err := h.saveTo(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "history")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, h := newTestHistory(HistoryConfig{MaxSeries: 16})
		if err := h.Load(path); err != nil {
			t.Fatal(err)
		}
		h.Tick(epoch) // what was taken can be used
		if _, err := h.Query([]Series{engineReq}, epoch, epoch.Add(time.Minute), time.Second); err != nil {
			t.Fatal(err)
		}
	})
}
