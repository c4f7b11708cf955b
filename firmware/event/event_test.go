// SPDX-License-Identifier: Apache-2.0

package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var quiet = slog.New(slog.DiscardHandler)

func mustOpen(t testing.TB, dir string, cfg Config) *Journal {
	t.Helper()
	j, err := Open(dir, cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func down(member string) Event {
	return New(MemberDown, Object("pool", "shop", "member", member),
		map[string]any{"pool": "shop", "member": member, "reason": "refused"})
}

func TestKindsAreWhole(t *testing.T) {
	seen := map[Kind]bool{}
	for _, d := range Kinds() {
		if seen[d.Kind] {
			t.Errorf("%s is in the table twice", d.Kind)
		}
		seen[d.Kind] = true
		if d.Text == "" || d.Object == "" || strings.ToLower(string(d.Kind)) != string(d.Kind) || !strings.Contains(string(d.Kind), ".") {
			t.Errorf("%s: %+v is not whole", d.Kind, d)
		}
		args := map[string]any{}
		for _, a := range d.Args() {
			args[a] = "<" + a + ">"
		}
		if e := New(d.Kind, "x", args); strings.ContainsAny(e.Text, "{}") || e.Severity != d.Severity {
			t.Errorf("%s: New = %+v", d.Kind, e)
		}
	}
}

func TestTheManualHasEveryKind(t *testing.T) {
	b, err := os.ReadFile("../../docs/manual/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range Kinds() {
		row := fmt.Sprintf("| `%s` | %s | `%s` |", d.Kind, d.Severity, d.Object)
		if !strings.Contains(string(b), row) {
			t.Errorf("docs/manual/alerts.md has no row %s", row)
		}
	}
	for l := range strings.Lines(string(b)) {
		name, _, _ := strings.Cut(strings.TrimPrefix(l, "| `"), "`")
		if strings.HasPrefix(l, "| `") && strings.Contains(name, ".") {
			if _, ok := described[Kind(name)]; !ok {
				t.Errorf("docs/manual/alerts.md has kind %s, which there is not", name)
			}
		}
	}
}

func TestEventsSurviveRestart(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Config{})
	for i := range 5 {
		j.Add(down(fmt.Sprint("web", i)))
	}
	if _, err := j.Ack(2, "ann", "known"); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Ack(2, "bob", "late"); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Ack(99, "ann", ""); err != ErrNotFound {
		t.Errorf("Ack of no event = %v", err)
	}
	want, epoch := j.Query(Filter{}, 0, 0), j.Epoch()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, dir, Config{})
	got := j.Query(Filter{}, 0, 0)
	if len(want) != 5 || !reflect.DeepEqual(got, want) {
		t.Errorf("after a restart:\n%+v\nwant\n%+v", got, want)
	}
	if a := got[3].Ack; a == nil || a.By != "ann" || a.Note != "known" {
		t.Errorf("Ack = %+v, want the first", a)
	}
	if e := j.Add(down("web9")); e.Seq != 6 || j.Epoch() != epoch {
		t.Errorf("next event has number %d, epoch kept: %v", e.Seq, j.Epoch() == epoch)
	}
}

// awaitFull waits until a file of the journal has had so many bytes.
func awaitFull(t *testing.T, dir string, size int64) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if fi, err := os.Stat(filepath.Join(dir, newFile)); err == nil && fi.Size() >= size {
			return
		}
		if _, err := os.Stat(filepath.Join(dir, oldFile)); err == nil {
			return
		}
	}
	t.Fatalf("the journal never wrote %d bytes", size)
}

func TestFilesAndMemoryAreBounded(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Config{Size: 50, MaxFile: 4000})
	for i := range 300 {
		j.Add(down(fmt.Sprint("web", i)))
		if i == 150 { // what is written at once stays in one file
			awaitFull(t, dir, 4000)
		}
	}
	if es := j.Query(Filter{}, 0, 0); len(es) != 50 || es[0].Seq != 300 || es[49].Seq != 251 {
		t.Errorf("%d events in memory, first %d", len(es), es[0].Seq)
	}
	j.Close()
	for _, n := range []string{newFile, oldFile} {
		fi, err := os.Stat(filepath.Join(dir, n))
		if err != nil || fi.Size() > 200_000 {
			t.Errorf("%s: %v, %v", n, fi, err)
		}
	}
	j = mustOpen(t, dir, Config{Size: 50, MaxFile: 4000})
	if e := j.Add(down("x")); e.Seq != 301 {
		t.Errorf("next event has number %d, want 301", e.Seq)
	}
}

