// SPDX-License-Identifier: Apache-2.0

// Package watchdog keeps a hardware watchdog from restarting the box, for as long
// as somebody who knows what must be alive goes on feeding it.
//
// Opening a watchdog starts it (Linux Documentation/watchdog/watchdog-api.rst). It
// is stopped by [Watchdog.Stop] alone, so that a program that dies is followed by a
// restart of the box. Why the box started last, a reset by the watchdog or a failed
// fan, is in [State].
package watchdog

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// The bits of a boot status and of what a watchdog can do (linux/watchdog.h).
const (
	Overheat      = 0x0001 // the box was reset because the CPU was too hot
	FanFault      = 0x0002
	Extern1       = 0x0004
	Extern2       = 0x0008
	PowerUnder    = 0x0010
	CardReset     = 0x0020 // the watchdog has reset the box
	PowerOver     = 0x0040
	CanSetTimeout = 0x0080 // of what it can do
	MagicClose    = 0x0100 // it can be stopped by writing V before closing
)

// Support is what a watchdog says of itself.
type Support struct {
	Identity string
	Firmware uint32
	Options  uint32 // bits as above
}

// A Device is a watchdog as the kernel offers it. Timeouts are whole seconds.
type Device interface {
	Support() (Support, error)
	BootStatus() (uint32, error)
	SetTimeout(seconds int) (int, error) // returns what the driver has made of it
	Timeout() (int, error)
	TimeLeft() (int, error)
	KeepAlive() error
	Close(stop bool) error // stop: disarm it, if it can be
}

// A State is what a watchdog does and has done.
type State struct {
	Identity  string
	Timeout   time.Duration
	Left      time.Duration // 0: the driver does not tell
	Reset     bool          // the last start of the box was its doing
	Boot      []string      // what the hardware says of the last start, in words
	Fed       time.Time     // last; zero: never
	Stoppable bool          // an orderly stop disarms it
	Problem   string
}

// A Watchdog is an armed one.
type Watchdog struct {
	dev Device
	now func() time.Time

	mu    sync.Mutex // guards what follows
	state State
	unfed error // of the last Feed
	done  bool
}

// New takes over a device, which runs since it was opened, and asks for a timeout. A
// driver that knows only certain ones gives the nearest; one that refuses keeps
// its own.
func New(dev Device, timeout time.Duration) (*Watchdog, error) {
	w := &Watchdog{dev: dev, now: time.Now}
	sup, err := dev.Support()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ask the watchdog what it is: %w", err), dev.Close(true))
	}
	w.state.Identity, w.state.Stoppable = sup.Identity, sup.Options&MagicClose != 0
	if bits, err := dev.BootStatus(); err == nil {
		w.state.Reset, w.state.Boot = bits&CardReset != 0, bootWords(bits)
	}
	w.setTimeout(timeout)
	return w, w.Feed()
}

// setTimeout asks for a timeout and keeps what the driver has made of it.
func (w *Watchdog) setTimeout(want time.Duration) {
	got, err := w.dev.SetTimeout(int(want / time.Second))
	if err == nil {
		// Some drivers return the wish and set what they can.
		if is, e := w.dev.Timeout(); e == nil {
			got = is
		}
	} else {
		w.state.Problem = fmt.Sprintf("its timeout cannot be set to %v (%v)", want, err)
		if got, err = w.dev.Timeout(); err != nil {
			w.state.Problem += ", and is not known"
		}
	}
	w.state.Timeout = time.Duration(got) * time.Second
	if w.state.Problem == "" && w.state.Timeout < 5*time.Second {
		w.state.Problem = fmt.Sprintf("its timeout of %v is short: a busy box may be restarted", w.state.Timeout)
	}
}

// bootWords says what a boot status means.
func bootWords(bits uint32) []string {
	out := []string{}
	for _, b := range []struct {
		bit  uint32
		word string
	}{
		{CardReset, "the watchdog has reset the box"}, {Overheat, "the CPU was too hot"}, {FanFault, "a fan has failed"},
		{PowerUnder, "the supply was too low"}, {PowerOver, "the supply was too high"},
		{Extern1, "external relay 1"}, {Extern2, "external relay 2"},
	} {
		if bits&b.bit != 0 {
			out = append(out, b.word)
		}
	}
	return out
}

// ErrStopped is returned by Feed after Stop.
var ErrStopped = errors.New("the watchdog is stopped")

// Feed gives the box another timeout.
func (w *Watchdog) Feed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return ErrStopped
	}
	if w.unfed = w.dev.KeepAlive(); w.unfed != nil {
		return fmt.Errorf("feed the watchdog: %w", w.unfed)
	}
	w.state.Fed = w.now()
	return nil
}

// State tells how it is.
func (w *Watchdog) State() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.state
	if w.unfed != nil {
		s.Problem = "it cannot be fed: " + w.unfed.Error()
	}
	if left, err := w.dev.TimeLeft(); err == nil && !w.done {
		s.Left = time.Duration(left) * time.Second
	}
	return s
}

// Stop disarms the watchdog and closes it. One that cannot be disarmed goes on: the
// box restarts after its timeout unless somebody else opens it.
func (w *Watchdog) Stop() error { return w.close(true) }

// Leave closes it armed, for whoever opens it next within its timeout: the firmware
// of the next start.
func (w *Watchdog) Leave() error { return w.close(false) }

func (w *Watchdog) close(stop bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return nil
	}
	w.done = true
	return w.dev.Close(stop)
}
