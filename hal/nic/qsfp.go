// SPDX-License-Identifier: Apache-2.0

package nic

import (
	"encoding/binary"
	"errors"
)

// decode8636 reads a QSFP. Offsets are those of SFF-8636, sections 6.2 and 6.3. Of
// the four lanes the weakest is told: it is the one that fails first.
func decode8636(b []byte) (SFP, error) {
	if len(b) < 224 {
		return SFP{}, errShort
	}
	if sum(b[128:191]) != b[191] {
		return SFP{}, errors.New("the module's memory has a wrong checksum (CC_BASE)")
	}
	s := SFP{Vendor: ascii(b[148:164]), Part: ascii(b[168:184]), Serial: ascii(b[196:212]), Type: qsfpType(b)}
	const lastLaser = 0x09 // technologies above it are copper
	if technology := b[147] >> 4; technology <= lastLaser {
		s.Wavelength = float64(binary.BigEndian.Uint16(b[186:])) / 20
	}
	s.Temperature = finite(float64(int16(binary.BigEndian.Uint16(b[22:]))) / 256)
	if *s.Temperature == 0 && b[26] == 0 && b[27] == 0 {
		s.Temperature = nil // a cable without sensors has no supply voltage either
		return s, nil
	}
	s.RXPower = weakest(b[34:42])
	s.TXPower = weakest(b[50:58])
	return s, nil
}

func weakest(lanes []byte) *float64 {
	low := binary.BigEndian.Uint16(lanes)
	for i := 2; i < len(lanes); i += 2 {
		low = min(low, binary.BigEndian.Uint16(lanes[i:]))
	}
	return dBm(float64(low))
}

// qsfpTypes are the bits of byte 131 (SFF-8636, table 6-17).
var qsfpTypes = []struct {
	mask byte
	name string
}{
	{0x40, "10GBASE-LRM"}, {0x20, "10GBASE-LR"}, {0x10, "10GBASE-SR"},
	{0x08, "40GBASE-CR4"}, {0x04, "40GBASE-SR4"}, {0x02, "40GBASE-LR4"}, {0x01, "40G active cable"},
}

func qsfpType(b []byte) string {
	if b[131]&0x80 != 0 {
		if name, ok := extended[b[192]]; ok {
			return name
		}
	}
	for _, t := range qsfpTypes {
		if b[131]&t.mask != 0 {
			return t.name
		}
	}
	return ""
}
