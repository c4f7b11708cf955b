// SPDX-License-Identifier: Apache-2.0

package nic

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

// module8472 builds the memory of an SFP+ as SFF-8472 lays it out.
func module8472() []byte {
	b := make([]byte, 512)
	b[0], b[1], b[2] = idSFP, 4, 7 // LC
	b[3] = 0x10                    // 10GBASE-SR
	b[12] = 103
	copy(b[20:36], "EXAMPLE OPTICS  ")
	copy(b[40:56], "EX-SFP-10G-SR   ")
	copy(b[56:60], "A1  ")
	binary.BigEndian.PutUint16(b[60:], 850)
	copy(b[68:84], "SN0123456789    ")
	copy(b[84:92], "250612  ")
	b[92] = 0x68 // measures, calibrated by itself, average power
	d := b[256:]
	binary.BigEndian.PutUint16(d[96:], 0x2a80) // 42.5 degrees
	binary.BigEndian.PutUint16(d[98:], 33000)  // 3.3 V
	binary.BigEndian.PutUint16(d[102:], 5000)  // 0.5 mW
	binary.BigEndian.PutUint16(d[104:], 1000)  // 0.1 mW
	seal(b)
	return b
}

// seal sets the checksums.
func seal(b []byte) {
	b[63], b[95] = sum(b[:63]), sum(b[64:95])
}

func TestDecodeSFPReadsASpecimen(t *testing.T) {
	s, err := DecodeSFP(module8472())
	must(t, err)
	if s.Vendor != "EXAMPLE OPTICS" || s.Part != "EX-SFP-10G-SR" || s.Serial != "SN0123456789" || s.Type != "10GBASE-SR" || s.Wavelength != 850 {
		t.Errorf("module is %+v", s)
	}
	near(t, "temperature", s.Temperature, 42.5)
	near(t, "transmitted power", s.TXPower, -3.01)
	near(t, "received power", s.RXPower, -10)
}

func near(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > 0.011 {
		t.Errorf("%s is %v, want %v", what, deref(got), want)
	}
}

func deref(p *float64) any {
	if p == nil {
		return nil
	}
	return *p
}

func TestDecodeSFPVariants(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(b []byte) []byte
		check  func(t *testing.T, s SFP)
	}{
		{"below zero", func(b []byte) []byte { binary.BigEndian.PutUint16(b[256+96:], 0xf640); return b },
			func(t *testing.T, s SFP) { near(t, "temperature", s.Temperature, -9.75) }},
		{"no light", func(b []byte) []byte { b[256+104], b[256+105] = 0, 0; return b },
			func(t *testing.T, s SFP) { near(t, "received power", s.RXPower, darkness) }},
		{"no sensors", func(b []byte) []byte { b[92] = 0; return b },
			func(t *testing.T, s SFP) {
				if s.Temperature != nil || s.RXPower != nil || s.TXPower != nil {
					t.Errorf("module measures: %+v", s)
				}
			}},
		{"only the first page", func(b []byte) []byte { return b[:256] },
			func(t *testing.T, s SFP) {
				if s.Vendor == "" || s.Temperature != nil {
					t.Errorf("module is %+v", s)
				}
			}},
		{"copper cable", func(b []byte) []byte { b[3], b[8], b[60], b[61] = 0, 0x04, 0x01, 0; return b },
			func(t *testing.T, s SFP) {
				if s.Type != "passive cable" || s.Wavelength != 0 {
					t.Errorf("module is %+v", s)
				}
			}},
		{"later speed", func(b []byte) []byte { b[3], b[36] = 0, 0x03; return b },
			func(t *testing.T, s SFP) {
				if s.Type != "100GBASE-LR4 or 25GBASE-LR" {
					t.Errorf("type is %q", s.Type)
				}
			}},
		{"unknown type", func(b []byte) []byte { b[3] = 0; return b },
			func(t *testing.T, s SFP) {
				if s.Type != "10300 MBd" {
					t.Errorf("type is %q", s.Type)
				}
			}},
		{"odd letters", func(b []byte) []byte { copy(b[20:36], "EX\x1b[31m\xffLE\x00\x00"); return b },
			func(t *testing.T, s SFP) {
				if s.Vendor != "EX[31mLECS" {
					t.Errorf("vendor is %q", s.Vendor)
				}
			}},
		{"calibrated by the reader", external,
			func(t *testing.T, s SFP) {
				near(t, "temperature", s.Temperature, 2*42.5+1)
				near(t, "transmitted power", s.TXPower, 0)
				near(t, "received power", s.RXPower, -7.0)
			}},
		{"calibration that is no number", func(b []byte) []byte {
			b = external(b)
			binary.BigEndian.PutUint32(b[256+72:], 0x7fc00000)
			return b
		}, func(t *testing.T, s SFP) {
			if s.RXPower != nil {
				t.Errorf("received power is %v", *s.RXPower)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := c.change(module8472())
			seal(b)
			s, err := DecodeSFP(b)
			must(t, err)
			c.check(t, s)
		})
	}
}

