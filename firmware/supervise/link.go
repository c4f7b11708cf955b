// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// controlEnv names the variable that tells a role which descriptor is its end
// of the control channel.
const controlEnv = "EVENER_CONTROL_FD"

// ErrNotSupervised is returned by Join in a process that no supervisor started.
var ErrNotSupervised = errors.New("this process was not started by a supervisor")

// ErrGone is returned by requests when the supervisor has died.
var ErrGone = errors.New("the supervisor is gone")

// An OrderKind is what the supervisor wants of a role.
type OrderKind int

// The orders. A role must obey Gone even where it did not expect it, so that no
// process outlives its supervisor.
const (
	Gone  OrderKind = iota // the supervisor is gone: exit now. A closed Orders yields this too
	Go                     // open the store, build, acquire listeners, accept
	Drain                  // stop accepting, hand over the store, call Released; exit when idle
	Stop                   // exit; after the deadline comes SIGKILL
)

// An Order comes from the supervisor. Deadline is the time left to obey.
type Order struct {
	Kind     OrderKind
	Deadline time.Duration
}

// A Link is a role's end of its control channel. Its methods are safe from
// several goroutines.
type Link struct {
	conn    *conn
	role    string
	version string // of the supervisor
	orders  chan Order
	gone    chan struct{} // closed when the channel has ended

	mu        sync.Mutex // guards what follows
	lastID    uint64
	pending   map[uint64]chan frame // the requests that await an answer; capacity 1
	listeners map[listenKey]*Listener
	dialled   map[uint64]int // by request: the end of a connection that has come for it

	accepted *accepted
}

// Join takes up the control channel of this process, whose program is of the
// given version. It returns ErrNotSupervised if there is none.
//
// From here on SIGPIPE is ignored: when the supervisor dies, the pipe behind
// standard error breaks, and a line of log must not keep the role from ending
// in order.
func Join(version string) (*Link, error) {
	fd, err := strconv.Atoi(os.Getenv(controlEnv))
	if err != nil {
		return nil, ErrNotSupervised
	}
	if kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil || kind != unix.SOCK_SEQPACKET {
		return nil, fmt.Errorf("join: descriptor %d is not a control channel", fd)
	}
	unix.CloseOnExec(fd)
	os.Unsetenv(controlEnv) // a grandchild is not supervised
	signal.Ignore(syscall.SIGPIPE)
	return join(childConn(fd), version)
}

func join(c *conn, version string) (*Link, error) {
	if err := c.send(frame{Type: hello, Protocol: protocol, Version: version}); err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	f, fds, err := c.receive()
	closeAll(fds)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	if f.Type != hello {
		return nil, fmt.Errorf("join: the first frame is %q, not %q", f.Type, hello)
	}
	l := &Link{
		conn:      c,
		role:      f.Role,
		version:   f.Version,
		orders:    make(chan Order, 8), // each order is given once; Gone needs no room
		gone:      make(chan struct{}),
		pending:   map[uint64]chan frame{},
		listeners: map[listenKey]*Listener{},
		dialled:   map[uint64]int{},
		accepted:  newAccepted(f.Role),
	}
	go l.read()
	return l, nil
}

// Role returns the name by which the supervisor knows this process.
func (l *Link) Role() string { return l.role }

// SupervisorVersion returns the version of the supervisor, which may be older
// than this program after an upgrade.
func (l *Link) SupervisorVersion() string { return l.version }

// Orders yields the supervisor's orders. It is closed when the supervisor is
// gone; receiving from it then yields the order Gone.
func (l *Link) Orders() <-chan Order { return l.orders }

// Ready says that this process has initialised and waits for the order Go.
func (l *Link) Ready() error { return l.say(sayReady) }

// Alive says that this process is not hung; see Role.Heartbeat.
func (l *Link) Alive() error { return l.say(sayAlive) }

