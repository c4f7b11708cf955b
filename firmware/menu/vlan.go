// SPDX-License-Identifier: Apache-2.0

package menu

// mostVLAN is the highest number of a VLAN (IEEE 802.1Q, 9.6).
const mostVLAN = 4094

// A vlanEdit enters the number of a VLAN, digit by digit; 0 is none.
type vlanEdit struct {
	digits [4]byte
	at     int
	wrong  bool // there is no such VLAN
	then   func(s *state, v int)
}

func newVLANEdit(v int, then func(*state, int)) *vlanEdit {
	return &vlanEdit{digits: [4]byte{byte(v / 1000), byte(v / 100 % 10), byte(v / 10 % 10), byte(v % 10)}, then: then}
}

func (e *vlanEdit) draw(s *state) Frame {
	title := "VLAN, 0: -"
	if e.wrong {
		title = "VLAN <= " + itoa(mostVLAN)
	}
	line := ""
	for _, d := range e.digits {
		line += string('0' + rune(d))
	}
	return Frame{Lines: []string{title, line}, Cursor: Cursor{On: true, Row: 1, Col: e.at}}
}

func (e *vlanEdit) press(s *state, k Key) {
	e.wrong = false
	highest := byte(9)
	if e.at == 0 {
		highest = mostVLAN / 1000
	}
	d := &e.digits[e.at]
	switch k {
	case Up:
		*d = (*d + 1) % (highest + 1)
	case Down:
		*d = (*d + highest) % (highest + 1)
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
		v := 0
		for _, d := range e.digits {
			v = 10*v + int(d)
		}
		if v > mostVLAN {
			e.wrong, e.at = true, 0
			return
		}
		s.pop()
		e.then(s, v)
	}
}

func vlanText(v int) string {
	if v == 0 {
		return "-"
	}
	return itoa(v)
}
