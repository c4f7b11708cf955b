// SPDX-License-Identifier: Apache-2.0

package supervise

import "time"

// A Policy says how soon a crashed role is started again. The first Burst
// crashes within Window cost no delay; each one after that doubles the delay
// from Base up to Max, until a process has lived as long as Window. It never
// gives up. A zero field takes the default named beside it.
type Policy struct {
	Burst  int           // 5 crashes
	Window time.Duration // 30s
	Base   time.Duration // 100ms
	Max    time.Duration // 5s
}

func (p *Policy) setDefaults() {
	if p.Burst == 0 {
		p.Burst = 5
	}
	orDuration(&p.Window, 30*time.Second)
	orDuration(&p.Base, 100*time.Millisecond)
	orDuration(&p.Max, 5*time.Second)
}

// A backoff remembers the crashes of one role.
type backoff struct {
	policy  Policy
	crashes []time.Time   // the latest within the window, oldest first
	delay   time.Duration // the last delay; 0 while within the burst
}

// crashed notes that a process that lived for lived has crashed at now and
// returns how long to wait before the next start.
func (b *backoff) crashed(now time.Time, lived time.Duration) time.Duration {
	if lived >= b.policy.Window {
		b.crashes, b.delay = nil, 0
	}
	b.crashes = append(b.crashes, now)
	for now.Sub(b.crashes[0]) > b.policy.Window {
		b.crashes = b.crashes[1:]
	}
	switch {
	case b.delay > 0:
		b.delay = min(2*b.delay, b.policy.Max)
	case len(b.crashes) > b.policy.Burst:
		b.delay = min(b.policy.Base, b.policy.Max)
	}
	return b.delay
}
