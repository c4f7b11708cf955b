// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"fmt"
	"net/netip"
)

// An addressEdit enters an address of IPv4, digit by digit.
type addressEdit struct {
	title  text
	digits [12]byte
	at     int
	wrong  bool // the address cannot be used
	good   func(netip.Addr) bool
	then   func(s *state, a netip.Addr)
}

// newAddressEdit begins with a, or with 0.0.0.0.
func newAddressEdit(title text, a netip.Addr, good func(netip.Addr) bool, then func(*state, netip.Addr)) *addressEdit {
	e := &addressEdit{title: title, good: good, then: then}
	if a.Is4() {
		for i, b := range a.As4() {
			e.digits[3*i], e.digits[3*i+1], e.digits[3*i+2] = b/100, b/10%10, b%10
		}
	}
	return e
}

func (e *addressEdit) draw(s *state) Frame {
	title := s.text(e.title)
	if e.wrong {
		title = s.text(tNotIPv4)
	}
	line := ""
	for i, d := range e.digits {
		if i > 0 && i%3 == 0 {
			line += "."
		}
		line += string('0' + rune(d))
	}
	return Frame{Lines: []string{title, line}, Cursor: Cursor{On: true, Row: 1, Col: e.at + e.at/3}}
}

func (e *addressEdit) press(s *state, k Key) {
	e.wrong = false
	switch k {
	case Up:
		e.turn(+1)
	case Down:
		e.turn(-1)
	case Escape, Left:
		if e.at == 0 {
			s.pop()
			return
		}
		e.at--
	case Enter, Right:
		if e.at < len(e.digits)-1 {
			e.at++
			return
		}
		if a := e.addr(); e.good(a) {
			s.pop()
			e.then(s, a)
			return
		}
		e.wrong, e.at = true, 0
	}
}

// turn makes the digit the next or the one before that an octet can have there, and
// lowers those behind it where the number would be over 255.
func (e *addressEdit) turn(by int) {
	o, place := e.digits[e.at/3*3:e.at/3*3+3], e.at%3
	n := highest(o, place) + 1
	o[place] = byte((int(o[place]) + by + n) % n)
	for i := place + 1; i < 3; i++ {
		o[i] = min(o[i], byte(highest(o, i)))
	}
}

// highest returns the highest digit that can stand at a place of an octet.
func highest(o []byte, place int) int {
	switch {
	case place == 0:
		return 2
	case o[0] == 2 && (place == 1 || o[1] == 5):
		return 5
	}
	return 9
}

func (e *addressEdit) addr() netip.Addr {
	var b [4]byte
	for i := range b {
		b[i] = byte(int(e.digits[3*i])*100 + int(e.digits[3*i+1])*10 + int(e.digits[3*i+2]))
	}
	return netip.AddrFrom4(b)
}

// A numberEdit chooses a number.
type numberEdit struct {
	title         text
	v             int
	low, high, by int
	show          func(s *state, v int) string
	change        func(s *state, v int) // at each step; may be nil
	then          func(s *state, v int)
}

func (e *numberEdit) draw(s *state) Frame {
	return Frame{Lines: []string{s.text(e.title), e.show(s, e.v)}}
}

func (e *numberEdit) press(s *state, k Key) {
	switch k {
	case Up:
		e.v = min(e.high, e.v+e.by)
	case Down:
		e.v = max(e.low, e.v-e.by)
	case Escape, Left:
		s.pop()
		return
	case Enter, Right:
		s.pop()
		e.then(s, e.v)
		return
	}
	if e.change != nil {
		e.change(s, e.v)
	}
}

// prefixText is the length of a network, and as the mask that some know better.
func prefixText(_ *state, bits int) string {
	m := uint32(0xFFFFFFFF) << (32 - bits)
	return fmt.Sprintf("/%d %d.%d.%d.%d", bits, m>>24, m>>16&255, m>>8&255, m&255)
}
