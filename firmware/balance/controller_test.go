// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"evener/firmware/pool"
)

// A backend answers in base when idle, and the more slowly the nearer it comes to
// what it can do: base/(1-utilisation), as a queue with one server does.
type backend struct {
	static   int
	base     float64 // seconds
	capacity float64 // exchanges a second
	agent    bool
}

// A plant is a simulated pool under constant load: it closes the loop around a
// Controller.
type plant struct {
	backends []backend
	rate     float64 // exchanges a second, all together
	noise    float64 // of each measurement
	rng      *rand.Rand
}

// measure returns what a second with these weights looks like.
func (p *plant) measure(weights []pool.Share) []Input {
	var sum pool.Share
	for _, w := range weights {
		sum += w
	}
	in := make([]Input, len(p.backends))
	for i, b := range p.backends {
		rate := p.rate * float64(weights[i]) / float64(sum)
		use := min(rate/b.capacity, 0.98)
		delay := b.base / (1 - use) * (1 + p.noise*p.rng.NormFloat64())
		delay = max(delay, b.base/2)
		in[i] = Input{
			Static: b.static, Usable: true, Answers: uint64(rate),
			Delay:  time.Duration(delay * float64(time.Second)),
			Active: int64(math.Round(rate * delay)),
		}
		if b.agent {
			in[i].HasAgent, in[i].Agent = true, int(100*use)
		}
	}
	return in
}

