// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var quiet = slog.New(slog.DiscardHandler)

// mustOpen opens a log that the test closes.
func mustOpen(t testing.TB, dir string, cfg Config) *Log {
	t.Helper()
	if cfg.Wait == 0 {
		cfg.Wait = time.Minute // each Append is durable
	}
	l, err := Open(dir, cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func add(t testing.TB, l *Log, n int) {
	t.Helper()
	for i := range n {
		r := Record{User: "ann", Origin: "cli", Method: "server.drain", Object: fmt.Sprintf("pool/shop/member/web%d", i),
			What: "drain", Before: "enabled", After: "draining", Outcome: OK, Note: "<work> \"on\" it \x00\n"}
		if err := l.Append(r); err != nil {
			t.Fatal(err)
		}
	}
}

func mustVerify(t testing.TB, l *Log) Report {
	t.Helper()
	rep, err := l.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func TestChainHoldsOverFilesRestartsAndPruning(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{MaxFile: 2000, MaxFiles: 3}
	l := mustOpen(t, dir, cfg)
	for range 3 {
		add(t, l, 20)
		rep := mustVerify(t, l)
		if rep.Broken != nil {
			t.Fatalf("Verify = %v", rep.Broken)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = mustOpen(t, dir, cfg)
	}
	rep := mustVerify(t, l)
	if rep.Broken != nil || rep.First < 2 || rep.Files > 3 || rep.Last != l.Status().Seq || rep.Records != rep.Last-rep.First+1 {
		t.Errorf("Verify = %+v", rep)
	}
	got, err := l.Query(t.Context(), Filter{Method: MethodPruned}, 100, 0)
	if err != nil || len(got) == 0 {
		t.Errorf("records that tell of pruning = %d, %v; want some", len(got), err)
	}
}

func TestEveryFlippedByteIsFound(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{MaxFile: 900, MaxFiles: 2}
	l := mustOpen(t, dir, cfg)
	add(t, l, 8)
	if rep := mustVerify(t, l); rep.Broken != nil || rep.First == 1 {
		t.Fatalf("Verify of the good log = %+v", rep)
	}
	es, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		name := filepath.Join(dir, e.Name())
		good, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range good {
			for _, mask := range []byte{0x01, 0x20, 0x80} {
				bad := bytes.Clone(good)
				bad[i] ^= mask
				if err := os.WriteFile(name, bad, 0o600); err != nil {
					t.Fatal(err)
				}
				if rep := mustVerify(t, l); rep.Broken == nil || rep.Broken.File != e.Name() {
					t.Fatalf("%s: byte %d flipped with %#x: Verify = %v", e.Name(), i, mask, rep.Broken)
				}
			}
		}
		if err := os.WriteFile(name, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRemovedInsertedAndSwappedRecordsAreFound(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Config{})
	add(t, l, 5)
	name := filepath.Join(dir, fileName(1))
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	ls := bytes.SplitAfter(bytes.TrimSuffix(good, []byte("\n")), []byte("\n"))
	ls[len(ls)-1] = append(bytes.Clone(ls[len(ls)-1]), '\n')
	join := func(is ...int) []byte {
		var b []byte
		for _, i := range is {
			b = append(b, ls[i]...)
		}
		return b
	}
	for _, c := range []struct {
		name string
		text []byte
		line int
	}{
		{"removed", join(0, 1, 3, 4, 5), 3},
		{"doubled", join(0, 1, 1, 2, 3, 4, 5), 3},
		{"swapped", join(0, 2, 1, 3, 4, 5), 2},
		{"first gone", join(1, 2, 3, 4, 5), 1},
		{"last gone", join(0, 1, 2, 3, 4), 6},
		{"empty", nil, 1},
	} {
		if err := os.WriteFile(name, c.text, 0o600); err != nil {
			t.Fatal(err)
		}
		if rep := mustVerify(t, l); rep.Broken == nil || rep.Broken.Line != c.line {
			t.Errorf("%s: Verify = %v, want line %d", c.name, rep.Broken, c.line)
		}
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if rep := mustVerify(t, l); rep.Broken == nil {
		t.Error("a removed file was not found")
	}
}

func TestTornWriteAtEveryByte(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Config{})
	add(t, l, 2)
	l.Close()
	good, err := os.ReadFile(filepath.Join(dir, fileName(1)))
	if err != nil {
		t.Fatal(err)
	}
	for n := range good {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, fileName(1)), good[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		l := mustOpen(t, dir, Config{})
		add(t, l, 1)
		whole := uint64(bytes.Count(good[:n], []byte("\n")))
		torn := n > 0 && good[n-1] != '\n'
		want := whole + 1
		if torn {
			want++ // the note
		}
		rep := mustVerify(t, l)
		if rep.Broken != nil || rep.Records != want {
			t.Fatalf("torn after %d bytes: Verify = %+v, want %d records", n, rep, want)
		}
		notes, err := l.Query(t.Context(), Filter{Method: MethodTorn}, 10, 0)
		if err != nil || (len(notes) == 1) != torn {
			t.Fatalf("torn after %d bytes: %d notes, %v", n, len(notes), err)
		}
		l.Close()
	}
}

func TestDamagedLastLineIsLeftAndTold(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Config{})
	add(t, l, 3)
	l.Close()
	name := filepath.Join(dir, fileName(1))
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-20] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, dir, Config{})
	add(t, l, 1)
	rep := mustVerify(t, l)
	if rep.Broken == nil || rep.Broken.Line != 4 || rep.Breaks != 1 || rep.Last != 6 {
		t.Errorf("Verify = %+v", rep)
	}
	l.Close()
	l = mustOpen(t, dir, Config{})
	add(t, l, 1)
	if rep := mustVerify(t, l); rep.Breaks != 1 || rep.Last != 7 {
		t.Errorf("Verify after another restart = %+v", rep)
	}
}

func TestQueryFiltersAndPages(t *testing.T) {
	l := mustOpen(t, t.TempDir(), Config{MaxFile: 1500})
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	for i := range 30 {
		r := Record{Time: at.Add(time.Duration(i) * time.Minute), User: "ann", Method: "server.drain", Outcome: OK,
			Object: fmt.Sprintf("pool/shop/member/web%d", i%3)}
		if i%5 == 0 {
			r.User, r.Method, r.Outcome, r.Message = "bob", "config.commit", "conflict", "Somebody else"
		}
		if err := l.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		f      Filter
		limit  int
		before uint64
		want   int
		first  uint64
	}{
		{"all", Filter{}, 100, 0, 31, 31},
		{"page", Filter{}, 10, 0, 10, 31},
		{"next page", Filter{}, 10, 22, 10, 21},
		{"user", Filter{User: "bob"}, 100, 0, 6, 27},
		{"method pattern", Filter{Method: "server.*"}, 100, 0, 24, 31},
		{"object below", Filter{Object: "pool/shop"}, 100, 0, 30, 31},
		{"object is no prefix", Filter{Object: "pool/sho"}, 100, 0, 0, 0},
		{"object pattern", Filter{Object: "pool/*/member/web1"}, 100, 0, 10, 30},
		{"errors", Filter{Outcome: "error"}, 3, 0, 3, 27},
		{"kind", Filter{Outcome: "conflict"}, 100, 20, 4, 17},
		{"text", Filter{Text: "SOMEBODY"}, 100, 0, 6, 27},
		{"time", Filter{From: at.Add(10 * time.Minute), To: at.Add(12 * time.Minute)}, 100, 0, 2, 13},
	} {
		got, err := l.Query(t.Context(), c.f, c.limit, c.before)
		if err != nil || len(got) != c.want || len(got) > 0 && got[0].Seq != c.first {
			t.Errorf("%s: %d records, %v; want %d", c.name, len(got), err, c.want)
			continue
		}
		for i := 1; i < len(got); i++ {
			if got[i].Seq >= got[i-1].Seq {
				t.Errorf("%s: record %d after %d", c.name, got[i].Seq, got[i-1].Seq)
			}
		}
	}
}

func TestExportIsTheLog(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Config{})
	add(t, l, 10)
	want, err := os.ReadFile(filepath.Join(dir, fileName(1)))
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if n, err := l.Export(t.Context(), &got, Filter{}); n != 11 || err != nil || got.String() != string(want) {
		t.Errorf("Export = %d, %v\n%s\nwant\n%s", n, err, got.String(), want)
	}
	var r Record
	first, _, _ := strings.Cut(got.String(), "\n")
	if err := json.Unmarshal([]byte(first), &r); err != nil || len(r.Hash) != 64 || r.Method != MethodBegun {
		t.Errorf("Unmarshal = %+v, %v", r, err)
	}
}

func TestFollowTellsLoss(t *testing.T) {
	l := mustOpen(t, t.TempDir(), Config{Recent: 5})
	add(t, l, 20)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []uint64
	var lost uint64
	errEnough := errors.New("enough")
	err := l.Follow(ctx, 3, func(b Batch) error {
		lost += b.Lost
		for _, r := range b.Records {
			got = append(got, r.Seq)
		}
		if len(got) == 5 {
			if err := l.Append(Record{Method: "x.y", Outcome: OK}); err != nil {
				return err
			}
		}
		if len(got) == 6 {
			return errEnough
		}
		return nil
	})
	if err != errEnough || lost != 13 || got[0] != 17 || got[5] != 22 {
		t.Errorf("Follow = %v, lost %d, got %v", err, lost, got)
	}
	cancel()
	if err := l.Follow(ctx, 22, func(Batch) error { return errEnough }); err != nil {
		t.Errorf("Follow with an ended context = %v", err)
	}
}

func TestAppendFromManyKeepsOneChain(t *testing.T) {
	l := mustOpen(t, t.TempDir(), Config{MaxFile: 4000})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				if err := l.Append(Record{Method: "x.y", Outcome: OK}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if rep := mustVerify(t, l); rep.Broken != nil || rep.Records != 201 {
		t.Errorf("Verify = %+v", rep)
	}
}

func TestLongFieldsAreCut(t *testing.T) {
	l := mustOpen(t, t.TempDir(), Config{})
	if err := l.Append(Record{Method: "x.y", Before: strings.Repeat("\x01é", 10000), Outcome: OK}); err != nil {
		t.Fatal(err)
	}
	got, err := l.Query(t.Context(), Filter{}, 1, 0)
	if err != nil || len(got) != 1 || len(got[0].Before) > MaxField || !strings.HasSuffix(got[0].Before, "…") {
		t.Errorf("Query = %v", err)
	}
}
