// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"fmt"
	"strings"
	"time"
)

// An average is an exponentially weighted moving average that may have no value.
type average struct {
	value float64
	known bool
}

func (a *average) add(v, alpha float64) {
	if !a.known {
		a.value, a.known = v, true
		return
	}
	a.value += alpha * (v - a.value)
}

// Floors are added to both sides of a ratio: below them differences are noise. An
// agent's 2 is not twice as loaded as a 1.
const (
	delayFloor  = 0.0005 // seconds
	activeFloor = 0.02   // for each unit of weight: 2 exchanges at weight 100
	agentFloor  = 10
)

// maxRatio bounds what one measurement can say of one member.
const maxRatio = 8

// forgotten is how long a delay is believed without new answers.
const forgotten = 30 * time.Second

// observe takes an interval's measurements into the averages. A member that is
// not usable loses them: what it did before it went down says nothing of how it
// comes back.
func (t *track) observe(in Input, alpha float64, dt time.Duration) {
	if !in.Usable || in.Static <= 0 || in.leaves() {
		t.delay, t.active, t.agent, t.silent = average{}, average{}, average{}, 0
		return
	}
	if in.Answers > 0 {
		t.delay.add(in.Delay.Seconds(), alpha)
		t.silent = 0
	} else if t.silent += dt; t.silent >= forgotten {
		t.delay = average{}
	}
	t.active.add(float64(in.Active)/float64(in.Static), alpha)
	if v, ok := in.loadValue(); ok {
		t.agent.add(v, alpha)
	} else {
		t.agent = average{}
	}
}

// leaves reports whether the agent asks for the member to be taken out.
func (in Input) leaves() bool { return in.HasAgent && in.Agent < 0 }

// loadValue returns what the agent and the simple probes say, 0 to 100.
func (in Input) loadValue() (v float64, ok bool) {
	agent := in.HasAgent && in.Agent >= 0
	switch {
	case agent && in.HasLoad:
		return clamp((float64(in.Agent)+in.Load)/2, 0, 100), true
	case agent:
		return clamp(float64(in.Agent), 0, 100), true
	case in.HasLoad:
		return clamp(in.Load, 0, 100), true
	}
	return 0, false
}

// measures are the pool's means; one is known if any member has the measurement.
type measures struct{ delay, active, agent average }

func (c *Controller) means(in []Input) measures {
	var m measures
	var n [3]float64
	sum := func(to *average, v average, n *float64) {
		if v.known {
			to.value, to.known = to.value+v.value, true
			*n++
		}
	}
	for i := range in {
		t := &c.members[i]
		sum(&m.delay, t.delay, &n[0])
		sum(&m.active, t.active, &n[1])
		sum(&m.agent, t.agent, &n[2])
	}
	m.delay.value /= max(n[0], 1)
	m.active.value /= max(n[1], 1)
	m.agent.value /= max(n[2], 1)
	return m
}

// load compares a member with the pool: 1 is as loaded as the others. What no
// member has been measured for does not count.
func (c *Controller) load(t *track, m measures) float64 {
	var sum, total float64
	add := func(share int, v, mean average, floor float64) {
		if !mean.known {
			return
		}
		total += float64(share)
		sum += float64(share) * ratio(v, mean, floor)
	}
	add(c.mix.Delay, t.delay, m.delay, delayFloor)
	add(c.mix.Connections, t.active, m.active, activeFloor)
	add(c.mix.Agent, t.agent, m.agent, agentFloor)
	if total == 0 {
		return 1
	}
	return sum / total
}

// ratio is how much more than the mean v is; a member that lacks the measurement
// is like the others.
func ratio(v, mean average, floor float64) float64 {
	if !v.known {
		return 1
	}
	return min((v.value+floor)/(mean.value+floor), maxRatio)
}

// reason words a step for people: what was measured against what the others have,
// and what follows.
func (c *Controller) reason(t *track, in Input, load, target float64, moved bool) string {
	if !in.Usable {
		return fmt.Sprintf("not measured: back to its weight of %d", in.Static)
	}
	var b strings.Builder
	if t.delay.known {
		fmt.Fprintf(&b, "first byte in %v, ", seconds(t.delay.value))
	}
	fmt.Fprintf(&b, "%.1f active", t.active.value*float64(in.Static))
	if t.agent.known {
		fmt.Fprintf(&b, ", agent %.0f", t.agent.value)
	}
	fmt.Fprintf(&b, ": load %.2f of the pool's mean, target %.1f", load, target)
	if !moved {
		b.WriteString(", near enough")
	}
	return b.String()
}

// text words the pool's means.
func (m measures) text() string {
	var parts []string
	if m.delay.known {
		parts = append(parts, fmt.Sprintf("first byte in %v", seconds(m.delay.value)))
	}
	if m.active.known {
		parts = append(parts, fmt.Sprintf("%.1f active for each 100 of weight", 100*m.active.value))
	}
	if m.agent.known {
		parts = append(parts, fmt.Sprintf("agent %.0f", m.agent.value))
	}
	return strings.Join(parts, ", ")
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(10 * time.Microsecond)
}
