// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// listeners is every socket that the supervisor holds. One goroutine owns it.
type listeners map[listenKey]*held

// A held listener belongs to the role that acquired it first.
type held struct {
	role string
	spec ListenSpec
	fds  []int
}

// acquire opens what is missing of specs for role, all or nothing, and adds
// sockets to what has too few.
func (t listeners) acquire(role string, specs []ListenSpec) error {
	opened := map[listenKey][]int{} // bound, not listening yet
	var errs []error
	for _, s := range specs {
		fds, err := t.missing(role, s, opened)
		if err != nil {
			errs = append(errs, err)
		}
		opened[s.key()] = append(opened[s.key()], fds...)
	}
	if len(errs) == 0 {
		errs = t.listen(specs, opened)
	}
	if len(errs) > 0 {
		for _, fds := range opened {
			closeAll(fds)
		}
		return errors.Join(errs...)
	}
	for _, s := range specs {
		h := t[s.key()]
		if h == nil {
			h = &held{role: role, spec: s}
			t[s.key()] = h
		}
		h.spec.Backlog = s.Backlog
		h.fds = append(h.fds, opened[s.key()]...)
		delete(opened, s.key()) // a spec may be named twice
	}
	return nil
}

// missing binds the sockets that s needs beyond those held and opened.
func (t listeners) missing(role string, s ListenSpec, opened map[listenKey][]int) ([]int, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	have := len(opened[s.key()])
	if h := t[s.key()]; h != nil && h.role == role {
		have += len(h.fds)
	} else if h := t.rival(role, s); h != nil {
		return nil, fmt.Errorf("listen on %s: the role %s listens on %s; change listen in one of the two", s, h.role, h.spec)
	}
	if have >= s.count() {
		return nil, nil
	}
	return bindGroup(s, s.count()-have, !t.shares(s, opened))
}

// rival returns what another role holds and would share clients with s. The kernel
// does not object: all sockets are ours, and share their ports.
func (t listeners) rival(role string, s ListenSpec) *held {
	for _, h := range t {
		if h.role != role && h.spec.competes(s) {
			return h
		}
	}
	return nil
}

// shares reports whether sockets of ours compete with s, in which case a probe
// of the port would find only ourselves.
func (t listeners) shares(s ListenSpec, opened map[listenKey][]int) bool {
	for _, h := range t {
		if h.spec.overlaps(s) {
			return true
		}
	}
	for k, fds := range opened {
		if len(fds) > 0 && (ListenSpec{Network: k.network, Addr: k.addr}).overlaps(s) {
			return true
		}
	}
	return false
}

// listen starts every opened TCP socket. It comes last because connections may
// arrive from then on.
func (t listeners) listen(specs []ListenSpec, opened map[listenKey][]int) (errs []error) {
	for _, s := range specs {
		if s.Network != "tcp" {
			continue
		}
		fds := opened[s.key()]
		if h := t[s.key()]; h != nil && h.spec.backlog() != s.backlog() {
			fds = slices.Concat(h.fds, fds) // listen again: a new backlog
		}
		for _, fd := range fds {
			if err := unix.Listen(fd, s.backlog()); err != nil {
				errs = append(errs, listenError(s, "listen", err))
				break
			}
		}
	}
	return errs
}

// keep closes the listeners of role that specs does not name.
func (t listeners) keep(role string, specs []ListenSpec) (closed []ListenSpec) {
	wanted := map[listenKey]bool{}
	for _, s := range specs {
		wanted[s.key()] = true
	}
	for k, h := range t {
		if h.role == role && !wanted[k] {
			closeAll(h.fds)
			closed = append(closed, h.spec)
			delete(t, k)
		}
	}
	return closed
}

// named is how many listeners of a role a Status names.
const named = 100

// of returns the names of the listeners of role, sorted, and says how many more
// there are.
func (t listeners) of(role string) (names []string) {
	for _, h := range t {
		if h.role == role {
			names = append(names, h.spec.String())
		}
	}
	slices.Sort(names)
	if more := len(names) - named; more > 0 {
		names = append(names[:named], fmt.Sprintf("and %d more", more))
	}
	return names
}

func (t listeners) closeAll() {
	for _, h := range t {
		closeAll(h.fds)
	}
	clear(t)
}
