// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"encoding/binary"
	"errors"
	"strings"
)

// A Stamp is how the tests order values of one key that were set on different boxes: the later
// time wins, and of equal times the greater name, so that all boxes decide alike.
type Stamp struct {
	Time int64  // Unix nanoseconds on the box that set the value
	Node string // its name
}

// Wins reports whether a value with stamp s takes the place of one with stamp o.
func (s Stamp) Wins(o Stamp) bool {
	if s.Time != o.Time {
		return s.Time > o.Time
	}
	return strings.Compare(s.Node, o.Node) > 0
}

// Append appends the form of s that begins a record's value.
func (s Stamp) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(s.Time))
	b = append(b, byte(len(s.Node)))
	return append(b, s.Node...)
}

var errStamp = errors.New("the value does not begin with a time and a node name")

// CutStamp returns the stamp at the beginning of a value, and the rest.
func CutStamp(value []byte) (s Stamp, rest []byte, err error) {
	if len(value) < 9 || len(value) < 9+int(value[8]) {
		return Stamp{}, nil, errStamp
	}
	end := 9 + int(value[8])
	s.Time = int64(binary.BigEndian.Uint64(value))
	s.Node = string(value[9:end])
	return s, value[end:], nil
}
