// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"fmt"
	"math/bits"
	"strconv"
)

// An ezioKeypad is how a model of EZIO tells its keys: a byte in which each key
// that is held clears one bit of the byte for none.
type ezioKeypad struct {
	model string
	none  byte
	keys  map[string]Key // by the byte for that key alone, in hexadecimal
}

// ezioKeypads are the models (CASwell's and Portwell's sample programs, LCDproc
// and owners' reports). The bits of 100 and 300 are in different order.
var ezioKeypads = []ezioKeypad{
	{"EZIO-100", 0x4F, map[string]Key{"4E": Escape, "4D": Up, "4B": Enter, "47": Down}},
	{"EZIO-300", 0xBF, map[string]Key{"BE": Up, "BD": Down, "BB": Enter, "B7": Escape}},
	{"EZIO-340", 0x3E, map[string]Key{"36": Left, "3A": Up, "3C": Enter, "1E": Down, "2E": Right}},
}

// bit returns the bit that a key's byte clears.
func (k ezioKeypad) bit(report string) (byte, error) {
	code, err := strconv.ParseUint(report, 16, 8)
	if bit := k.none ^ byte(code); err == nil && bits.OnesCount8(bit) == 1 && bit&k.none != 0 {
		return bit, nil
	}
	return 0, badReport(report, fmt.Sprintf("the byte for one key in hexadecimal, which is %02X with one bit cleared", k.none))
}

// all returns the bits of all keys that the model has.
func (k ezioKeypad) all() (mask byte) {
	for report := range k.keys {
		if bit, err := k.bit(report); err == nil {
			mask |= bit
		}
	}
	return mask
}

// held returns the bits of the keys that a byte says are held, and whether the
// model sends such a byte at all.
func (k ezioKeypad) held(code byte) (mask byte, ok bool) {
	mask = k.none &^ code
	return mask, code|mask == k.none && mask&^k.all() == 0
}

// ezioModelOf returns the model that sends a byte, if any does.
func ezioModelOf(code byte) (k ezioKeypad, ok bool) {
	for _, k := range ezioKeypads {
		if _, ok := k.held(code); ok {
			return k, true
		}
	}
	return ezioKeypad{}, false
}

// An ezioDecoder finds the reports in what the display sends: FD and a byte of
// keys. Anything else is noise.
type ezioDecoder struct{ lead bool }

const ezioLead = 0xFD

// read takes a byte and returns the byte of keys that it completes, if any.
func (d *ezioDecoder) read(b byte) (code byte, ok bool) {
	if b == ezioLead {
		d.lead = true
		return 0, false
	}
	ok = d.lead
	d.lead = false
	return b, ok
}

// An ezioDebouncer turns what is held at each poll into presses and releases. A
// state counts when it was seen twice in a row.
type ezioDebouncer struct {
	keys         map[byte]Key // by bit
	seen, stable byte
}

// read takes the bits that a poll found. Unless the state is settled, it is
// worth while to poll again soon.
func (d *ezioDebouncer) read(mask byte) (events []KeyEvent, settled bool) {
	if mask != d.seen {
		d.seen = mask
		return nil, false
	}
	changed := mask ^ d.stable
	d.stable = mask
	for bit := byte(1); bit != 0; bit <<= 1 {
		if k, ok := d.keys[bit]; ok && changed&bit != 0 {
			events = append(events, KeyEvent{k, mask&bit != 0})
		}
	}
	return events, true
}

// bitMap returns the keys of a board, or those of the model, by bit.
func (k ezioKeypad) bitMap(o Options) (map[byte]Key, error) {
	named, err := o.keyMap(k.keys)
	if err != nil {
		return nil, err
	}
	keys := make(map[byte]Key, len(named))
	for report, key := range named {
		bit, err := k.bit(report)
		if err != nil {
			return nil, err
		}
		if bit&^k.all() != 0 {
			return nil, fmt.Errorf("key report %q: %s has no such key", report, k.model)
		}
		keys[bit] = key
	}
	return keys, nil
}
