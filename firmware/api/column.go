// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/json"
	"math"
)

// A Column is a series' values. What is no number travels as null.
type Column []float64

// MarshalJSON writes c as JSON has it, which knows neither NaN nor infinity.
func (c Column) MarshalJSON() ([]byte, error) {
	list := make([]*float64, len(c))
	for i := range c {
		if !math.IsNaN(c[i]) && !math.IsInf(c[i], 0) {
			list[i] = &c[i]
		}
	}
	return json.Marshal(list)
}
