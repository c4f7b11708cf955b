// SPDX-License-Identifier: Apache-2.0

package ntp

import (
	"errors"
	"fmt"
	"time"
)

// handError is the most by which a time that a person has typed may be wrong.
const handError = time.Second

// ErrFollows tells that a clock that follows servers is not set by hand.
var ErrFollows = errors.New("the clock follows time servers")

// A CannotError tells why a clock may not be set.
type CannotError string

func (e CannotError) Error() string { return "the clock cannot be set: " + string(e) }

// SetTime sets the clock at once, as a person says, and returns by how much; Jumped is
// told. It fails with [ErrFollows] while the clock follows servers, unless force is
// true, and with a [CannotError] where it may not be set. The servers are asked anew
// afterwards, and believed as ever.
func (c *Clock) SetTime(to time.Time, force bool) (by time.Duration, err error) {
	if by, err = c.setTime(to, force); err != nil {
		return 0, err
	}
	c.log.Warn("clock set by hand", "by", by)
	c.cfg.Happened(Event{Kind: Jumped, By: by})
	c.askNow()
	return by, nil
}

func (c *Clock) setTime(to time.Time, force bool) (by time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if can, why := c.sys.Can(); !can {
		return 0, CannotError(why)
	}
	if c.status.Synced && !force {
		return 0, ErrFollows
	}
	now, _ := c.sys.Now()
	by = to.Sub(now)
	if err := c.sys.Step(by, handError); err != nil {
		return 0, fmt.Errorf("set the clock: %w", err)
	}
	c.watch.forgive(c.sys)
	lost := c.lost
	now, _ = c.sys.Now()
	c.begin(now) // what the servers said, and when, was of the clock as it was
	c.lost = lost
	return by, nil
}