// Released says, after the order Drain, that this process has stopped accepting
// and has closed what only one process may own. It closes this process's copies
// of all listeners; take them out of every epoll set first. Accepted ends too.
func (l *Link) Released() error {
	l.drop(func(listenKey) bool { return true })
	l.accepted.Close()
	return l.say(sayReleased)
}

// Restart asks the supervisor to replace the running process of a role. It
// returns when the new one is ready and the hand-over begins. A role may
// restart itself: the order Drain follows.
func (l *Link) Restart(role string) error {
	_, err := l.ask(frame{Type: askRestart, Role: role})
	return err
}

// Status asks for what the supervisor runs now.
func (l *Link) Status() (Status, error) {
	f, err := l.ask(frame{Type: askStatus})
	if err != nil {
		return Status{}, err
	}
	if f.Status == nil {
		return Status{}, errors.New("status: empty answer")
	}
	return *f.Status, nil
}

// Close ends the link, closes the listeners' descriptors and ends Accepted. The
// supervisor takes it for a crash unless it has ordered Drain or Stop; the
// process should exit.
func (l *Link) Close() error {
	l.conn.shutdown()
	<-l.gone
	l.accepted.Close()
	l.drop(func(listenKey) bool { return true })
	return nil
}

func (l *Link) say(t frameType) error {
	return l.lost(l.conn.send(frame{Type: t}))
}

// ask sends a request of one frame and waits for the answer.
func (l *Link) ask(f frame) (frame, error) {
	id, answer := l.expect()
	defer l.forget(id)
	f.ID = id
	if err := l.conn.send(f); err != nil {
		return frame{}, l.lost(err)
	}
	return l.await(answer)
}

func (l *Link) expect() (uint64, chan frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastID++
	answer := make(chan frame, 1)
	l.pending[l.lastID] = answer
	return l.lastID, answer
}

func (l *Link) forget(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pending, id)
	if fd, ok := l.dialled[id]; ok { // nobody took it
		_ = unix.Close(fd)
		delete(l.dialled, id)
	}
}

// await returns the answer to a request, or what it says went wrong.
func (l *Link) await(answer chan frame) (frame, error) {
	select {
	case f := <-answer:
		if f.Error != "" {
			return f, errors.New(f.Error)
		}
		return f, nil
	case <-l.gone:
		return frame{}, ErrGone
	}
}

// lost turns the error of a broken channel into ErrGone.
func (l *Link) lost(err error) error {
	if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
		return ErrGone
	}
	return err
}

// read receives until the channel ends.
func (l *Link) read() {
	defer l.conn.close()
	defer close(l.orders)
	defer close(l.gone)
	for {
		f, fds, err := l.conn.receive()
		if _, bad := errors.AsType[badFrame](err); bad {
			continue // of a newer supervisor, beyond our limits
		}
		if err != nil {
			return
		}
		l.take(f, fds)
	}
}

// take handles one frame from the supervisor. Types that this program does not
// know are ignored.
func (l *Link) take(f frame, fds []int) {
	switch f.Type {
	case orderGo:
		l.order(Order{Go, f.Deadline})
	case orderDrain:
		l.order(Order{Drain, f.Deadline})
	case orderStop:
		l.order(Order{Stop, f.Deadline})
	case socketsOf:
		if len(f.Specs) == 1 {
			l.adopt(Listener{f.Specs[0], fds})
			return
		}
	case pairWith:
		if len(fds) == 1 {
			l.connected(f, fds[0])
			return
		}
	case answer:
		l.mu.Lock()
		defer l.mu.Unlock()
		if pending := l.pending[f.ID]; pending != nil {
			pending <- f
			delete(l.pending, f.ID) // a second answer must not block us
		}
	}
	closeAll(fds)
}

// order hands o to the role. A supervisor gives fewer orders than the channel
// holds; should the role be so far behind, it is the oldest that is moot.
func (l *Link) order(o Order) {
	for {
		select {
		case l.orders <- o:
			return
		default:
			select {
			case <-l.orders:
			default:
			}
		}
	}
}
