// SPDX-License-Identifier: Apache-2.0

// Package watchdogtest imitates a hardware watchdog behind the kernel's API: it
// counts down, clamps timeouts, and resets the box when nobody feeds it.
package watchdogtest

import (
	"sync"
	"syscall"
	"time"

	"evener/hal/watchdog"
)

// A Dog is a watchdog that runs since New was called. Its fields may be changed
// before it is handed on.
type Dog struct {
	Identity   string
	Options    uint32
	Boot       uint32
	Min, Max   int  // seconds; timeouts outside are refused or clamped
	Refuse     bool // timeouts outside, with EINVAL, as most drivers do
	NoWayOut   bool // V is not heard
	NoTimeLeft bool // it does not tell

	now func() time.Time

	mu      sync.Mutex // guards what follows
	timeout int
	fed     time.Time
	stopped bool
	gone    error // what every call returns from now on
}

// New returns a watchdog with a timeout of 60 s that can be set from 1 s to 255 s. It
// counts by now.
func New(now func() time.Time) *Dog {
	return &Dog{Identity: "imitated watchdog", Options: watchdog.CanSetTimeout | watchdog.MagicClose | 0x8000,
		Min: 1, Max: 255, now: now, timeout: 60, fed: now()}
}

// Reset reports whether the box was reset by it.
func (d *Dog) Reset() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.stopped && d.now().Sub(d.fed) > time.Duration(d.timeout)*time.Second
}

// Stopped reports whether it was disarmed.
func (d *Dog) Stopped() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stopped
}

// Break makes every call fail with err; nil mends it.
func (d *Dog) Break(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = err
}

// Support implements watchdog.Device.
func (d *Dog) Support() (watchdog.Support, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return watchdog.Support{Identity: d.Identity, Firmware: 1, Options: d.Options}, d.gone
}

// BootStatus implements watchdog.Device.
func (d *Dog) BootStatus() (uint32, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Boot, d.gone
}

// SetTimeout implements watchdog.Device.
func (d *Dog) SetTimeout(seconds int) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone != nil {
		return 0, d.gone
	}
	if d.Options&watchdog.CanSetTimeout == 0 {
		return seconds, syscall.EOPNOTSUPP
	}
	if d.Refuse && (seconds < d.Min || seconds > d.Max) {
		return seconds, syscall.EINVAL
	}
	d.timeout = min(max(seconds, d.Min), d.Max)
	return seconds, nil // drivers answer with the wish
}

// Timeout implements watchdog.Device.
func (d *Dog) Timeout() (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.timeout, d.gone
}

// TimeLeft implements watchdog.Device.
func (d *Dog) TimeLeft() (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.NoTimeLeft {
		return 0, syscall.EOPNOTSUPP
	}
	left := time.Duration(d.timeout)*time.Second - d.now().Sub(d.fed)
	return max(int(left/time.Second), 0), d.gone
}

// KeepAlive implements watchdog.Device.
func (d *Dog) KeepAlive() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone == nil {
		d.fed = d.now()
	}
	return d.gone
}

// Close implements watchdog.Device.
func (d *Dog) Close(stop bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = d.stopped || stop && !d.NoWayOut && d.Options&watchdog.MagicClose != 0
	return d.gone
}
