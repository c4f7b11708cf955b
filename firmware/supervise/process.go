// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A process is one running process, as much as the loop needs of it.
type process interface {
	pid() int
	// send passes a frame and copies of descriptors. After it has failed, or
	// if the process is gone, the end of the process follows.
	send(f frame, fds ...int)
	// pass is send for frames that may be lost: it never blocks, and fails with
	// errGone, or else because the process has no room for f.
	pass(f frame, fds ...int) error
	kill()
}

// A sink takes what a process says and when it ends. ended comes last.
type sink interface {
	said(frame)
	hungUp() // the control channel is closed, the process may still be there
	ended(cause string)
}

// A starter starts a process of a role and reports to the sink that it is
// given, from other goroutines.
type starter func(cfg Config, r Role, to sink) (process, error)

// children starts real processes and knows which are ours.
type children struct {
	mu   sync.Mutex // guards pids; held from before the start, so that none is missed
	pids map[int]bool
}

// A child is a real process.
type child struct {
	id   int
	conn *conn

	mu     sync.Mutex // guards gone: nobody signals a process id that was freed
	gone   bool
	reader chan struct{} // closed when the channel has been read to its end
}

func (k *children) start(cfg Config, r Role, to sink) (process, error) {
	conn, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer unix.Close(theirs)
	words, theirStderr, err := newTail(cfg.Stderr)
	if err != nil {
		conn.close()
		return nil, err
	}
	defer unix.Close(theirStderr)

	k.mu.Lock()
	defer k.mu.Unlock()
	pid, err := spawn(cfg.Exe, r, theirStderr, theirs)
	if err != nil {
		conn.close()
		words.abandon()
		return nil, err
	}
	k.pids[pid] = true
	c := &child{id: pid, conn: conn, reader: make(chan struct{})}
	go words.copy()
	go c.read(to)
	go k.wait(c, words, to)
	return c, nil
}

// spawn starts exe with the control channel as descriptor 3 and nothing on
// standard input.
func spawn(exe string, r Role, stderr, control int) (int, error) {
	null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("open %s: %w", os.DevNull, err)
	}
	defer unix.Close(null)
	env := slices.Concat([]string{controlEnv + "=3"}, r.Env, os.Environ()) // the first of a name counts
	file, release, err := program(exe, r)
	if err != nil {
		return 0, err
	}
	defer release()
	pid, err := fork(r, file, append([]string{exe}, r.Args...), &syscall.ProcAttr{
		Env:   env,
		Files: []uintptr{uintptr(null), 1, uintptr(stderr), uintptr(control)},
		Sys: &syscall.SysProcAttr{
			// A group of its own: an interrupt typed at the terminal is for
			// the supervisor, which ends the roles in order.
			Setpgid:     true,
			Credential:  r.Credential,
			AmbientCaps: r.AmbientCaps,
		},
	})
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", exe, err)
	}
	return pid, nil
}

func (c *child) pid() int { return c.id }

func (c *child) send(f frame, fds ...int) {
	err := c.conn.send(f, fds...)
	if err != nil && !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
		c.kill() // it does not read, or cannot be told what it must know
	}
}

// errGone says that a process has ended though we have not heard of it yet.
var errGone = errors.New("the process is gone")

func (c *child) pass(f frame, fds ...int) error {
	err := c.conn.pass(f, fds...)
	if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
		return errGone
	}
	return err
}

func (c *child) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.gone {
		_ = unix.Kill(c.id, unix.SIGKILL)
	}
}

// read passes on what the process says until the channel ends.
func (c *child) read(to sink) {
	defer close(c.reader)
	defer c.conn.close()
	for {
		f, _, err := c.conn.receive()
		if _, bad := errors.AsType[badFrame](err); bad {
			continue
		}
		if err != nil {
			to.hungUp()
			return
		}
		to.said(f)
	}
}

// wait reports the end of c once all that it said has been read.
func (k *children) wait(c *child, words *tail, to sink) {
	for unix.Waitid(unix.P_PID, c.id, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	status, err := k.reap(c)
	c.conn.shutdown() // a grandchild may have inherited the other end
	<-c.reader
	cause := "status unknown"
	switch {
	case err != nil:
		cause = err.Error()
	case status.Signaled():
		cause = "signal: " + status.Signal().String()
	case status.Exited():
		cause = fmt.Sprintf("exit status %d", status.ExitStatus())
	}
	if last := words.last(100 * time.Millisecond); last != "" && cause != "exit status 0" {
		cause += "; its last words: " + last
	}
	to.ended(cause)
}

// reap frees the process id of c, which has ended.
func (k *children) reap(c *child) (status unix.WaitStatus, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	for {
		if _, err = unix.Wait4(c.id, &status, 0, nil); err != unix.EINTR {
			break
		}
	}
	c.gone = true
	delete(k.pids, c.id)
	return status, err
}
