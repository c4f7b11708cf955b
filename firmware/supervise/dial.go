// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// maxDials is how many connections of one role may wait for another at once.
const maxDials = 64

// A dial is a connection that a process wants to another role.
type dial struct {
	from *proc
	id   uint64 // of its request
}

// dial connects p with the running process of role, now or as soon as there is
// one.
func (l *loop) dial(p *proc, id uint64, role string) {
	u, err := l.mayDial(p, role)
	switch {
	case err != nil:
		p.reply(id, err)
	case u.serves():
		u.connect(dial{p, id})
	default:
		u.await(dial{p, id})
	}
}

// await keeps d until the role has a process that takes connections.
func (u *unit) await(d dial) {
	if from := d.from.unit; u.waiting(from) >= maxDials {
		d.from.reply(d.id, fmt.Errorf("dial %s: %d connections of %s wait for it already, and no more may",
			u.cfg.Name, maxDials, from.cfg.Name))
		return
	}
	u.dials = append(u.dials, d)
}

// mayDial says whether p may connect to role now.
func (l *loop) mayDial(p *proc, role string) (*unit, error) {
	if !slices.Contains(p.unit.cfg.MayDial, role) {
		return nil, fmt.Errorf("the role %s has no right to dial %q", p.unit.cfg.Name, role)
	}
	u, err := l.unit(role)
	switch {
	case err != nil:
		return nil, err
	case p.state == Starting || p.state == WaitingForGo:
		return nil, fmt.Errorf("dial %s: a process may dial after Go only", role)
	case l.stopping && !u.serves():
		return nil, ErrStopping
	}
	return u, nil
}

// serves reports whether the role has a process that takes connections.
func (u *unit) serves() bool { return u.active != nil && u.active.state == Serving }

// waiting counts the connections that wait for u on behalf of one role.
func (u *unit) waiting(of *unit) (n int) {
	for _, d := range u.dials {
		if d.from.unit == of {
			n++
		}
	}
	return n
}

// connectDials connects what has waited for the process that runs now.
func (u *unit) connectDials() {
	waited := u.dials
	u.dials = nil
	for _, d := range waited {
		u.connect(d)
	}
}

// refuseDials tells those who wait that there is nothing to wait for.
func (u *unit) refuseDials(err error) {
	waited := u.dials
	u.dials = nil
	for _, d := range waited {
		d.from.reply(d.id, err)
	}
}

// forgetDials drops the connections that nobody wants any more.
func (l *loop) forgetDials(unwanted func(dial) bool) {
	for _, u := range l.units {
		u.dials = slices.DeleteFunc(u.dials, unwanted)
	}
}

// connect gives the ends of a new connection to the running process of u and to
// d. An end that its process has no room for is closed, so that the other end
// hears of it; only its own reader can leave a process without room.
func (u *unit) connect(d dial) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		d.from.reply(d.id, fmt.Errorf("dial %s: make the connection: %w", u.cfg.Name, err))
		return
	}
	defer closeAll(fds[:])
	switch err := u.active.pass(frame{Type: pairWith, Role: d.from.unit.cfg.Name}, fds[0]); {
	case errors.Is(err, errGone):
		u.await(d)
		return
	case err != nil:
		d.from.reply(d.id, fmt.Errorf("dial %s: it takes no connections now: %w", u.cfg.Name, err))
		return
	}
	switch err := d.from.pass(frame{Type: pairWith, ID: d.id, Role: u.cfg.Name}, fds[1]); {
	case err == nil:
		d.from.reply(d.id, nil)
	case !errors.Is(err, errGone):
		d.from.killed("it does not read what it has asked for")
	}
}