// run returns the weights of each of n seconds, one row for each member.
func (p *plant) run(t *testing.T, cfg ControllerConfig, n int) [][]float64 {
	t.Helper()
	c, err := NewController(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.rng = rand.New(rand.NewPCG(1, 2))
	weights := make([]pool.Share, len(p.backends))
	for i, b := range p.backends {
		weights[i] = pool.Share(b.static) * pool.Full
	}
	rows := make([][]float64, len(p.backends))
	for range n {
		for i, o := range c.Step(p.measure(weights), time.Second) {
			weights[i] = o.Share
			full := float64(p.backends[i].static) * float64(pool.Full)
			rows[i] = append(rows[i], float64(o.Share)/full)
			if f := rows[i][len(rows[i])-1]; f < 0.5 || f > 1.5 {
				t.Fatalf("%s: weight of member %d left the rails: %.3f of its static weight", cfg.Policy, i, f)
			}
		}
	}
	return rows
}

func mean(row []float64) float64 {
	sum := 0.0
	for _, v := range row {
		sum += v
	}
	return sum / float64(len(row))
}

func swing(row []float64) float64 { return slices.Max(row) - slices.Min(row) }

func TestMemberTwiceAsSlowSettlesNearHalf(t *testing.T) {
	// Low load, so the delays are the backends' own: 10, 10, 10 and 20 ms.
	p := &plant{rate: 100, backends: []backend{
		{100, 0.010, 10_000, false}, {100, 0.010, 10_000, false},
		{100, 0.010, 10_000, false}, {100, 0.020, 10_000, false},
	}}
	for _, name := range []string{"medium", "fast", "fastest"} {
		rows := p.run(t, ControllerConfig{Policy: FastestResponse, Responsiveness: name}, 300)
		fast, slow := mean(rows[0][200:]), mean(rows[3][200:])
		if r := slow / fast; r < 0.45 || r > 0.62 {
			t.Errorf("%s: slow member has %.2f of a fast one's weight (%.2f, %.2f), want about half", name, r, slow, fast)
		}
	}
}

func TestEqualMembersStayEqual(t *testing.T) {
	p := &plant{rate: 300, noise: 0.05, backends: slices.Repeat([]backend{{50, 0.010, 150, true}}, 5)}
	for _, name := range Responsiveness() {
		for _, row := range p.run(t, ControllerConfig{Policy: Adaptive, Responsiveness: name}, 600) {
			if m := mean(row[300:]); m < 0.95 || m > 1.05 {
				t.Errorf("%s: an equal member settled at %.2f of its weight", name, m)
			}
		}
	}
}

// A member of twice the weight and twice the power holds twice as many
// connections, and that is no reason to take weight from it.
func TestConnectionsAreTakenForTheirWeight(t *testing.T) {
	p := &plant{rate: 200, backends: []backend{{100, 0.050, 200, false}, {200, 0.050, 400, false}}}
	for i, row := range p.run(t, ControllerConfig{Policy: Custom, Mix: Mix{Connections: 1}}, 300) {
		if m := mean(row[200:]); m < 0.93 || m > 1.07 {
			t.Errorf("member %d settled at %.2f of its weight", i, m)
		}
	}
}

// Under heavy, noisy load with queues that grow fast, weights must come to rest:
// small swings at the end, smaller for slower settings, and in time.
func TestWeightsDoNotOscillate(t *testing.T) {
	for _, policy := range []Policy{Adaptive, FastestResponse, ServerAgent} {
		p := &plant{rate: 240, noise: 0.03, backends: []backend{
			{100, 0.010, 120, true}, {100, 0.010, 120, true}, {100, 0.025, 80, true},
		}}
		limits := map[string]float64{"slowest": 0.06, "slow": 0.08, "medium": 0.10, "fast": 0.15, "fastest": 0.30}
		for _, name := range Responsiveness() {
			for i, row := range p.run(t, ControllerConfig{Policy: policy, Responsiveness: name}, 900) {
				if s := swing(row[600:]); s > limits[name] {
					t.Errorf("%s, %s: member %d swings by %.3f, want at most %.2f", policy, name, i, s, limits[name])
				}
			}
		}
	}
}

func TestResponsivenessIsOrdered(t *testing.T) {
	p := &plant{rate: 100, backends: []backend{{100, 0.010, 10_000, false}, {100, 0.020, 10_000, false}}}
	last := math.MaxInt
	for _, name := range Responsiveness() {
		row := p.run(t, ControllerConfig{Policy: FastestResponse, Responsiveness: name}, 600)[1]
		took := slices.IndexFunc(row, func(v float64) bool { return v < 0.9 })
		if took < 0 || took >= last {
			t.Errorf("%s: took %d s for the first 10 %%, the slower setting %d", name, took, last)
		}
		last = took
	}
}

// The mean load before and after: adjusting must help.
func TestAdaptiveLowersTheDelay(t *testing.T) {
	p := &plant{rate: 240, backends: []backend{
		{100, 0.010, 120, false}, {100, 0.010, 120, false}, {100, 0.010, 90, false},
	}}
	rows := p.run(t, ControllerConfig{Policy: Adaptive}, 300)
	worst := func(at int) time.Duration {
		w := make([]pool.Share, len(rows))
		for i := range rows {
			w[i] = pool.Full
			if at >= 0 {
				w[i] = pool.Share(100_000 * rows[i][at])
			}
		}
		worst := time.Duration(0)
		for _, in := range p.measure(w) {
			worst = max(worst, in.Delay)
		}
		return worst
	}
	if first, last := worst(-1), worst(299); last > first*2/3 {
		t.Errorf("slowest member answers in %v by static weights, in %v at last", first, last)
	}
}

func TestRailsHoldUnderExtremes(t *testing.T) {
	for _, name := range Responsiveness() {
		c, err := NewController(ControllerConfig{Policy: Adaptive, Responsiveness: name})
		if err != nil {
			t.Fatal(err)
		}
		low, high := math.Inf(1), 0.0
		for range 500 {
			out := c.Step([]Input{
				{Static: 1, Usable: true, Answers: 1, Delay: time.Hour, Active: 1 << 40, HasAgent: true, Agent: 100},
				{Static: 1, Usable: true, Answers: 1, HasAgent: true},
				{Static: 1, Usable: true, Answers: 1, HasAgent: true},
			}, time.Second)
			low, high = min(low, float64(out[0].Share)), max(high, float64(out[1].Share))
		}
		spread, _ := presetOf(name)
		wantLow, wantHigh := 1000*(1-spread.Spread), 1000*(1+spread.Spread)
		near := 1000*spread.Threshold + 20
		if low < wantLow-1 || low > wantLow+near || high > wantHigh+1 || high < wantHigh-near {
			t.Errorf("%s: weights of 1 went to %.3f and %.3f, want about %.3f and %.3f",
				name, low/1000, high/1000, wantLow/1000, wantHigh/1000)
		}
	}
}

func step1(t *testing.T, c *Controller, in ...Input) []Output {
	t.Helper()
	return c.Step(in, time.Second)
}

func TestAgentTakesItsMemberOut(t *testing.T) {
	for _, policy := range []Policy{Adaptive, RoundRobin} {
		c, err := NewController(ControllerConfig{Policy: policy})
		if err != nil {
			t.Fatal(err)
		}
		ok := Input{Static: 100, Usable: true, HasAgent: true, Agent: 10}
		out := step1(t, c, Input{Static: 100, Usable: true, HasAgent: true, Agent: -1}, ok)
		if o := out[0]; o.Share != 0 || !o.Changed || !strings.Contains(o.Reason, "-1") {
			t.Errorf("%s: agent -1: %+v", policy, o)
		}
		if o := out[1]; o.Share == 0 || o.Changed {
			t.Errorf("%s: the other: %+v", policy, o)
		}
		if o := step1(t, c, ok, ok)[0]; o.Share != 100_000 || !o.Changed {
			t.Errorf("%s: back again: %+v", policy, o)
		}
	}
}

func TestPolicyWithoutMeasurementLeavesWeightsAlone(t *testing.T) {
	c, err := NewController(ControllerConfig{Policy: StaticWeight})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		for i, o := range step1(t, c,
			Input{Static: 70, Usable: true, Answers: 9, Delay: time.Second, Active: 50},
			Input{Static: 100, Usable: true, Answers: 9, Delay: time.Millisecond}) {
			if o.Changed || o.Weight != []int{70, 100}[i] {
				t.Fatalf("member %d: %+v", i, o)
			}
		}
	}
}

