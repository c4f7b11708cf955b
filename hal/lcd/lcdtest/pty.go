// SPDX-License-Identifier: Apache-2.0

package lcdtest

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// A Pty connects an emulator by a tty of the kernel, at a path that stays when
// the display is unplugged and comes back. It has no speed of its own.
type Pty struct {
	path string
	wg   sync.WaitGroup
	done chan struct{}

	mu     sync.Mutex // guards all below
	emu    Emulator
	sent   int
	master *os.File // nil while unplugged
	slave  *os.File // held open, or the master would see an end before the host opens it
}

// NewPty connects an emulator. Close ends it.
func NewPty(t testing.TB, e Emulator) *Pty {
	t.Helper()
	p := &Pty{path: filepath.Join(t.TempDir(), "tty"), emu: e, done: make(chan struct{})}
	if err := p.plug(); err != nil {
		t.Fatal(err)
	}
	if _, ok := e.(Ticker); ok {
		p.wg.Go(p.tick)
	}
	return p
}

// Path is where the host finds the tty.
func (p *Pty) Path() string { return p.path }

func (p *Pty) plug() error {
	master, slave, err := openPty()
	if err != nil {
		return err
	}
	if err := os.Symlink(slave.Name(), p.path); err != nil {
		return err
	}
	if err := raw(slave); err != nil {
		return err
	}
	p.master, p.slave = master, slave
	p.wg.Go(func() { p.serve(master) })
	return nil
}

// raw turns off the echo that a new tty has, or the display would hear itself
// before the host opens the tty.
func raw(tty *os.File) error {
	conn, err := tty.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		t, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
		if err != nil {
			failed = err
			return
		}
		t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
		failed = unix.IoctlSetTermios(int(fd), unix.TCSETS, t)
	})
	return errors.Join(err, failed)
}

// openPty opens a pty whose master can be closed while somebody reads it: the
// library's is blocking, and would hang up only after the next byte.
func openPty() (master, slave *os.File, err error) {
	blocking, slave, err := pty.Open()
	if err != nil {
		return nil, nil, err
	}
	defer blocking.Close()
	fd, err := unix.FcntlInt(blocking.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		slave.Close()
		return nil, nil, err
	}
	return os.NewFile(uintptr(fd), blocking.Name()), slave, nil
}

// serve feeds the emulator until the master is closed.
func (p *Pty) serve(master *os.File) {
	buf := make([]byte, 256)
	for {
		n, err := master.Read(buf)
		if err != nil {
			return
		}
		p.Do(func(e Emulator) []byte {
			p.sent += n
			return e.Feed(buf[:n])
		})
	}
}

func (p *Pty) tick() {
	for {
		select {
		case <-p.done:
			return
		case <-time.After(50 * time.Millisecond):
			p.Do(func(e Emulator) []byte { return e.(Ticker).Tick() })
		}
	}
}

// Do runs f while nobody else uses the emulator and sends what it returns to
// the host, as long as that fits in the buffer of the tty.
func (p *Pty) Do(f func(Emulator) []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if out := f(p.emu); len(out) > 0 && p.master != nil {
		_ = p.master.SetWriteDeadline(time.Now().Add(5 * time.Second))
		_, _ = p.master.Write(out) // a host that does not read misses it
	}
}

// Sent is how many bytes the host has sent.
func (p *Pty) Sent() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent
}

// Garbage makes b arrive at the host.
func (p *Pty) Garbage(b []byte) { p.Do(func(Emulator) []byte { return b }) }

// Unplug hangs the tty up and takes its name away.
func (p *Pty) Unplug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.master == nil {
		return
	}
	_ = os.Remove(p.path)
	_ = p.slave.Close()
	_ = p.master.Close()
	p.master, p.slave = nil, nil
}

// Replug brings it back as another tty with the same name.
func (p *Pty) Replug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.emu.Reset()
	if err := p.plug(); err != nil {
		panic(err) // a test machine without ptys cannot go on
	}
}

// Close ends the tty and what serves it.
func (p *Pty) Close() {
	p.Unplug()
	close(p.done)
	p.wg.Wait()
}
