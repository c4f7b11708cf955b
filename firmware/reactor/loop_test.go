// SPDX-License-Identifier: Apache-2.0

package reactor

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const patience = 20 * time.Second

// started returns a loop that runs until the test ends.
func started(t *testing.T) *Loop {
	t.Helper()
	l, err := NewLoop(0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := l.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return l
}

// do runs f on the loop and waits for it.
func do(t *testing.T, l *Loop, f func()) {
	t.Helper()
	done := make(chan struct{})
	l.Post(func() { f(); close(done) })
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("posted work is not run")
	}
}

// socketPair returns two connected sockets, non-blocking.
func socketPair(t *testing.T) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fds[0], fds[1]
}

// A handler made of a function.
type handler func(Events)

func (h handler) Ready(ev Events) { h(ev) }

type task func()

func (f task) Run() { f() }

func TestPostFromManyGoroutinesLosesNothing(t *testing.T) {
	l := started(t)
	const each = 5000
	n := 0 // the loop's
	var order [8]int
	var wg sync.WaitGroup
	for g := range order {
		wg.Go(func() {
			for i := range each {
				l.Post(func() {
					n++
					if order[g] != i {
						t.Errorf("goroutine %d: work %d ran as number %d", g, i, order[g])
					}
					order[g]++
				})
			}
		})
	}
	wg.Wait()
	do(t, l, func() {
		if n != each*len(order) {
			t.Errorf("ran %d, want %d", n, each*len(order))
		}
	})
}

// Work that is posted while the loop is at other posted work is run without
// another wake-up.
func TestPostDuringPostedWorkIsNotLost(t *testing.T) {
	l := started(t)
	for i := range 20_000 {
		done := make(chan struct{}, 2)
		for range 2 {
			go l.Post(func() { done <- struct{}{} })
		}
		for range 2 {
			select {
			case <-done:
			case <-time.After(patience):
				t.Fatalf("round %d: posted work is not run", i)
			}
		}
	}
}

// Each Wake turns the loop once more, however they race with its falling asleep.
func TestWakeIsNeverLost(t *testing.T) {
	l := started(t)
	for i := range 3000 {
		before := l.Stats().Turns.Load()
		l.Wake()
		for end := time.Now().Add(patience); l.Stats().Turns.Load() == before; {
			if time.Now().After(end) {
				t.Fatalf("wake %d: the loop sleeps", i)
			}
		}
	}
}

// A signal that interrupts the wait is no reason to stop, nor to miss anything.
func TestSignalsDoNotDisturb(t *testing.T) {
	l := started(t)
	var tid atomic.Int64
	do(t, l, func() { tid.Store(int64(unix.Gettid())) })
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = unix.Tgkill(os.Getpid(), int(tid.Load()), syscall.SIGURG)
			}
		}
	})
	fired := 0
	var timers [50]Timer
	do(t, l, func() {
		for i := range timers {
			timers[i].Owner = expirer(func() { fired++ })
			l.SetTimer(&timers[i], time.Duration(i)*time.Millisecond)
		}
	})
	for end := time.Now().Add(patience); ; {
		all := false
		do(t, l, func() { all = fired == len(timers) })
		if all {
			break
		}
		if time.Now().After(end) {
			t.Fatal("timers did not fire")
		}
	}
	close(stop)
	wg.Wait()
}

type expirer func()

func (f expirer) Expire(*Timer) { f() }

// TestStaleEventsDoNotReachTheNextOwner closes one of two ready descriptors while
// the other is handled, and registers a new one in its slot at once.
func TestStaleEventsDoNotReachTheNextOwner(t *testing.T) {
	l := started(t)
	var refs [2]Ref
	var fds, peers [2]int
	handled := 0
	next := -1
	do(t, l, func() {
		for i := range fds {
			fds[i], peers[i] = socketPair(t)
			first := true
			ref, err := l.Add(fds[i], handler(func(ev Events) {
				if first { // the event of the registration itself
					first = false
					return
				}
				handled++
				o := 1 - i
				l.Close(refs[o], fds[o])
				l.Close(refs[o], fds[o]) // and once more does nothing
				var far int
				next, far = socketPair(t)
				peers[o], far = far, peers[o]
				unix.Close(far)
				ref, err := l.Add(next, handler(func(ev Events) {
					if ev&Readable != 0 {
						t.Error("the new owner got an old event")
					}
				}))
				if err != nil || ref.slot != refs[o].slot || ref.gen == refs[o].gen {
					t.Errorf("new registration %v after %v, %v", ref, refs[o], err)
				}
				l.Remove(refs[o], next) // an old name means nothing
			}))
			if err != nil {
				t.Error(err)
			}
			refs[i] = ref
		}
	})
	do(t, l, func() {}) // let the first events pass
	do(t, l, func() {
		for _, p := range peers {
			_, _ = Write(p, []byte("x"), false)
		}
	})
	do(t, l, func() {})
	do(t, l, func() {
		if handled != 1 {
			t.Errorf("handled %d, want 1", handled)
		}
		for i := range fds {
			l.Close(refs[i], fds[i])
		}
		l.Close(Ref{}, next) // the zero Ref names nothing, not even slot 0
		if err := unix.Fstat(next, &unix.Stat_t{}); err != nil {
			t.Errorf("the zero Ref closed a descriptor: %v", err)
		}
		for _, fd := range append(peers[:], next) {
			unix.Close(fd)
		}
	})
}

