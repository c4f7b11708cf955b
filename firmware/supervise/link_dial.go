// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
)

// maxAccepted is how many connections of other roles wait for Accept; more are
// closed at once.
const maxAccepted = 64

// Dial connects this process with the running process of another role, which
// finds the connection in its Accepted. It waits while that role has none, such
// as during a restart, until ctx ends. The role needs the right: Role.MayDial.
//
// When either process ends, the other reads the end of the stream, and no more:
// who needs the connection dials again.
func (l *Link) Dial(ctx context.Context, role string) (net.Conn, error) {
	id, answer := l.expect()
	defer l.forget(id)
	if err := l.conn.send(frame{Type: askDial, ID: id, Role: role}); err != nil {
		return nil, l.lost(err)
	}
	select {
	case f := <-answer:
		if f.Error != "" {
			return nil, errors.New(f.Error)
		}
	case <-l.gone:
		return nil, ErrGone
	case <-ctx.Done():
		_ = l.conn.send(frame{Type: sayHangUp, ID: id}) // if that fails, all is over
		return nil, fmt.Errorf("dial %s: %w", role, ctx.Err())
	}
	l.mu.Lock()
	fd, ok := l.dialled[id]
	delete(l.dialled, id)
	l.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("dial %s: the supervisor did not pass the connection", role)
	}
	return newPeer(fd, l.role, role)
}

// Accepted returns the listener of the connections that other roles dial to this
// one; it is the same for each call. The address of the other end names its
// role, such as "role:console". Accept ends with net.ErrClosed after Close,
// Released or the Link's Close; connections that nobody has accepted are closed.
func (l *Link) Accepted() net.Listener { return l.accepted }

// connected takes one end of a connection: the one that a Dial waits for, or
// that of another role.
func (l *Link) connected(f frame, fd int) {
	if f.ID == 0 {
		c, err := newPeer(fd, l.role, f.Role)
		if err == nil && !l.accepted.add(c) {
			c.Close()
		}
		return // without the connection the other end reads its end
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, twice := l.dialled[f.ID]; twice || l.pending[f.ID] == nil {
		closeAll([]int{fd})
		return
	}
	l.dialled[f.ID] = fd
}

// A peer is a connection with another role. It hides that it is a Unix socket,
// for its credentials are those of the supervisor, which has made it.
type peer struct {
	net.Conn
	local, remote roleAddr
}

// newPeer makes a connection of fd and owns it.
func newPeer(fd int, local, remote string) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "role:"+remote)
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("connection with %s: %w", remote, err)
	}
	return &peer{c, roleAddr(local), roleAddr(remote)}, nil
}

func (p *peer) LocalAddr() net.Addr  { return p.local }
func (p *peer) RemoteAddr() net.Addr { return p.remote }

// A roleAddr is the address of a role.
type roleAddr string

// Network returns "role".
func (roleAddr) Network() string { return "role" }

// String returns the form used in messages, such as "role:engine".
func (a roleAddr) String() string { return "role:" + string(a) }

// accepted is the listener of a Link's Accepted.
type accepted struct {
	role string
	end  chan struct{} // closed by Close
	room chan net.Conn

	mu   sync.Mutex // guards over; held while a connection is added
	over bool
}

func newAccepted(role string) *accepted {
	return &accepted{role: role, end: make(chan struct{}), room: make(chan net.Conn, maxAccepted)}
}

// add puts c into the queue, if there is room and anybody may still take it.
func (a *accepted) add(c net.Conn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return false
	}
	select {
	case a.room <- c:
		return true
	default:
		return false
	}
}

// Accept waits for the next connection.
func (a *accepted) Accept() (net.Conn, error) {
	select {
	case <-a.end: // a closed listener gives nothing
		return nil, a.closed()
	default:
	}
	select {
	case c := <-a.room:
		return c, nil
	case <-a.end:
		return nil, a.closed()
	}
}

func (a *accepted) closed() error {
	return &net.OpError{Op: "accept", Net: "role", Addr: a.Addr(), Err: net.ErrClosed}
}

// Close ends Accept and closes the connections that nobody has accepted.
func (a *accepted) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return nil
	}
	a.over = true
	close(a.end)
	for {
		select {
		case c := <-a.room:
			c.Close()
		default:
			return nil
		}
	}
}

// Addr returns the address of this role.
func (a *accepted) Addr() net.Addr { return roleAddr(a.role) }