func TestTornAndDamagedLinesAreLeftOut(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Config{})
	for i := range 3 {
		j.Add(down(fmt.Sprint("web", i)))
	}
	j.Close()
	good, err := os.ReadFile(filepath.Join(dir, newFile))
	if err != nil {
		t.Fatal(err)
	}
	for n := range good {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, newFile), good[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		j := mustOpen(t, dir, Config{})
		whole := max(strings.Count(string(good[:n]), "\n")-1, 0) // less the epoch
		e := j.Add(down("next"))
		if int(e.Seq) != whole+1 {
			t.Fatalf("torn after %d bytes: next number %d, want %d", n, e.Seq, whole+1)
		}
		j.Close()
		j = mustOpen(t, dir, Config{})
		if got := j.Query(Filter{}, 0, 0); len(got) != whole+1 || !strings.Contains(got[0].Text, "next") {
			t.Fatalf("torn after %d bytes: %d events after another restart, want %d", n, len(got), whole+1)
		}
		j.Close()
	}
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x10
		n := 0
		if _, err := eachLine(strings.NewReader(string(bad)), func(b []byte) {
			if _, err := decode(b); err == nil {
				n++
			}
		}); err != nil || n > 3 {
			t.Fatalf("byte %d flipped: %d good lines of 4, %v", i, n, err)
		}
	}
}

func TestFollowTellsLoss(t *testing.T) {
	j := mustOpen(t, t.TempDir(), Config{Size: 10})
	for i := range 30 {
		j.Add(down(fmt.Sprint("web", i)))
	}
	errEnough := errors.New("enough")
	var n int
	var lost uint64
	err := j.Follow(t.Context(), 5, func(b Batch) error {
		n, lost = n+len(b.Events), lost+b.Lost
		if n == 10 {
			j.Add(down("late"))
		}
		if n == 11 {
			return errEnough
		}
		return nil
	})
	if err != errEnough || lost != 15 {
		t.Errorf("Follow = %v, %d events, %d lost, want 15", err, n, lost)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Follow(ctx, 31, func(Batch) error { return errEnough }); err != nil {
		t.Errorf("Follow with an ended context = %v", err)
	}
	if b, _ := j.After(999, 3); len(b.Events) != 3 || b.Next != 24 {
		t.Errorf("After a number ahead = %+v", b)
	}
}

func TestFilters(t *testing.T) {
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	e := down("web2")
	e.Time = at
	for _, c := range []struct {
		name string
		f    Filter
		want bool
	}{
		{"none", Filter{}, true},
		{"kind", Filter{Kinds: []string{"x.*", "member.*"}}, true},
		{"other kind", Filter{Kinds: []string{"pool.*"}}, false},
		{"every kind", Filter{Kinds: []string{"*"}}, true},
		{"pool", Filter{Objects: []string{"pool/shop"}}, true},
		{"any pool", Filter{Objects: []string{"pool/*"}}, true},
		{"pool by half a name", Filter{Objects: []string{"pool/sh"}}, false},
		{"member of any pool", Filter{Objects: []string{"pool/*/member/web2"}}, true},
		{"other member", Filter{Objects: []string{"pool/*/member/web1"}}, false},
		{"everything", Filter{Objects: []string{"*"}}, true},
		{"severity", Filter{Severity: Error}, false},
		{"from", Filter{From: at}, true},
		{"to", Filter{To: at}, false},
		{"text", Filter{Text: "REFUSED"}, true},
		{"unacked", Filter{Unacked: true}, true},
	} {
		if got := c.f.Match(e); got != c.want {
			t.Errorf("%s: Match = %v, want %v", c.name, got, c.want)
		}
	}
}

func TestNamesAreNoPaths(t *testing.T) {
	if got := Object("pool", "a/b\n", "member", "x"); got != "pool/a_b_/member/x" {
		t.Errorf("Object = %q", got)
	}
}

func TestFullDiskIsToldAfterwards(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "events")
	j := mustOpen(t, dir, Config{Queue: 5, Retry: time.Millisecond})
	j.Add(down("first"))
	j.Close()
	j = mustOpen(t, dir, Config{Queue: 5, Retry: time.Millisecond})
	if err := os.Remove(filepath.Join(dir, newFile)); err != nil { // a folder in its place: it cannot be written
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, newFile), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		j.Add(down(fmt.Sprint("web", i)))
	}
	for j.Problem() == nil {
		j.Add(down("more"))
	}
	if n := len(j.Query(Filter{}, 0, 0)); n < 21 {
		t.Errorf("%d events in memory", n)
	}
	if err := os.Remove(filepath.Join(dir, newFile)); err != nil {
		t.Fatal(err)
	}
	err := j.Follow(t.Context(), 0, func(b Batch) error {
		for _, e := range b.Events {
			if e.Kind == EventsLost {
				return errors.New(e.Text)
			}
		}
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "events were not kept") {
		t.Errorf("no event tells of the loss: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	b, err := line{Seq: 7, Ack: &Ack{By: "ann"}}.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := eachLine(strings.NewReader(string(b)), func(b []byte) {
			l, err := decode(b)
			if err != nil {
				return
			}
			again, err := l.encode()
			if err != nil {
				t.Fatalf("%q was read but cannot be written: %v", b, err)
			}
			if _, err := decode(again[:len(again)-1]); err != nil {
				t.Fatalf("%q: %v", again, err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
