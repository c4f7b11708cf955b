// SPDX-License-Identifier: Apache-2.0

package reactor

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Events tells a handler what its descriptor is ready for.
type Events uint32

// The events. A hang-up of the peer's sending side comes as PeerClosed; a reset
// or an error as Failed. Both come with Readable, so that a handler which only
// reads finds out by reading.
const (
	Readable   Events = unix.EPOLLIN
	Writable   Events = unix.EPOLLOUT
	PeerClosed Events = unix.EPOLLRDHUP
	Failed     Events = unix.EPOLLERR | unix.EPOLLHUP
	Reset      Events = unix.EPOLLERR // of Failed: more than both sides having ended
)

// A Handler is called on its loop when its descriptor is ready.
type Handler interface {
	Ready(Events)
}

// A Ref names one registration of a descriptor with a loop.
type Ref struct{ slot, gen int32 }

// eventsPerWait bounds how many ready descriptors one epoll_wait(2) returns: a
// turn of the loop stays short enough for timers and posted work.
const eventsPerWait = 256

// A Loop is one event loop. Its methods are for its own goroutine, which Run
// makes, except for those that say otherwise.
type Loop struct {
	index   int
	epoll   int
	wakeFD  int
	slots   []slot
	free    []int32
	now     int64 // monotonic nanoseconds since base
	wheel   wheel
	soon    []Task
	quiet   bool // the last wait brought no event
	running []Task
	start   time.Time
	stats   Stats
	events  [eventsPerWait]unix.EpollEvent

	woken  atomic.Bool // a wake-up is under way
	mu     sync.Mutex  // guards posted
	posted []func()
}

// A slot is the registration of one descriptor. gen tells a stale event, which
// epoll had reported before the descriptor was closed, from a fresh one.
type slot struct {
	h   Handler
	gen int32
}

// A Task is work put off until the end of the loop's turn.
type Task interface{ Run() }

// Stats counts what a loop did. The loop alone writes; anyone may read.
type Stats struct {
	Turns  atomic.Uint64 // returns of epoll_wait
	Events atomic.Uint64 // readiness events handled
	Busy   atomic.Int64  // nanoseconds spent outside epoll_wait
}

// wakeSlot is the slot of the loop's own eventfd.
const wakeSlot = -1

// NewLoop returns a loop with the given index. It holds two descriptors until
// Run returns.
func NewLoop(index int) (*Loop, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create epoll: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(ep)
		return nil, fmt.Errorf("create eventfd: %w", err)
	}
	l := &Loop{index: index, epoll: ep, wakeFD: wake, start: time.Now()}
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: wakeSlot}
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, wake, &ev); err != nil {
		unix.Close(wake)
		unix.Close(ep)
		return nil, fmt.Errorf("watch eventfd: %w", err)
	}
	return l, nil
}

// Index returns the number that NewLoop was given.
func (l *Loop) Index() int { return l.index }

// Stats returns the loop's counters. Any goroutine may call it.
func (l *Loop) Stats() *Stats { return &l.stats }

// Now returns the time of the loop's turn in nanoseconds on a monotonic clock
// that began when the loop was made.
func (l *Loop) Now() int64 { return l.now }

// Add registers a connected or connecting descriptor, edge-triggered in both
// directions.
func (l *Loop) Add(fd int, h Handler) (Ref, error) {
	const edge = 1 << 31 // unix.EPOLLET does not fit the type of Events
	return l.add(fd, h, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|edge)
}

// AddListener registers a listening or datagram descriptor, level-triggered for
// reading. The connections that a stream listener accepts go without Nagle's
// delay: they inherit that from it.
func (l *Loop) AddListener(fd int, h Handler) (Ref, error) {
	setNoDelay(fd)
	return l.add(fd, h, unix.EPOLLIN)
}

func (l *Loop) add(fd int, h Handler, events uint32) (Ref, error) {
	i := int32(len(l.slots))
	if n := len(l.free); n > 0 {
		i = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		l.slots = append(l.slots, slot{})
	}
	s := &l.slots[i]
	s.h = h
	s.gen = max(s.gen, 1) // the zero Ref names nothing
	ev := unix.EpollEvent{Events: events, Fd: i, Pad: s.gen}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		l.release(i)
		return Ref{}, fmt.Errorf("watch descriptor: %w", err)
	}
	return Ref{i, s.gen}, nil
}

func (l *Loop) release(i int32) {
	l.slots[i].h = nil
	l.slots[i].gen = l.slots[i].gen%math.MaxInt32 + 1
	l.free = append(l.free, i)
}

// Remove ends a registration without closing the descriptor. A descriptor that
// another process holds too stays registered when only our copy is closed, so
// listeners are removed before they are closed.
func (l *Loop) Remove(r Ref, fd int) {
	if !l.current(r) {
		return
	}
	_ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, fd, nil)
	l.release(r.slot)
}

// Close ends a registration and closes its descriptor, which no one else holds.
func (l *Loop) Close(r Ref, fd int) {
	if !l.current(r) {
		return
	}
	l.release(r.slot)
	closeFD(fd)
}

