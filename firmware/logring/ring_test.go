// SPDX-License-Identifier: Apache-2.0

package logring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"unicode/utf8"
)

// The standard library's own test of handlers reads the ring.
func TestHandlerKeepsSlogsRules(t *testing.T) {
	var h *Handler
	slogtest.Run(t, func(*testing.T) slog.Handler {
		h = New(io.Discard, Config{})
		return h
	}, func(t *testing.T) map[string]any {
		b := h.Records(0, 0)
		if len(b.Records) != 1 {
			t.Fatalf("%d records, want 1", len(b.Records))
		}
		return tree(b.Records[0])
	})
}

// tree is rec as slogtest wants it: a map for each group.
func tree(rec Record) map[string]any {
	m := map[string]any{slog.LevelKey: rec.Level, slog.MessageKey: rec.Message}
	if !rec.Time.IsZero() {
		m[slog.TimeKey] = rec.Time
	}
	for _, a := range rec.Attrs {
		keys := strings.Split(a.Key, ".")
		in := m
		for _, k := range keys[:len(keys)-1] {
			if in[k] == nil {
				in[k] = make(map[string]any)
			}
			in = in[k].(map[string]any)
		}
		in[keys[len(keys)-1]] = a.Value
	}
	return m
}

// batch is b as text: the messages, what was lost, where to go on.
func batch(b Batch) string {
	var ms []string
	for _, r := range b.Records {
		ms = append(ms, fmt.Sprintf("%d:%s", r.Seq, r.Message))
	}
	return fmt.Sprintf("%v lost %d next %d more %v", ms, b.Lost, b.Next, b.More)
}

func TestRecordsTellWhatIsLost(t *testing.T) {
	h := New(io.Discard, Config{Size: 3})
	log := slog.New(h)
	if got, want := batch(h.Records(0, 0)), "[] lost 0 next 0 more false"; got != want {
		t.Errorf("empty: %s, want %s", got, want)
	}
	for _, m := range []string{"a", "b", "c", "d", "e"} {
		log.Info(m)
	}
	for _, c := range []struct {
		since uint64
		max   int
		want  string
	}{
		{0, 0, "[3:c 4:d 5:e] lost 2 next 5 more false"},
		{1, 0, "[3:c 4:d 5:e] lost 1 next 5 more false"},
		{2, 0, "[3:c 4:d 5:e] lost 0 next 5 more false"},
		{3, 0, "[4:d 5:e] lost 0 next 5 more false"},
		{0, 1, "[3:c] lost 2 next 3 more true"},
		{3, 1, "[4:d] lost 0 next 4 more true"},
		{5, 1, "[] lost 0 next 5 more false"},
		{99, 0, "[3:c 4:d 5:e] lost 2 next 5 more false"}, // from before a restart
	} {
		if got := batch(h.Records(c.since, c.max)); got != c.want {
			t.Errorf("Records(%d, %d) = %s, want %s", c.since, c.max, got, c.want)
		}
	}
}

func TestLinesAndMemoryAgree(t *testing.T) {
	var out bytes.Buffer
	var level slog.LevelVar
	h := New(&out, Config{Level: &level})
	log := slog.New(h).With("cluster", "shop").WithGroup("peer")
	log.Debug("too small")
	log.Warn("member down", "addr", "192.0.2.1:80", "err", errors.New("refused"))
	level.Set(slog.LevelDebug)
	log.Debug("counted now")
	if got := strings.Count(out.String(), "\n"); got != 2 {
		t.Errorf("%d lines, want 2:\n%s", got, &out)
	}
	if want := `level=WARN msg="member down" cluster=shop peer.addr=192.0.2.1:80 peer.err=refused`; !strings.Contains(out.String(), want) {
		t.Errorf("lines\n%swant %s", &out, want)
	}
	r := h.Records(0, 1).Records[0]
	if got, want := fmt.Sprint(r.Level, r.Attrs), "WARN [{cluster shop} {peer.addr 192.0.2.1:80} {peer.err refused}]"; got != want {
		t.Errorf("record = %s, want %s", got, want)
	}
}

func TestRecordsAreBounded(t *testing.T) {
	var out bytes.Buffer
	h := New(&out, Config{})
	long := strings.Repeat("é", 2000)
	var attrs []any
	for i := range 100 {
		attrs = append(attrs, fmt.Sprint(long, i), long)
	}
	slog.New(h).With(attrs...).Info(long, slog.Group("g", attrs...))
	r := h.Records(0, 0).Records[0]
	if len(r.Attrs) != maxAttrs {
		t.Errorf("%d attributes, want %d", len(r.Attrs), maxAttrs)
	}
	for _, s := range []string{r.Message, r.Attrs[0].Key, r.Attrs[0].Value} {
		if len(s) > maxValue || len(s) < maxValue-4 || !utf8.ValidString(s) || !strings.HasSuffix(s, "…") {
			t.Errorf("%d bytes, valid %v, want at most %d", len(s), utf8.ValidString(s), maxValue)
		}
	}
	if !strings.Contains(out.String(), long+"99=") {
		t.Error("the text line was cut, too")
	}
}

// Loggers that come from one must not write into each other's attributes.
func TestSiblingsDoNotShareAttributes(t *testing.T) {
	h := New(io.Discard, Config{})
	parent := slog.New(h).With("a", 1, "b", 2, "c", 3)
	one, two := parent.With("d", "one"), parent.With("d", "two")
	one.Info("x")
	two.Info("y")
	rs := h.Records(0, 0).Records
	if rs[0].Attrs[3].Value != "one" || rs[1].Attrs[3].Value != "two" {
		t.Errorf("attributes = %v and %v", rs[0].Attrs, rs[1].Attrs)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestRecordIsKeptWhenTheLineCannotBeWritten(t *testing.T) {
	h := New(brokenWriter{}, Config{})
	slog.New(h).Info("a")
	if got := batch(h.Records(0, 0)); got != "[1:a] lost 0 next 1 more false" {
		t.Errorf("Records = %s", got)
	}
}

func TestReadersAndWritersTogether(t *testing.T) {
	h := New(io.Discard, Config{Size: 50})
	log := slog.New(h)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				log.Info("x", "k", "v")
			}
		})
	}
	var next, seen uint64
	for seen < 2000 {
		b := h.Records(next, 20)
		for i, r := range b.Records {
			if want := next + b.Lost + uint64(i) + 1; r.Seq != want {
				t.Fatalf("record %d, want %d", r.Seq, want)
			}
		}
		seen += b.Lost + uint64(len(b.Records))
		next = b.Next
	}
	wg.Wait()
	if next != 2000 {
		t.Errorf("the reader ended at %d, want 2000", next)
	}
}
