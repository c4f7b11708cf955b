// SPDX-License-Identifier: Apache-2.0

package nic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// A lamp is one that blinks.
type lamp struct {
	stop context.CancelFunc
	err  chan error    // why it ceased
	done chan struct{} // closed when the driver has let go of it
}

// slice is how long the driver is asked to blink at a time. The call blocks for so
// long and cannot be ended, which bounds how late a lamp goes out.
const slice = 2 * time.Second

// soon is how long a driver may take to refuse.
const soon = 200 * time.Millisecond

// Identify lets the lamp of a port blink for d, LongestIdentify at most, or with 0
// ends that. Asked again, it begins anew. A driver that cannot is an error that
// wraps errors.ErrUnsupported.
func (p *Ports) Identify(label string, d time.Duration) error {
	ports, err := p.List()
	if err != nil {
		return err
	}
	name := ""
	known := false
	for _, port := range ports {
		if port.Label == label {
			name, known = port.Interface, true
		}
	}
	switch {
	case !known:
		return noPort(label, ports)
	case d < 0 || d > LongestIdentify:
		return fmt.Errorf("a lamp blinks for up to %v, not for %v", LongestIdentify, d)
	case name == "" && d > 0:
		return fmt.Errorf("port %s has no interface now", label)
	}
	l := p.replace(label, name, d)
	if l == nil {
		return nil
	}
	t := time.NewTimer(soon)
	defer t.Stop()
	select {
	case err := <-l.err:
		return identifyError(label, name, err)
	case <-t.C:
		return nil // it blinks
	}
}

// replace ends the blinking of a port and starts a new one where d is not 0.
func (p *Ports) replace(label, name string, d time.Duration) *lamp {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.lamps[label]
	if old != nil {
		old.stop()
		delete(p.lamps, label)
	}
	if d == 0 || p.closed {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), d)
	l := &lamp{stop: cancel, err: make(chan error, 1), done: make(chan struct{})}
	p.lamps[label] = l
	p.tasks.Go(func() {
		defer close(l.done)
		defer cancel()
		if old != nil {
			<-old.done // or the driver would say that it is busy
		}
		p.keepBlinking(ctx, name, l)
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.lamps[label] == l {
			delete(p.lamps, label)
		}
	})
	return l
}

// keepBlinking asks the driver again and again until ctx ends.
func (p *Ports) keepBlinking(ctx context.Context, name string, l *lamp) {
	for first := true; ctx.Err() == nil; first = false {
		begun := time.Now()
		err := p.blink(name, slice)
		switch {
		case errors.Is(err, unix.EBUSY) && !first, errors.Is(err, unix.EINTR):
			// the one before it is about to end
		case err != nil:
			l.err <- err
			if !first || time.Since(begun) > soon {
				p.log.Warn("lamp of a port ceased to blink", "iface", name, "err", err)
			}
			return
		}
		pause(ctx, slice-time.Since(begun)) // some drivers do not block
	}
}

func identifyError(label, name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EOPNOTSUPP):
		return fmt.Errorf("port %s cannot blink: the driver of %s has nothing for it: %w", label, name, errors.ErrUnsupported)
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("port %s cannot blink: it needs the right CAP_NET_ADMIN", label)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("port %s blinks already, as another program has ordered", label)
	case errors.Is(err, unix.ENODEV):
		return fmt.Errorf("port %s has no interface now", label)
	}
	return fmt.Errorf("let port %s blink: %w", label, err)
}
