// SPDX-License-Identifier: Apache-2.0

package nic

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
)

// An SFP is a module in a cage, as its memory tells.
type SFP struct {
	Vendor, Part, Serial string
	Type                 string   // such as "10GBASE-SR"
	Wavelength           float64  // nm; 0: none, as of copper
	Temperature          *float64 // degrees Celsius; nil: it has no sensors
	RXPower, TXPower     *float64 // dBm; nil: it has no sensors. Darkness is -40
}

// Identifiers of modules (SFF-8024, table 4-1).
const (
	idSFP    = 0x03
	idQSFP   = 0x0c
	idQSFP1  = 0x0d // QSFP+
	idQSFP28 = 0x11
)

// darkness stands for a power of 0, whose logarithm there is not.
const darkness = -40.0

var errShort = errors.New("the module's memory is cut off")

// DecodeSFP reads the memory of a module as the kernel returns it: of an SFP 256
// bytes of address A0h and, where it has sensors, 256 of A2h (SFF-8472); of a QSFP
// the lower page and the upper page 00h (SFF-8636). Text that is not printable is
// left out.
func DecodeSFP(b []byte) (SFP, error) {
	if len(b) == 0 {
		return SFP{}, errShort
	}
	switch b[0] {
	case idSFP:
		return decode8472(b)
	case idQSFP, idQSFP1, idQSFP28:
		return decode8636(b)
	case 0, 0xff:
		return SFP{}, errors.New("the module's memory is empty")
	}
	return SFP{}, fmt.Errorf("modules of kind %#02x (SFF-8024) are not known", b[0])
}

// decode8472 reads an SFP. Offsets are those of SFF-8472, tables 4-1 and 9-11.
func decode8472(b []byte) (SFP, error) {
	if len(b) < 96 {
		return SFP{}, errShort
	}
	if sum(b[:63]) != b[63] {
		return SFP{}, errors.New("the module's memory has a wrong checksum (CC_BASE)")
	}
	s := SFP{Vendor: ascii(b[20:36]), Part: ascii(b[40:56]), Type: sfpType(b)}
	if copper := b[8]&0x0c != 0; !copper {
		s.Wavelength = float64(binary.BigEndian.Uint16(b[60:]))
	}
	if sum(b[64:95]) == b[95] {
		s.Serial = ascii(b[68:84])
	}
	const implemented, external, moved = 1 << 6, 1 << 4, 1 << 2
	if kind := b[92]; kind&implemented != 0 && kind&moved == 0 && len(b) >= 256+106 {
		s.sensors(b[256:], kind&external != 0)
	}
	return s, nil
}

// sensors reads what the module measures, at address A2h.
func (s *SFP) sensors(d []byte, external bool) {
	temperature := float64(int16(binary.BigEndian.Uint16(d[96:])))
	tx := float64(binary.BigEndian.Uint16(d[102:]))
	rx := float64(binary.BigEndian.Uint16(d[104:]))
	if external { // SFF-8472, section 9.5: the reader has to calibrate
		fixed := func(at int) float64 { return float64(binary.BigEndian.Uint16(d[at:])) / 256 }
		signed := func(at int) float64 { return float64(int16(binary.BigEndian.Uint16(d[at:]))) }
		temperature = fixed(84)*temperature + signed(86)
		tx = fixed(80)*tx + signed(82)
		power := 0.0
		for i := range 5 { // from the fourth power down
			power = power*rx + float64(math.Float32frombits(binary.BigEndian.Uint32(d[56+4*i:])))
		}
		rx = power
	}
	s.Temperature = finite(temperature / 256)
	s.TXPower, s.RXPower = dBm(tx), dBm(rx)
}

// dBm turns units of 0.1 µW into dBm.
func dBm(tenths float64) *float64 {
	if math.IsNaN(tenths) || math.IsInf(tenths, 0) {
		return nil
	}
	if tenths <= 1 {
		p := darkness
		return &p
	}
	return finite(10 * math.Log10(tenths/10000))
}

// finite rounds to hundredths, which is more than modules know.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	v = math.Round(v*100) / 100
	return &v
}

// sum is the low byte of the sum of all bytes.
func sum(b []byte) (s byte) {
	for _, x := range b {
		s += x
	}
	return s
}

// ascii returns a text that is filled up with spaces.
func ascii(b []byte) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, string(b)))
}

// sfpTypes are the bits of the compliance codes in words (SFF-8472, table 5-3).
var sfpTypes = []struct {
	at   int
	mask byte
	name string
}{
	{3, 0x80, "10GBASE-ER"}, {3, 0x40, "10GBASE-LRM"}, {3, 0x20, "10GBASE-LR"}, {3, 0x10, "10GBASE-SR"},
	{6, 0x08, "1000BASE-T"}, {6, 0x04, "1000BASE-CX"}, {6, 0x02, "1000BASE-LX"}, {6, 0x01, "1000BASE-SX"},
	{6, 0x20, "100BASE-FX"}, {6, 0x10, "100BASE-LX"}, {6, 0x40, "BASE-BX10"}, {6, 0x80, "BASE-PX"},
	{8, 0x08, "active cable"}, {8, 0x04, "passive cable"},
}

// extended are the codes for later speeds (SFF-8024, table 4-4).
var extended = map[byte]string{
	0x01: "100G AOC", 0x02: "100GBASE-SR4 or 25GBASE-SR", 0x03: "100GBASE-LR4 or 25GBASE-LR", 0x04: "100GBASE-ER4 or 25GBASE-ER",
	0x0b: "100GBASE-CR4 or 25GBASE-CR CA-25G-L", 0x0c: "25GBASE-CR CA-25G-S", 0x0d: "25GBASE-CR CA-25G-N",
	0x10: "40GBASE-ER4", 0x16: "10GBASE-T", 0x1c: "10GBASE-T short reach", 0x1d: "5GBASE-T", 0x1e: "2.5GBASE-T",
}

func sfpType(b []byte) string {
	for _, t := range sfpTypes {
		if b[t.at]&t.mask != 0 {
			return t.name
		}
	}
	if name, ok := extended[b[36]]; ok {
		return name
	}
	if rate := int(b[12]) * 100; rate > 0 && b[12] != 0xff {
		return fmt.Sprintf("%d MBd", rate)
	}
	return ""
}
