// SPDX-License-Identifier: Apache-2.0

// Package input hears the power and reset keys of a box, which the kernel reports
// as input events (Linux Documentation/input/input.rst).
//
// The keys that a board names are taken for this program alone, so that nothing
// else acts on them. What a key means is not known here.
package input

import (
	"encoding/binary"
	"time"
)

// eventSize is the length of struct input_event where time_t has 64 bits.
const eventSize = 24

// An event is one struct input_event.
type event struct {
	at    time.Time
	typ   uint16
	code  uint16
	value int32
}

// The types and values that are of interest here.
const (
	evKey = 1

	released = 0
	pressed  = 1
)

// codes are the keys by their names in linux/input-event-codes.h.
var codes = map[string]uint16{"KEY_POWER": 116, "KEY_SLEEP": 142, "KEY_RESTART": 0x198, "KEY_RESET": 0x1d2}

// decode reads the whole events of b and returns what is left over. The kernel
// writes whole ones; half of one is kept for the next read.
func decode(b []byte) (out []event, rest []byte) {
	for len(b) >= eventSize {
		out = append(out, event{
			at:    time.Unix(int64(binary.NativeEndian.Uint64(b)), int64(binary.NativeEndian.Uint64(b[8:])%1e6)*1000),
			typ:   binary.NativeEndian.Uint16(b[16:]),
			code:  binary.NativeEndian.Uint16(b[18:]),
			value: int32(binary.NativeEndian.Uint32(b[20:])),
		})
		b = b[eventSize:]
	}
	return out, b
}
