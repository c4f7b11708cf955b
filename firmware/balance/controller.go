// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"fmt"
	"math"
	"sync"
	"time"

	"evener/firmware/pool"
)

// ControllerConfig says how a pool's weights are adjusted. A zero field takes the
// default named beside it.
type ControllerConfig struct {
	Policy         Policy       // a policy that measures nothing leaves weights alone, but an agent's -1 still counts
	Mix            Mix          // of policy custom; the others have their own
	Responsiveness string       // "medium"; one of Responsiveness()
	Start          []pool.Share // by member: the weights to go on from; the static ones
}

// An Input is what was measured of one member in the interval that ends now.
type Input struct {
	Static   int           // the operator's weight
	Usable   bool          // false: the member's measurements say nothing; it drifts back to its static weight
	Answers  uint64        // answers that began in the interval
	Delay    time.Duration // mean time to their first byte; ignored when Answers is 0
	Active   int64         // exchanges on the member now
	HasAgent bool
	Agent    int // 0 idle to 100 fully loaded; -1: take me out
	HasLoad  bool
	Load     float64 // 0 to 100, from simple probes; the mean with Agent if there are both
}

// An Output is a member's weight after a step.
type Output struct {
	Share   pool.Share // for Pool.SetDynamic; 0: taken out
	Weight  int        // the same rounded to whole weights, for people
	Reason  string     // why it is what it is
	Changed bool       // by this step
}

// A Controller adjusts the weights of one pool's members to what is measured of
// them. It is deterministic and has no clock: the same inputs give the same
// outputs. Its methods may be called from any goroutine.
//
// One step, for each usable member i with smoothed measurements:
//
//	load   = Σ mix·ratio / Σ mix   ratio of i's measurement to the pool's mean
//	target = static/load           within spread of static, at most 50 % to 150 %
//	weight += (target-weight) · gain · damping
//
// A measurement that a member lacks counts as the pool's mean; one that all lack
// does not count. Connections are
// taken for their static weight, so that a member of twice the weight may hold
// twice as many. Small absolute differences are not magnified: each ratio is of
// the measurement plus a floor. Damping is (1-distance/spread)^k, where distance
// is how far the weight has left static already, but at least a tenth, and applies
// only on the way out: the way back is free. A target within the threshold of the
// weight is not followed.
type Controller struct {
	preset preset
	mix    Mix

	mu      sync.Mutex // guards what follows
	elapsed time.Duration
	members []track
	start   []pool.Share
}

// A track is what the controller remembers of a member.
type track struct {
	weight  float64 // in units of the operator's weight
	static  int
	out     bool
	delay   average // seconds
	active  average // for each unit of static weight
	agent   average // 0 to 100
	silent  time.Duration
	reason  string
	history history
}

// NewController returns a controller whose members begin at their static weight
// or at Start. The error says what responsiveness or mixture would be right.
func NewController(cfg ControllerConfig) (*Controller, error) {
	p, err := presetOf(cfg.Responsiveness)
	if err != nil {
		return nil, err
	}
	mix := mixes[cfg.Policy]
	if cfg.Policy == Custom {
		mix = cfg.Mix
		if mix.Delay < 0 || mix.Connections < 0 || mix.Agent < 0 || mix == (Mix{}) {
			return nil, fmt.Errorf("policy custom must weigh delay, connections or agent above 0")
		}
	}
	return &Controller{preset: p, mix: mix, start: cfg.Start}, nil
}

// Step takes what was measured in the last dt of every member, always in the same
// order, and returns their weights.
func (c *Controller) Step(in []Input, dt time.Duration) []Output {
	c.mu.Lock()
	defer c.mu.Unlock()
	dt = max(dt, 0)
	c.elapsed += dt
	for i := len(c.members); i < len(in); i++ {
		c.members = append(c.members, c.begin(i, in[i].Static))
	}
	for i := range in {
		c.members[i].observe(in[i], c.within(c.preset.Alpha, dt), dt)
	}
	means := c.means(in)
	out := make([]Output, len(in))
	for i := range in {
		out[i] = c.adjust(i, in[i], means, dt)
	}
	return out
}

// within turns a fraction for one second into that for dt.
func (c *Controller) within(perSecond float64, dt time.Duration) float64 {
	return 1 - math.Pow(1-perSecond, dt.Seconds())
}

func (c *Controller) begin(i, static int) track {
	t := track{weight: float64(static), static: static}
	if i < len(c.start) && c.start[i] > 0 {
		t.weight = float64(c.start[i]) / float64(pool.Full)
	}
	return t
}

// adjust moves one member's weight and records why.
func (c *Controller) adjust(i int, in Input, means measures, dt time.Duration) Output {
	t := &c.members[i]
	s := Step{After: c.elapsed, Input: in, Means: means.text(), From: t.share(), Load: 1}
	t.follow(in.Static)
	static := float64(in.Static)
	target := static
	switch {
	case in.leaves():
		s.Reason = "agent answered -1: taken out"
	case in.Static <= 0:
		s.Reason = "weight 0"
	default:
		if in.Usable {
			s.Load = c.load(t, means)
			target = clamp(static/s.Load, static*(1-c.preset.Spread), static*(1+c.preset.Spread))
		}
		moved := c.move(t, target, static, dt)
		s.Reason = c.reason(t, in, s.Load, target, moved)
	}
	t.out = in.leaves()
	s.Target, s.To = target, t.share()
	changed := s.From != s.To
	if changed || t.reason == "" {
		t.reason = s.Reason
		t.history.add(s)
	}
	return Output{Share: s.To, Weight: whole(s.To), Reason: t.reason, Changed: changed}
}

// move brings the weight nearer to target and reports whether it did.
func (c *Controller) move(t *track, target, static float64, dt time.Duration) bool {
	gap := target - t.weight
	if math.Abs(gap) <= c.preset.Threshold*static {
		return false
	}
	step := gap * c.within(c.preset.Gain, dt)
	if away := t.weight - static; away*gap > 0 {
		room := 1 - math.Abs(away)/(c.preset.Spread*static)
		step *= max(0.1, math.Pow(max(room, 0), float64(c.preset.Damping)))
	}
	t.weight = clamp(t.weight+step, static*(1-c.preset.Spread), static*(1+c.preset.Spread))
	return true
}

// follow keeps the weight in proportion when the operator changes the static one.
func (t *track) follow(static int) {
	if static == t.static {
		return
	}
	if t.static > 0 {
		t.weight *= float64(static) / float64(t.static)
	} else {
		t.weight = float64(static)
	}
	t.static = static
}

// share returns the weight as the pool wants it, inside the rails, which rounding
// must not leave.
func (t *track) share() pool.Share {
	if t.out || t.static <= 0 {
		return 0
	}
	full := pool.Share(t.static) * pool.Full
	s := pool.Share(math.Round(t.weight * float64(pool.Full)))
	return min(max(s, full/2), full*3/2)
}

func whole(s pool.Share) int { return int((s + pool.Full/2) / pool.Full) }

func clamp(v, low, high float64) float64 { return min(max(v, low), high) }