// Readiness is told once for each change, in both directions.
func TestEdgesAndHangUp(t *testing.T) {
	l := started(t)
	a, b := socketPair(t)
	var seen []Events
	var ref Ref
	do(t, l, func() { ref, _ = l.Add(a, handler(func(ev Events) { seen = append(seen, ev) })) })
	turn := func(f func()) (got []Events) {
		do(t, l, func() { seen = nil; f() })
		do(t, l, func() {}) // in its turn the events of f come, perhaps behind it
		do(t, l, func() { got = append(got, seen...) })
		return got
	}
	turn(func() {})
	if got := turn(func() { _, _ = Write(b, []byte("xy"), false) }); len(got) != 1 || got[0]&Readable == 0 {
		t.Errorf("after bytes: %v, want one readable", got)
	}
	buf := make([]byte, 1)
	if got := turn(func() { _, _ = Read(a, buf) }); len(got) != 0 {
		t.Errorf("after a partial read: %v, want nothing", got)
	}
	if Quiet(a) || Ended(a) {
		t.Error("a socket with a byte is quiet or ended")
	}
	if got := turn(func() { CloseWrite(b) }); len(got) != 1 || got[0]&PeerClosed == 0 {
		t.Errorf("after the end: %v, want peer closed", got)
	}
	_, _ = Read(a, buf)
	if Quiet(a) || !Ended(a) {
		t.Error("a socket at its end is quiet or not ended")
	}
	do(t, l, func() { l.Remove(ref, a); l.Close(ref, a) })
	if err := unix.Fstat(a, &unix.Stat_t{}); err != nil {
		t.Errorf("Remove closed the descriptor: %v", err)
	}
	unix.Close(a)
	unix.Close(b)
}

func TestSoonRunsAtTheEndOfTheTurn(t *testing.T) {
	l := started(t)
	var order []string
	do(t, l, func() {
		turn := l.stats.Turns.Load()
		l.Soon(task(func() {
			order = append(order, "soon")
			l.Soon(task(func() {
				order = append(order, "next turn")
				if l.stats.Turns.Load() != turn+1 {
					t.Errorf("put off for %d turns, want 1", l.stats.Turns.Load()-turn)
				}
			}))
		}))
		order = append(order, "event")
	})
	do(t, l, func() {})
	do(t, l, func() {
		if got := strings.Join(order, ", "); got != "event, soon, next turn" {
			t.Errorf("order: %s", got)
		}
	})
}

func TestAddReportsABadDescriptor(t *testing.T) {
	l := started(t)
	do(t, l, func() {
		if _, err := l.Add(1<<20, handler(nil)); !errors.Is(err, unix.EBADF) {
			t.Errorf("Add = %v, want EBADF", err)
		}
		if len(l.free) != len(l.slots) {
			t.Error("the slot is not free again")
		}
	})
}

func TestNobodyWritesToWhatAnEndedLoopHadOpen(t *testing.T) {
	l, err := NewLoop(0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := l.Run(ctx); err != nil {
		t.Fatal(err)
	}
	// Whoever opens files now gets the numbers that the loop had.
	var fds []int
	for range 8 {
		fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		fds = append(fds, fd)
	}
	l.Post(func() {})
	for _, fd := range fds {
		var b [8]byte
		if n, err := unix.Read(fd, b[:]); err != unix.EAGAIN {
			t.Errorf("file %d, which the loop had as %d, was written to: read %d, %v", fd, l.wakeFD, n, err)
		}
	}
}