// external makes the specimen one whose values the reader has to calibrate: the
// temperature twice and one degree more, the transmitted power twice, the received
// one twice and 0.00 more.
func external(b []byte) []byte {
	b[92] = 0x58
	d := b[256:]
	binary.BigEndian.PutUint16(d[84:], 2*256)
	binary.BigEndian.PutUint16(d[86:], 256)
	binary.BigEndian.PutUint16(d[80:], 2*256)
	binary.BigEndian.PutUint32(d[68:], math.Float32bits(2)) // Rx_PWR(1)
	binary.BigEndian.PutUint32(d[72:], math.Float32bits(0))
	return b
}

// module8636 builds the memory of a QSFP28 as SFF-8636 lays it out.
func module8636() []byte {
	b := make([]byte, 256)
	b[0], b[128] = idQSFP28, idQSFP28
	binary.BigEndian.PutUint16(b[22:], 0x1e00) // 30 degrees
	binary.BigEndian.PutUint16(b[26:], 33000)
	for i, v := range []uint16{4000, 1000, 5000, 6000} {
		binary.BigEndian.PutUint16(b[34+2*i:], v)
		binary.BigEndian.PutUint16(b[50+2*i:], 10000)
	}
	b[131], b[192] = 0x80, 0x03
	b[147] = 0x40 // 1310 nm DFB
	copy(b[148:164], "EXAMPLE OPTICS  ")
	copy(b[168:184], "EX-QSFP28-LR4   ")
	copy(b[196:212], "Q0001           ")
	binary.BigEndian.PutUint16(b[186:], 1310*20)
	b[191] = sum(b[128:191])
	return b
}

func TestDecodeSFPReadsAQSFP(t *testing.T) {
	s, err := DecodeSFP(module8636())
	must(t, err)
	if s.Vendor != "EXAMPLE OPTICS" || s.Part != "EX-QSFP28-LR4" || s.Serial != "Q0001" || s.Wavelength != 1310 || s.Type != "100GBASE-LR4 or 25GBASE-LR" {
		t.Errorf("module is %+v", s)
	}
	near(t, "temperature", s.Temperature, 30)
	near(t, "received power of the weakest lane", s.RXPower, -10)
	near(t, "transmitted power", s.TXPower, 0)

	cable := module8636()
	clear(cable[1:128])
	cable[131], cable[147] = 0x08, 0xa0
	cable[191] = sum(cable[128:191])
	if s, err = DecodeSFP(cable); err != nil || s.Type != "40GBASE-CR4" || s.Wavelength != 0 || s.Temperature != nil || s.RXPower != nil {
		t.Errorf("cable is %+v, %v", s, err)
	}
}

func TestDecodeSFPRefuses(t *testing.T) {
	flipped := module8472()
	flipped[25] ^= 1
	qsfp := module8636()
	qsfp[150] ^= 1
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"nothing", nil, "cut off"},
		{"half", module8472()[:60], "cut off"},
		{"half of a QSFP", module8636()[:200], "cut off"},
		{"zeros", make([]byte, 256), "empty"},
		{"no module", []byte(strings.Repeat("\xff", 256)), "empty"},
		{"another kind", append([]byte{0x18}, make([]byte, 255)...), "modules of kind 0x18"},
		{"flipped bit", flipped, "wrong checksum"},
		{"flipped bit of a QSFP", qsfp, "wrong checksum"},
	} {
		if s, err := DecodeSFP(c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: DecodeSFP = %+v, %v; want an error with %q", c.name, s, err, c.want)
		}
	}
}

func FuzzDecodeSFP(f *testing.F) {
	f.Add(module8472())
	f.Add(external(module8472()))
	f.Add(module8636())
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= 96 && b[0] == idSFP {
			seal(b) // or nothing behind the checksum would be reached
		}
		if len(b) >= 224 && b[0] != idSFP {
			b[191] = sum(b[128:191])
		}
		s, err := DecodeSFP(b)
		if err != nil {
			return
		}
		for _, text := range []string{s.Vendor, s.Part, s.Serial} {
			if ascii([]byte(text)) != text {
				t.Errorf("text %q is not printable", text)
			}
		}
		for _, v := range []*float64{s.Temperature, s.RXPower, s.TXPower} {
			if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
				t.Errorf("a value of %+v is no number", s)
			}
		}
	})
}
