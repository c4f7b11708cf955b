// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var discard = slog.New(slog.DiscardHandler)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"no path", Config{Loops: 1}, "no path"},
		{"no loops", Config{Path: Stderr}, "0 loops"},
		{"no such folder", Config{Loops: 1, Path: filepath.Join(dir, "x", "y")}, "no such file"},
		{"a folder", Config{Loops: 1, Path: dir}, "is a directory"},
		{"a pipe", Config{Loops: 1, Path: fifo}, "not a regular file"},
		{"a format", Config{Loops: 1, Path: Stderr, Format: "xml"}, `"xml"`},
		{"a field", Config{Loops: 1, Path: Stderr, Fields: []string{"foo"}}, `"foo"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Open(tt.cfg, discard); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open: %v, want an error about %q", err, tt.want)
			}
		})
	}
}

func TestReopenAfterRename(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "access.log")
		l, err := Open(Config{Loops: 1, Path: path, Fields: []string{"generation"}}, discard)
		if err != nil {
			t.Fatal(err)
		}
		stop := start(t, l)
		put(l, 0, 1, 3)
		time.Sleep(time.Second)
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		put(l, 0, 3, 4)
		time.Sleep(time.Second) // still into the old one
		l.Reopen()
		synctest.Wait()
		put(l, 0, 4, 6)
		stop()
		if got := generations(t, read(t, path+".1")); len(got) != 3 {
			t.Errorf("the old file has %v, want 1 2 3", got)
		}
		if got := generations(t, read(t, path)); len(got) != 2 || got[0] != 4 {
			t.Errorf("the new file has %v, want 4 5", got)
		}
	})
}

func TestReopenThatFailsKeepsTheOldFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "log")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		var diary bytes.Buffer
		l, err := Open(Config{Loops: 1, Path: filepath.Join(dir, "a"), Fields: []string{"generation"}},
			slog.New(slog.NewTextHandler(&diary, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(dir, dir+"2"); err != nil {
			t.Fatal(err)
		}
		stop := start(t, l)
		l.Reopen()
		synctest.Wait()
		put(l, 0, 1, 3)
		stop()
		if got := generations(t, read(t, filepath.Join(dir+"2", "a"))); len(got) != 2 {
			t.Errorf("the old file has %v, want 1 2", got)
		}
		if !strings.Contains(diary.String(), "access log not reopened") {
			t.Errorf("nothing told: %q", diary.String())
		}
	})
}

func TestReconfigure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		a, b, c := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")
		l, err := Open(Config{Loops: 1, Path: a, Fields: []string{"generation"}}, discard)
		if err != nil {
			t.Fatal(err)
		}
		stop := start(t, l)
		put(l, 0, 1, 2)
		time.Sleep(time.Second)
		if err := l.Reconfigure(Config{Path: c, Format: "xml"}); err == nil {
			t.Error("a wrong format is accepted")
		}
		if _, err := os.Stat(c); err == nil {
			t.Error("the file was made all the same")
		}
		// Two in a row before Run looks: the last one counts.
		if err := l.Reconfigure(Config{Path: c}); err != nil {
			t.Fatal(err)
		}
		if err := l.Reconfigure(Config{Path: b, Fields: []string{"generation", "status"}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		put(l, 0, 2, 3)
		stop()
		for path, want := range map[string]string{
			a: "{\"generation\":1}\n", b: "{\"generation\":2,\"status\":null}\n", c: "",
		} {
			if got := read(t, path); got != want {
				t.Errorf("%s holds %q, want %q", filepath.Base(path), got, want)
			}
		}
	})
}

func TestALineThatACrashCutIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "access.log")
		if err := os.WriteFile(path, []byte("{\"generation\":1}\n{\"gen"), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Open(Config{Loops: 1, Path: path, Fields: []string{"generation"}}, discard)
		if err != nil {
			t.Fatal(err)
		}
		stop := start(t, l)
		put(l, 0, 2, 3)
		stop()
		if got, want := read(t, path), "{\"generation\":1}\n{\"gen\n{\"generation\":2}\n"; got != want {
			t.Errorf("the file holds %q, want %q", got, want)
		}
		if l.Written() != 1 {
			t.Errorf("Written() = %d, want 1", l.Written())
		}
	})
}

// TestALineIsNotSpreadOverTwoFiles changes the destination while a line is cut by a
// full disk, at every place.
func TestALineIsNotSpreadOverTwoFiles(t *testing.T) {
	for n := range 3 * len("{\"generation\":1}\n") {
		synctest.Test(t, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "access.log")
			d := &disk{room: n}
			l := newTestLog(t, 1, 8, d, new(bytes.Buffer))
			stop := start(t, l)
			put(l, 0, 1, 4)
			time.Sleep(time.Second)
			if err := l.Reconfigure(Config{Path: path, Fields: []string{"generation"}}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			put(l, 0, 4, 5)
			stop()
			whole := d.String()
			whole = whole[:strings.LastIndex(whole, "\n")+1]
			got := append(generations(t, whole), generations(t, read(t, path))...)
			if uint64(len(got))+l.Drops() != 4 || l.Drops() > 1 || l.Written() != uint64(len(got)) {
				t.Errorf("room %d: %v, %d dropped, %d written", n, got, l.Drops(), l.Written())
			}
		})
	}
}

func TestNamesAreTheSameForEqualStrings(t *testing.T) {
	l, err := Open(Config{Loops: 1, Path: Stderr}, discard)
	if err != nil {
		t.Fatal(err)
	}
	a, b := l.Name("a"), l.Name("b")
	if a == b || a != l.Name("a") || a == 0 || l.Name("") != 0 {
		t.Errorf("names %d %d %d, and %d for none", a, b, l.Name("a"), l.Name(""))
	}
	if got := l.names.list(); got[a-1] != "a" || got[b-1] != "b" {
		t.Errorf("list = %q", got)
	}
}

// TestAMendedLineIsNotMendedInTheNextFile has a file with a cut line on a disk that
// is full, and goes on in another.
func TestAMendedLineIsNotMendedInTheNextFile(t *testing.T) {
	d := &disk{}
	l := newTestLog(t, 1, 8, d, new(bytes.Buffer))
	path := filepath.Join(t.TempDir(), "access.log")
	w := &writer{log: l, batch: []byte("\n"), mended: true}
	put(l, 0, 1, 2)
	w.round()
	if err := l.Reconfigure(Config{Path: path, Fields: []string{"generation"}}); err != nil {
		t.Fatal(err)
	}
	if !w.change() || w.round() == retryEvery {
		t.Fatal("the new file is not used")
	}
	if got, want := read(t, path), "{\"generation\":1}\n"; got != want || l.Written() != 1 {
		t.Errorf("the new file holds %q, %d written; want %q", got, l.Written(), want)
	}
}