func TestWeightsComeBackWhenTheCauseIsGone(t *testing.T) {
	c, err := NewController(ControllerConfig{Policy: FastestResponse})
	if err != nil {
		t.Fatal(err)
	}
	in := func(slow time.Duration) []Input {
		fast := Input{Static: 100, Usable: true, Answers: 10, Delay: 10 * time.Millisecond}
		return []Input{fast, {Static: 100, Usable: true, Answers: 10, Delay: slow}}
	}
	var out []Output
	for range 200 {
		out = step1(t, c, in(40*time.Millisecond)...)
	}
	if out[1].Weight > 70 {
		t.Fatalf("weight of the slow member = %d", out[1].Weight)
	}
	for range 25 { // the way back is not damped
		out = step1(t, c, in(10*time.Millisecond)...)
	}
	if out[1].Weight < 95 || out[0].Weight > 105 {
		t.Errorf("after the cause is gone: %d and %d, want about 100", out[0].Weight, out[1].Weight)
	}
	for range 200 {
		out = step1(t, c, in(time.Second)...)
	}
	gone := Input{Static: 100}
	for range 60 {
		out = step1(t, c, in(0)[0], gone)
	}
	if out[1].Weight < 95 {
		t.Errorf("a member that is not measured stays at %d", out[1].Weight)
	}
}

func TestStepLengthDoesNotMatterMuch(t *testing.T) {
	run := func(dt time.Duration) int {
		c, err := NewController(ControllerConfig{Policy: FastestResponse, Responsiveness: "slow"})
		if err != nil {
			t.Fatal(err)
		}
		var out []Output
		for range int(3 * time.Second / dt) {
			out = c.Step([]Input{
				{Static: 1000, Usable: true, Answers: 1, Delay: 10 * time.Millisecond},
				{Static: 1000, Usable: true, Answers: 1, Delay: 15 * time.Millisecond},
			}, dt)
		}
		return out[1].Weight
	}
	if a, b := run(time.Second), run(250*time.Millisecond); a-b > 20 || b-a > 20 {
		t.Errorf("after 3 s: %d in steps of 1 s, %d in steps of 250 ms", a, b)
	}
}

func TestControllerGoesOnFromStartAndFollowsTheOperator(t *testing.T) {
	c, err := NewController(ControllerConfig{Policy: Adaptive, Start: []pool.Share{60_000}})
	if err != nil {
		t.Fatal(err)
	}
	idle := Input{Static: 100}
	if o := step1(t, c, idle, idle)[0]; o.Share <= 60_000 || o.Share > 80_000 {
		t.Errorf("first step from 60: %+v", o)
	}
	idle.Static = 50
	if o := step1(t, c, idle, idle)[1]; o.Share != 50_000 {
		t.Errorf("after the operator halved the weight: %+v", o)
	}
	idle.Static = 0
	if o := step1(t, c, idle, idle)[1]; o.Share != 0 || o.Reason != "weight 0" {
		t.Errorf("after the operator took the weight: %+v", o)
	}
	idle.Static = 80
	if o := step1(t, c, idle, idle)[1]; o.Share != 80_000 {
		t.Errorf("after the operator gave it back: %+v", o)
	}
}

func TestHistoryTellsWhy(t *testing.T) {
	c, err := NewController(ControllerConfig{Policy: Adaptive, Responsiveness: "fastest"})
	if err != nil {
		t.Fatal(err)
	}
	for k := range 200 { // a member that is slow every other ten seconds
		delay := 10 * time.Millisecond
		if k/10%2 == 0 {
			delay = 40 * time.Millisecond
		}
		step1(t, c,
			Input{Static: 100, Usable: true, Answers: 5, Delay: 10 * time.Millisecond, HasAgent: true, Agent: 30},
			Input{Static: 100, Usable: true, Answers: 5, Delay: delay, HasAgent: true, Agent: 30})
	}
	steps := c.History(1)
	if len(steps) != historyLength {
		t.Fatalf("%d steps, want %d", len(steps), historyLength)
	}
	for i, s := range steps {
		if s.From == s.To || i > 0 && (s.After <= steps[i-1].After || s.From != steps[i-1].To) {
			t.Errorf("step %d does not follow: %+v", i, s)
		}
		if !strings.Contains(s.Reason, "first byte in") || !strings.Contains(s.Reason, "agent 30") ||
			!strings.Contains(s.Means, "first byte in") || s.Input.Delay == 0 {
			t.Errorf("step %d says only %q of %q", i, s.Reason, s.Means)
		}
	}
	if c.History(2) != nil || c.History(-1) != nil {
		t.Error("a member that is not there has a history")
	}
}

func TestControllerRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, cfg := range []ControllerConfig{
		{Policy: Adaptive, Responsiveness: "brisk"},
		{Policy: Custom},
		{Policy: Custom, Mix: Mix{Delay: -1, Agent: 2}},
	} {
		if _, err := NewController(cfg); err == nil {
			t.Errorf("NewController(%+v) = nil error", cfg)
		}
	}
}
