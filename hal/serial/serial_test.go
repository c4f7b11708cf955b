// SPDX-License-Identifier: Apache-2.0

package serial_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"evener/hal/serial"
)

// line returns a tty and its far end.
func line(t *testing.T) (path string, far *os.File) {
	t.Helper()
	far, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	// The tty is held open, or the far end would see its end before Open.
	t.Cleanup(func() { tty.Close(); far.Close() })
	return tty.Name(), far
}

func open(t *testing.T, path string, cfg serial.Config) serial.Port {
	t.Helper()
	p, err := serial.Open(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestBytesPassUnchanged(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, speed := range []int{2400, 19200, 115200} {
		path, far := line(t)
		p := open(t, path, serial.Config{Speed: speed, ReadTimeout: 10 * time.Second})
		if n, err := p.Write(all); n != len(all) || err != nil {
			t.Fatalf("%d: write = %d, %v", speed, n, err)
		}
		got := make([]byte, len(all))
		if _, err := io.ReadFull(far, got); err != nil || !bytes.Equal(got, all) {
			t.Errorf("%d: the far end read %x, %v", speed, got, err)
		}
		if _, err := far.Write(all); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(p, got); err != nil || !bytes.Equal(got, all) {
			t.Errorf("%d: read %x, %v", speed, got, err)
		}
	}
}

func TestSilenceIsAnError(t *testing.T) {
	path, far := line(t)
	p := open(t, path, serial.Config{Speed: 9600, ReadTimeout: time.Millisecond})
	n, err := p.Read(make([]byte, 1))
	if n != 0 || !errors.Is(err, serial.ErrTimeout) || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read = %d, %v, want ErrTimeout", n, err)
	}
	if _, err := io.ReadFull(p, make([]byte, 1)); !errors.Is(err, serial.ErrTimeout) {
		t.Errorf("io.ReadFull = %v, want ErrTimeout", err)
	}
	// What came before is there without any waiting.
	if _, err := far.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := p.SetReadTimeout(-1); err != nil {
		t.Fatal(err)
	}
	if n, err := p.Read(make([]byte, 9)); n != 1 || err != nil {
		t.Errorf("read = %d, %v, want the byte", n, err)
	}
	if n, err := p.Read(nil); n != 0 || err != nil {
		t.Errorf("read of nothing = %d, %v", n, err)
	}
}

func TestResetInputForgetsWhatCame(t *testing.T) {
	path, far := line(t)
	p := open(t, path, serial.Config{Speed: 9600, ReadTimeout: 10 * time.Second})
	if _, err := far.Write([]byte("old")); err != nil {
		t.Fatal(err)
	}
	if n, err := p.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Fatalf("read = %d, %v", n, err) // so that the rest has arrived
	}
	if err := p.ResetInput(); err != nil {
		t.Fatal(err)
	}
	if _, err := far.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 3)
	if _, err := io.ReadFull(p, b); err != nil || string(b) != "new" {
		t.Errorf("read %q, %v, want new", b, err)
	}
}

func TestWriteToAStandingLineEnds(t *testing.T) {
	path, _ := line(t) // nobody reads the far end
	p := open(t, path, serial.Config{Speed: 921600, WriteTimeout: 50 * time.Millisecond})
	var err error
	sent := 0
	for err == nil && sent < 10<<20 {
		var n int
		n, err = p.Write(make([]byte, 4096))
		sent += n
	}
	if !errors.Is(err, serial.ErrTimeout) || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("after %d bytes: %v, want ErrTimeout and how far it got", sent, err)
	}
}

func TestWriteGoesOnWhenTheLineMovesAgain(t *testing.T) {
	path, far := line(t)
	p := open(t, path, serial.Config{Speed: 921600, WriteTimeout: 30 * time.Second})
	want := bytes.Repeat([]byte("0123456789abcdef"), 4096) // more than a tty buffers
	read := make(chan []byte)
	go func() {
		got := make([]byte, len(want))
		n, _ := io.ReadFull(far, got)
		read <- got[:n]
	}()
	if n, err := p.Write(want); n != len(want) || err != nil {
		t.Errorf("write = %d, %v, want %d", n, err, len(want))
	}
	if got := <-read; !bytes.Equal(got, want) {
		t.Errorf("the far end got %d bytes, want %d in order", len(got), len(want))
	}
}

