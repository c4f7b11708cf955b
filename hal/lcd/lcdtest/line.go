// SPDX-License-Identifier: Apache-2.0

package lcdtest

import (
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"evener/hal/serial"
)

// txRoom is how much the host's side takes before it makes the writer wait, and
// rxRoom how much it keeps unread, as a tty of the kernel does.
const txRoom, rxRoom = 4096, 4096

// A Line is a serial line in memory. Each byte takes its time, in both
// directions; two ends with different speeds understand nothing.
type Line struct {
	done chan struct{}
	wg   sync.WaitGroup
	tx   chan byte   // host to display
	rx   chan []byte // display to host

	mu      sync.Mutex // guards all below
	emu     Emulator
	speed   int
	port    *linePort // nil while nobody has it open
	absent  bool
	lose    int
	cut     bool
	disturb int
	sent    int
	waiting int
	backlog int
}

// NewLine connects an emulator that is set to speed bits per second. Close ends
// it.
func NewLine(e Emulator, speed int) *Line {
	l := &Line{emu: e, speed: speed, done: make(chan struct{}),
		tx: make(chan byte, txRoom), rx: make(chan []byte, rxRoom)}
	l.wg.Go(l.carryToDisplay)
	l.wg.Go(l.carryToHost)
	if _, ok := e.(Ticker); ok {
		l.wg.Go(l.tick)
	}
	return l
}

// Close ends the line and its goroutines.
func (l *Line) Close() {
	l.Unplug()
	close(l.done)
	l.wg.Wait()
}

// Open opens the host's side, as serial.Open does with a tty.
func (l *Line) Open(speed int) (serial.Port, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.absent {
		return nil, &fs.PathError{Op: "open", Path: "line", Err: fs.ErrNotExist}
	}
	if l.port != nil {
		return nil, fmt.Errorf("open line: %w", serial.ErrBusy)
	}
	l.port = &linePort{line: l, speed: speed, timeout: 250 * time.Millisecond,
		wake: make(chan struct{}, 1), gone: make(chan struct{})}
	return l.port, nil
}

// carryToDisplay feeds the display one byte after the other.
func (l *Line) carryToDisplay() {
	for {
		select {
		case <-l.done:
			return
		case b := <-l.tx:
			l.pause(1)
			l.Do(func(e Emulator) []byte {
				l.waiting--
				if l.absent || !l.understood(&b) {
					return nil
				}
				return l.answer(e.Feed([]byte{b}))
			})
		}
	}
}

// understood says whether a byte arrives, and disturbs it when it shall be. The
// lock is held.
func (l *Line) understood(b *byte) bool {
	if l.disturb > 0 {
		l.disturb--
		*b ^= 0x41
	}
	if l.port != nil && l.port.speed != l.speed {
		*b = *b>>1 ^ 0xB5
		return *b%3 != 0 // framing errors swallow some
	}
	return true
}

// answer is what arrives of an answer. The lock is held.
func (l *Line) answer(b []byte) []byte {
	switch {
	case len(b) == 0:
		return nil
	case l.lose != 0:
		l.lose--
		return nil
	case l.cut:
		l.cut = false
		return b[:len(b)/2]
	}
	return b
}

func (l *Line) carryToHost() {
	for {
		select {
		case <-l.done:
			return
		case bytes := <-l.rx:
			for _, b := range bytes {
				l.pause(1)
				l.deliver(b)
			}
		}
	}
}

func (l *Line) deliver(b byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.port == nil || l.absent || !l.understood(&b) || len(l.port.in) >= rxRoom {
		return
	}
	l.port.in = append(l.port.in, b)
	l.port.signal()
}

func (l *Line) tick() {
	for {
		select {
		case <-l.done:
			return
		case <-time.After(50 * time.Millisecond):
			l.Do(func(e Emulator) []byte { return e.(Ticker).Tick() })
		}
	}
}