// current reports whether r is a registration that has not ended.
func (l *Loop) current(r Ref) bool { return r.gen > 0 && l.slots[r.slot].gen == r.gen }

// Handle gives the registration r to another handler.
func (l *Loop) Handle(r Ref, h Handler) {
	if l.current(r) {
		l.slots[r.slot].h = h
	}
}

// Soon runs t at the end of this turn, after the events that are already
// reported. A task that puts itself off again runs in the next turn.
func (l *Loop) Soon(t Task) { l.soon = append(l.soon, t) }

// Post runs f on the loop's goroutine. Any goroutine may call it; after Run has
// returned f is never run.
func (l *Loop) Post(f func()) {
	l.mu.Lock()
	l.posted = append(l.posted, f)
	l.mu.Unlock()
	l.Wake()
}

// Wake makes the loop turn once more. Any goroutine may call it.
func (l *Loop) Wake() {
	if l.woken.Swap(true) {
		return
	}
	one := [8]byte{1}
	_, _ = unix.Write(l.wakeFD, one[:])
}

// Run turns the loop until ctx ends. Registered descriptors stay open: who
// registered them closes them, in a posted function, before ctx ends.
func (l *Loop) Run(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer unix.Close(l.epoll)
	defer l.closeWake()
	stop := context.AfterFunc(ctx, l.Wake)
	defer stop()
	l.tick()
	for ctx.Err() == nil {
		if err := l.turn(); err != nil {
			return fmt.Errorf("loop %d: %w", l.index, err)
		}
	}
	l.runPosted()
	return nil
}

func (l *Loop) turn() error {
	n, err := l.wait()
	if err != nil {
		return err
	}
	l.tick()
	l.wheel.skip(l.now)
	begun := l.now
	for i := range n {
		ev := &l.events[i]
		if ev.Fd == wakeSlot {
			l.wokenUp()
			continue
		}
		if s := &l.slots[ev.Fd]; s.gen == ev.Pad && s.h != nil {
			s.h.Ready(Events(ev.Events))
		}
	}
	l.wheel.advance(l.now)
	l.runSoon()
	l.stats.Turns.Store(l.stats.Turns.Load() + 1)
	l.stats.Events.Store(l.stats.Events.Load() + uint64(n))
	l.tick()
	l.stats.Busy.Store(l.stats.Busy.Load() + l.now - begun)
	return nil
}

// wait waits for events, timers and posted work.
func (l *Loop) wait() (int, error) {
	timeout := l.wheel.wait(l.now)
	if len(l.soon) > 0 {
		timeout = 0
	}
	return l.poll(timeout)
}

// poll is epoll_wait(2). A busy loop keeps its place in Go's scheduler while it
// waits: giving it up and taking it back, with the runtime's monitor waking up
// each time, costs more than a small exchange. That does no harm. A garbage
// collection that wants this thread, and after 10 ms the monitor, interrupt the
// call by a signal; a loop that was interrupted, or had nothing to do, gives its
// place up for the next wait.
func (l *Loop) poll(timeout int) (int, error) {
	if l.quiet {
		n, err := unix.EpollWait(l.epoll, l.events[:], timeout)
		if err != nil && err != unix.EINTR {
			return 0, fmt.Errorf("wait for events: %w", err)
		}
		l.quiet = n <= 0
		return max(n, 0), nil
	}
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epoll),
		uintptr(unsafe.Pointer(&l.events[0])), eventsPerWait, uintptr(timeout), 0, 0)
	switch errno {
	case 0:
		l.quiet = n == 0 && timeout != 0
		return int(n), nil
	case unix.EINTR:
		l.quiet = true
		return 0, nil
	}
	return 0, fmt.Errorf("wait for events: %w", errno)
}

func (l *Loop) tick() { l.now = int64(time.Since(l.start)) }

func (l *Loop) wokenUp() {
	var b [8]byte
	_, _ = unix.Read(l.wakeFD, b[:])
	l.woken.Store(false)
	l.runPosted()
}

// closeWake closes the descriptor by which others wake the loop, when none of them
// can be writing to it: its number may be another file's a moment later. Who found
// woken false writes once, and that is waited for; everyone else finds it true.
func (l *Loop) closeWake() {
	if l.woken.Swap(true) {
		fds := []unix.PollFd{{Fd: int32(l.wakeFD), Events: unix.POLLIN}}
		for {
			if _, err := unix.Poll(fds, -1); err != unix.EINTR {
				break
			}
		}
	}
	unix.Close(l.wakeFD)
}

func (l *Loop) runPosted() {
	l.mu.Lock()
	posted := l.posted
	l.posted = nil
	l.mu.Unlock()
	for _, f := range posted {
		f()
	}
}

func (l *Loop) runSoon() {
	l.running, l.soon = l.soon, l.running[:0]
	for i, t := range l.running {
		t.Run()
		l.running[i] = nil
	}
}