func TestHangUpIsAnError(t *testing.T) {
	for _, what := range []string{"read", "write"} {
		path, far := line(t)
		p := open(t, path, serial.Config{Speed: 9600, ReadTimeout: 30 * time.Second})
		done := make(chan error, 1)
		go func() {
			var err error
			if what == "read" {
				_, err = p.Read(make([]byte, 1))
			} else {
				for range 1000 {
					if _, err = p.Write([]byte("x")); err != nil {
						break
					}
					time.Sleep(10 * time.Millisecond)
				}
			}
			done <- err
		}()
		far.Close()
		if err := <-done; !errors.Is(err, serial.ErrHangup) {
			t.Errorf("%s on a line that hung up: %v, want ErrHangup", what, err)
		}
	}
}

func TestCloseEndsReaderAndWriter(t *testing.T) {
	path, _ := line(t)
	p := open(t, path, serial.Config{Speed: 9600, ReadTimeout: -1, WriteTimeout: time.Hour})
	ends := make(chan error, 2)
	go func() {
		_, err := p.Read(make([]byte, 1))
		ends <- err
	}()
	go func() {
		_, err := p.Write(make([]byte, 1<<20)) // nobody reads it
		ends <- err
	}()
	if err := p.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	for range 2 {
		select {
		case err := <-ends:
			if !errors.Is(err, os.ErrClosed) {
				t.Errorf("ended with %v, want os.ErrClosed", err)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("it goes on after Close")
		}
	}
	if err := p.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if err := p.ResetInput(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("reset after close: %v", err)
	}
}

func TestALineHasOneUser(t *testing.T) {
	path, _ := line(t)
	p := open(t, path, serial.Config{Speed: 9600})
	alias := filepath.Join(t.TempDir(), "by-id")
	if err := os.Symlink(path, alias); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, alias} {
		if _, err := serial.Open(name, serial.Config{Speed: 9600}); !errors.Is(err, serial.ErrBusy) {
			t.Errorf("open %s again: %v, want ErrBusy", name, err)
		}
	}
	p.Close()
	open(t, path, serial.Config{Speed: 9600})
}

func TestWhatIsNoLineIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path  string
		speed int
		want  error
	}{
		{file, 9600, serial.ErrNotSerial},
		{"/dev/null", 9600, serial.ErrNotSerial},
		{file + "x", 9600, fs.ErrNotExist},
	} {
		if _, err := serial.Open(c.path, serial.Config{Speed: c.speed}); !errors.Is(err, c.want) {
			t.Errorf("open %s: %v, want %v", c.path, err, c.want)
		}
	}
	path, _ := line(t)
	for _, speed := range []int{0, -1, 9601} {
		if _, err := serial.Open(path, serial.Config{Speed: speed}); err == nil || !strings.Contains(err.Error(), "115200") {
			t.Errorf("speed %d: %v, want an error that lists the speeds", speed, err)
		}
	}
}

// TestDescriptorBeyondSelectIsRefused opens so many files that the line would
// get a descriptor that select(2) does not know.
func TestDescriptorBeyondSelectIsRefused(t *testing.T) {
	path, _ := line(t)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur < 1100 {
		t.Fatalf("the test needs 1100 descriptors, may have %d", limit.Cur)
	}
	// Some free descriptors just below the limit: the lock would fit, the
	// library's descriptors not. Then none.
	for _, last := range []uintptr{1022, 1030} {
		var files []*os.File
		for {
			f, err := os.Open("/dev/null")
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
			if f.Fd() >= last {
				break
			}
		}
		_, err := serial.Open(path, serial.Config{Speed: 9600})
		for _, f := range files {
			f.Close()
		}
		if !errors.Is(err, serial.ErrDescriptor) {
			t.Errorf("with %d files open: %v, want ErrDescriptor", last, err)
		}
	}
	p := open(t, path, serial.Config{Speed: 9600, ReadTimeout: 1}) // nothing is left of the failures
	if _, err := p.Read(make([]byte, 1)); !errors.Is(err, serial.ErrTimeout) {
		t.Errorf("read: %v", err)
	}
}

// TestChildrenInheritNoDescriptor starts a process and looks at its files.
func TestChildrenInheritNoDescriptor(t *testing.T) {
	path, _ := line(t)
	list := func() string {
		out, err := exec.Command("ls", "-l", "/proc/self/fd").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	pipes := strings.Count(list(), "pipe:")
	open(t, path, serial.Config{Speed: 9600})
	files := list()
	if strings.Contains(files, path+"\n") || strings.Count(files, "pipe:") > pipes {
		t.Errorf("a child has these files:\n%s", files)
	}
}
