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
		if isOpen(t, c) || isOpen(t, a) || !isOpen(t, b) {
			t.Error("not only the file in use is open")
		}
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

// isOpen reports whether this process has the file open.
func isOpen(t *testing.T, path string) bool {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && to == path {
			return true
		}
	}
	return false
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
	if w.change(); w.round() == retryEvery {
		t.Fatal("the new file is not used")
	}
	if got, want := read(t, path), "{\"generation\":1}\n"; got != want || l.Written() != 1 {
		t.Errorf("the new file holds %q, %d written; want %q", got, l.Written(), want)
	}
}

// TestTheOldFileGetsItsLineIfItCan has room again just before the change: the line
// that was cut is completed, none is dropped.
func TestTheOldFileGetsItsLineIfItCan(t *testing.T) {
	d := &disk{room: 5}
	l := newTestLog(t, 1, 8, d, new(bytes.Buffer))
	w := &writer{log: l}
	put(l, 0, 1, 2)
	w.round()
	d.setRoom(100)
	if err := l.Reconfigure(Config{Path: filepath.Join(t.TempDir(), "access.log")}); err != nil {
		t.Fatal(err)
	}
	w.change()
	if got, want := d.String(), "{\"generation\":1}\n"; got != want || l.Drops() != 0 || !d.closed {
		t.Errorf("the old file holds %q, %d dropped; want %q and 0", got, l.Drops(), want)
	}
}

func TestEachDestinationThatFailsIsTold(t *testing.T) {
	var diary bytes.Buffer
	l := newTestLog(t, 1, 8, &disk{}, &diary)
	w := &writer{log: l}
	put(l, 0, 1, 2)
	w.round()
	l.next = &target{path: "other", dest: &disk{}, format: l.target.format}
	w.change()
	w.round()
	w.round()
	for _, path := range []string{"disk", "other"} {
		want := `msg="access log not written" path=` + path
		if n := strings.Count(diary.String(), want); n < 1 || path == "other" && n > 1 {
			t.Errorf("%s is told %d times:\n%s", want, n, diary.String())
		}
	}
}

func TestANameThatIsNewerThanTheRoundIsKnown(t *testing.T) {
	d := &naming{disk: disk{room: 1 << 20}}
	l := newTestLog(t, 1, 4096, d, new(bytes.Buffer))
	d.log = l
	l.target.format, _ = newFormat("json", []string{"cluster"})
	put(l, 0, 0, 4096-1) // more than a batch: written within the round
	var r Record
	r.Cluster = 1 // what naming will be given
	l.Slot(0).Put(&r)
	(&writer{log: l}).round()
	if !strings.HasSuffix(d.String(), "{\"cluster\":\"shop\"}\n") {
		t.Errorf("the last line has no name: %q", d.String()[d.text.Len()-40:])
	}
}

// naming makes a name when it is written to first.
type naming struct {
	disk
	log *Log
}

func (n *naming) Write(b []byte) (int, error) {
	n.log.Name("shop")
	return n.disk.Write(b)
}
