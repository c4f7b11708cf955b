// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"fmt"
	"slices"
	"strings"
)

// Mix says how much each measurement counts, in any unit: only the proportions
// matter.
type Mix struct {
	Delay       int // time to the first byte
	Connections int // active, for its weight
	Agent       int // what the server's agent, or a simple probe, says
}

// The mixtures of the named policies. In each of the last two one thing counts
// most, and the others can still keep an overloaded member from getting more.
var mixes = map[Policy]Mix{
	Adaptive:        {Delay: 40, Connections: 30, Agent: 30},
	FastestResponse: {Delay: 80, Connections: 10, Agent: 10},
	ServerAgent:     {Delay: 10, Connections: 10, Agent: 80},
}

// A preset is one step of responsiveness: slow ones see averages of a longer
// time, leave the operator's weights less far, and let small differences be.
type preset struct {
	Name      string
	Alpha     float64 // of the moving average of what is measured, for one second
	Gain      float64 // part of the way to the target that is gone in one second
	Spread    float64 // how far the weight may leave the static one, of that; at most 0.5
	Damping   int     // how much more slowly it goes on the further away it is already
	Threshold float64 // a target nearer than this, of the static weight, is not followed
}

// presets in the order of the words' meaning.
var presets = []preset{
	{"slowest", 0.05, 0.08, 0.30, 2, 0.08},
	{"slow", 0.10, 0.15, 0.40, 2, 0.05},
	{"medium", 0.20, 0.25, 0.50, 1, 0.03},
	{"fast", 0.35, 0.40, 0.50, 1, 0.02},
	{"fastest", 0.60, 0.60, 0.50, 0, 0.01},
}

// Responsiveness returns the names of the presets, the slowest first.
func Responsiveness() []string {
	names := make([]string, len(presets))
	for i, p := range presets {
		names[i] = p.Name
	}
	return names
}

// presetOf finds a preset; "" is medium.
func presetOf(name string) (preset, error) {
	if name == "" {
		name = "medium"
	}
	i := slices.IndexFunc(presets, func(p preset) bool { return p.Name == name })
	if i < 0 {
		return preset{}, fmt.Errorf("responsiveness must be %s, not %q",
			strings.Join(Responsiveness(), ", "), name)
	}
	return presets[i], nil
}
