// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// A smallDisk is a folder on a disk that takes only room more bytes: a write that
// does not fit writes what fits, as a real one does.
type smallDisk struct {
	osDisk
	mu   sync.Mutex
	room int
}

func (d *smallDisk) set(room int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = room
}

func (d *smallDisk) Append(name string) (file, error) {
	f, err := d.osDisk.Append(name)
	return &smallFile{f, d}, err
}

type smallFile struct {
	file
	d *smallDisk
}

func (f *smallFile) Write(b []byte) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if len(b) <= f.d.room {
		f.d.room -= len(b)
		return f.file.Write(b)
	}
	n, err := f.file.Write(b[:f.d.room])
	f.d.room = 0
	if err == nil {
		err = unix.ENOSPC
	}
	return n, err
}

func TestFullDiskLosesNothingButWhatIsCounted(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := &smallDisk{osDisk: osDisk{dir}, room: 1 << 20}
		l, err := open(d, Config{Queue: 10}, quiet)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		add(t, l, 3)
		d.set(100) // the next record is torn
		var late, lost int
		for range 15 {
			switch err := l.Append(Record{Method: "x.y", Outcome: OK}); err {
			case ErrLate:
				late++
			case ErrLost:
				lost++
			default:
				t.Fatalf("Append on a full disk = %v", err)
			}
		}
		if s := l.Status(); late != 10 || lost != 5 || s.Lost != 5 || s.Waiting != 10 || !strings.Contains(s.Problem, "no space") {
			t.Errorf("late %d, lost %d, status %+v", late, lost, s)
		}
		d.set(1 << 20)
		time.Sleep(2 * time.Second) // virtual
		synctest.Wait()
		if s := l.Status(); s.Problem != "" || s.Waiting != 0 {
			t.Errorf("status with room again = %+v", s)
		}
		rep := mustVerify(t, l)
		if rep.Broken != nil || rep.Records != 1+3+10+1 {
			t.Errorf("Verify = %+v", rep)
		}
		notes, err := l.Query(t.Context(), Filter{Method: MethodLost}, 10, 0)
		if err != nil || len(notes) != 1 || !strings.Contains(notes[0].Note, "5 records") || !strings.Contains(notes[0].Note, "no space") {
			t.Errorf("notes of the loss = %+v, %v", notes, err)
		}
	})
}

func TestCloseTellsWhatWasNotWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &smallDisk{osDisk: osDisk{t.TempDir()}, room: 1 << 20}
		l, err := open(d, Config{}, quiet)
		if err != nil {
			t.Fatal(err)
		}
		add(t, l, 1)
		d.set(0)
		if err := l.Append(Record{Method: "x.y", Outcome: OK}); err != ErrLate {
			t.Errorf("Append = %v, want %v", err, ErrLate)
		}
		if err := l.Close(); err == nil || !strings.Contains(err.Error(), "1 records") {
			t.Errorf("Close = %v", err)
		}
		if err := l.Append(Record{Method: "x.y"}); err != ErrClosed {
			t.Errorf("Append after Close = %v", err)
		}
	})
}

func FuzzReader(f *testing.F) {
	r := Record{Seq: 1, Prev: zeros, Time: time.Unix(0, 0).UTC(), Method: "a.b", Outcome: OK}
	line, err := seal(nil, &r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add([]byte("{}\n{"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := parseLine(b); err == nil {
			again, err := r.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parseLine(again); err != nil && string(again) == string(b) {
				t.Fatalf("parseLine(%q) took it once, then not: %v", b, err)
			}
		}
		in := newLines(strings.NewReader(string(b)))
		for {
			l, err := in.next()
			if err == io.EOF || err == errTorn {
				if in.pos+in.n != int64(len(b)) {
					t.Fatalf("%d bytes read of %d", in.pos+in.n, len(b))
				}
				return
			}
			if err != nil && err != errLong {
				t.Fatal(err)
			}
			if strings.Contains(string(l), "\n") {
				t.Fatalf("line with a newline: %q", l)
			}
		}
	})
}
