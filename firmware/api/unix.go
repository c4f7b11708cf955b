// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The sockets in the folder of a box's state.
const (
	EngineSocket     = "api.sock"
	SupervisorSocket = "supervisor.sock" // answers while there is no engine, too
)

// Listen opens the Unix socket path for this user and root. A socket file that
// no process answers is left from a crash and is replaced; one that is answered
// is an error.
func Listen(path string) (net.Listener, error) {
	if answered(path) {
		return nil, fmt.Errorf("listen on %s: another box answers there", path)
	}
	if st, err := os.Lstat(path); err == nil {
		if st.Mode().Type() != fs.ModeSocket {
			return nil, fmt.Errorf("listen on %s: the file there is no socket", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("listen on %s: %w", path, err)
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	return l, nil
}

// PeerCred identifies the process at the other end of a Unix socket by what the
// kernel says of it (SO_PEERCRED). Root and this process's own user are admins;
// all others are refused.
func PeerCred(nc net.Conn) (Call, error) { return peerCred(nc, os.Getuid()) }

// PeerUser is PeerCred for a socket of this process that another user is served on:
// it and root are admins.
func PeerUser(uid int) func(net.Conn) (Call, error) {
	return func(nc net.Conn) (Call, error) { return peerCred(nc, uid) }
}

func peerCred(nc net.Conn, own int) (Call, error) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return Call{}, errors.New("the connection is no Unix socket")
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return Call{}, err
	}
	var cred *unix.Ucred
	var credErr error
	err = rc.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, credErr); err != nil {
		return Call{}, fmt.Errorf("read the peer's credentials: %w", err)
	}
	return callOf(int(cred.Uid), int(cred.Pid), own)
}

// callOf is PeerCred's decision, apart from the socket.
func callOf(uid, pid, own int) (Call, error) {
	name := userName(uid)
	if uid != 0 && uid != own {
		return Call{}, Errorf(CodeUnauthorized, "auth.peer",
			"%s may not use this socket: call as root or as %s", name, userName(own))
	}
	return Call{Author: name, Role: Admin, Remote: "pid " + strconv.Itoa(pid), Sudo: true}, nil
}

// userName returns the name of uid, or "uid 1002" where it has none.
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return "uid " + strconv.Itoa(uid)
}

// ErrNotRunning is what Dial returns when nobody answers at the socket.
var ErrNotRunning = errors.New("no box runs")

// ErrNoEngine is what DialEngine returns when only the supervisor answers.
var ErrNoEngine = errors.New("the engine does not answer")

const (
	takeover  = 10 * time.Second      // how long DialEngine waits for the next engine
	dialAgain = 20 * time.Millisecond // and how often it looks
)

// DialEngine connects to the engine of the box whose state is in dir, and returns
// once that has answered. While one engine follows another nobody listens for a
// moment, or somebody who is about to end: as long as the supervisor answers
// DialEngine tries again, for 10 s or until ctx ends. The error is then ErrNoEngine,
// and ErrNotRunning where there is no supervisor either.
func DialEngine(ctx context.Context, dir string) (*Client, error) {
	return dialEngine(ctx, dir, takeover)
}

func dialEngine(ctx context.Context, dir string, patience time.Duration) (*Client, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience,
		fmt.Errorf("%w, but the supervisor of the box with state %s does: the box's log and evener show blackbox say why", ErrNoEngine, dir))
	defer cancel()
	for {
		c, err := Dial(filepath.Join(dir, EngineSocket))
		switch {
		case err == nil:
			if err = c.greet(ctx); err == nil {
				return c, nil
			}
			c.Close()
		case !errors.Is(err, ErrNotRunning):
			return nil, err
		}
		if !answered(filepath.Join(dir, SupervisorSocket)) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(dialAgain):
		}
	}
}

// greet returns nil once the box has answered, whatever.
func (c *Client) greet(ctx context.Context) error {
	err := c.Call(ctx, "sys.hello", struct{}{}, nil)
	if _, ok := errors.AsType[*Error](err); ok {
		return nil
	}
	return err
}

// answered reports whether somebody listens on the Unix socket path.
func answered(path string) bool {
	nc, err := net.Dial("unix", path)
	if err != nil {
		return false
	}
	nc.Close()
	return true
}

// dialError words why the socket path could not be opened.
func dialError(path string, err error) error {
	dir := filepath.Dir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w with state %s: start one with evener run --state %s", ErrNotRunning, dir, dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the box with state %s belongs to another user: call as root or as that user", dir)
	}
	return err
}
