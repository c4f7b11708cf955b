// SPDX-License-Identifier: Apache-2.0

package ntp

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestClockIsSetByHand(t *testing.T) {
	during(t, &quartz{able: true}, nil, func(t *testing.T, d *day) {
		now, _ := d.q.Now()
		if by, err := d.SetTime(now.Add(3*time.Hour), false); by != 3*time.Hour || err != nil {
			t.Errorf("SetTime = %v, %v", by, err)
		}
		want(t, "events", d.heardOf(), "jumped 3h0m0s")
		pass(lookEvery) // and it is not told of twice
		want(t, "events", d.heardOf())
		want(t, "the clock", d.q.take(), "step 3h0m0s")
	})
	during(t, &quartz{able: true, kept: true}, three, func(t *testing.T, d *day) {
		d.q.take()
		now, _ := d.q.Now()
		if _, err := d.SetTime(now.Add(-time.Hour), false); !errors.Is(err, ErrFollows) {
			t.Errorf("of a clock that follows servers: %v", err)
		}
		if _, err := d.SetTime(now.Add(-time.Hour), true); err != nil {
			t.Errorf("forced: %v", err)
		}
		want(t, "the clock", d.q.take()[:1], "step -1h0m0s")
		pass(time.Minute)
		if got := d.q.take(); len(got) == 0 || got[0] != "step 1h0m0s" {
			t.Errorf("the servers are asked at once, and believed: %q", got)
		}
	})
	during(t, &quartz{}, nil, func(t *testing.T, d *day) {
		if _, err := d.SetTime(time.Now(), true); err == nil || err.Error() != "the clock cannot be set: the engine lacks the right CAP_SYS_TIME" {
			t.Errorf("of a clock that may not be set: %v", err)
		}
		want(t, "the clock", d.q.take())
	})
	during(t, &quartz{able: true, fails: errors.New("operation not permitted")}, nil, func(t *testing.T, d *day) {
		if _, err := d.SetTime(time.Now(), false); err == nil || !strings.Contains(err.Error(), "operation not permitted") {
			t.Errorf("the kernel refuses: %v", err)
		}
		want(t, "events", d.heardOf())
	})
}