func (l *Line) pause(n int) {
	l.mu.Lock()
	d := time.Duration(n) * serial.ByteTime(l.speed)
	l.mu.Unlock()
	time.Sleep(d)
}

// Do runs f while nobody else uses the emulator.
func (l *Line) Do(f func(Emulator) []byte) {
	l.mu.Lock()
	out := f(l.emu)
	l.mu.Unlock()
	l.Garbage(out)
}

// Sent is how many bytes the host has sent.
func (l *Line) Sent() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent
}

// Backlog is the most bytes that ever waited for the line.
func (l *Line) Backlog() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.backlog
}

// Unplug pulls the plug.
func (l *Line) Unplug() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.absent = true
	if l.port != nil {
		l.port.end(serial.ErrHangup)
	}
}

// Replug puts it back.
func (l *Line) Replug() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.absent = false
	l.emu.Reset()
}

// LoseAnswers loses the next n answers; below 0 all from now on, 0 none.
func (l *Line) LoseAnswers(n int) { l.set(func() { l.lose = n }) }

// CutAnswer loses the second half of the next answer.
func (l *Line) CutAnswer() { l.set(func() { l.cut = true }) }

// Disturb changes each of the next n bytes of the host.
func (l *Line) Disturb(n int) { l.set(func() { l.disturb = n }) }

// SetSpeed changes the speed of the display.
func (l *Line) SetSpeed(speed int) { l.set(func() { l.speed = speed }) }

func (l *Line) set(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// Garbage makes b arrive at the host. What is too much is lost.
func (l *Line) Garbage(b []byte) {
	if len(b) == 0 {
		return
	}
	select {
	case l.rx <- append([]byte(nil), b...):
	default:
	}
}

// A linePort is the host's end.
type linePort struct {
	line  *Line
	speed int
	wake  chan struct{} // has room for one: something has come in
	gone  chan struct{} // closed when err is set

	timeout time.Duration // this and the rest is guarded by line.mu
	in      []byte
	err     error // why the port ended
}

func (p *linePort) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// end closes the port for a reason. The lock is held.
func (p *linePort) end(why error) {
	if p.err == nil {
		p.err = why
		close(p.gone)
	}
	if p.line.port == p && why == os.ErrClosed {
		p.line.port = nil
	}
}

// take returns what is there.
func (p *linePort) take(b []byte) (int, time.Duration, error) {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	n := copy(b, p.in)
	p.in = p.in[n:]
	if n > 0 {
		return n, 0, nil
	}
	return 0, p.timeout, p.err
}

func (p *linePort) Read(b []byte) (int, error) {
	var late <-chan time.Time
	for {
		n, timeout, err := p.take(b)
		if n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
		if late == nil && timeout >= 0 {
			late = time.After(timeout)
		}
		select {
		case <-p.wake:
		case <-p.gone:
		case <-late:
			return 0, serial.ErrTimeout
		}
	}
}

func (p *linePort) Write(b []byte) (int, error) {
	limit := time.After(2*time.Second + time.Duration(len(b))*serial.ByteTime(p.speed))
	for n, c := range b {
		select {
		case <-p.gone:
			_, _, err := p.take(nil)
			return n, err
		default:
		}
		p.line.set(func() {
			p.line.sent++
			p.line.waiting++
			p.line.backlog = max(p.line.backlog, p.line.waiting)
		})
		select {
		case p.line.tx <- c:
		case <-p.gone:
			_, _, err := p.take(nil)
			return n, err
		case <-limit:
			return n, serial.ErrTimeout
		}
	}
	return len(b), nil
}

func (p *linePort) SetReadTimeout(d time.Duration) error {
	p.line.set(func() { p.timeout = d })
	return nil
}

func (p *linePort) ResetInput() error {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	p.in = nil
	return p.err
}

func (p *linePort) Close() error {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	if p.err == nil || p.line.port == p {
		p.end(os.ErrClosed)
		p.line.port = nil
	}
	return nil
}
