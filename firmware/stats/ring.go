// SPDX-License-Identifier: Apache-2.0

package stats

import "math"

// A span is one of the rings of the history: length points, each of step seconds.
type span struct{ step, length int64 }

// The rings reach back 1 hour, 24 hours and 14 days.
var spans = [...]span{{1, 3600}, {10, 8640}, {60, 20160}}

const (
	numSpans  = len(spans)
	rowPoints = 3600 + 8640 + 20160 // of all spans

	// SeriesBytes is the memory that one series takes, whatever it holds.
	SeriesBytes = rowPoints * 4
)

// spanStart is where the points of each span begin in a row.
var spanStart = [numSpans]int64{0, 3600, 3600 + 8640}

// A timeline says which moment each point of all rows belongs to. A point lies at
// index modulo length, where index is Unix time divided by the step, and holds
// index+1, or 0 if nothing was ever written. So a clock that jumps needs no
// care: what was written for another moment is simply not found, and is
// overwritten in time.
type timeline [rowPoints]int64

// at returns the point of an index of span s.
func at(s int, index int64) int64 { return spanStart[s] + index%spans[s].length }

// A row holds the values of one series. A value is the bits of a float32, xored so
// that memory never written reads as NaN and need not be touched.
type row []uint32

const nanBits = 0x7fc00000

func (r row) set(point int64, v float64) {
	if math.IsNaN(v) {
		if r[point] != 0 { // else its page need not be touched
			r[point] = 0
		}
		return
	}
	r[point] = math.Float32bits(float32(v)) ^ nanBits
}

func (r row) get(point int64) float32 { return math.Float32frombits(r[point] ^ nanBits) }
