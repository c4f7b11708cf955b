// SPDX-License-Identifier: Apache-2.0

package lcd

import "encoding/binary"

// The packets of CrystalFontz displays (data sheets of CFA-631, 633 and 635,
// "host communications"):
//
//	┌────────┬────────┬───────────────┬─────────────────┐
//	│ type 1 │ len 1  │ data 0 to 22  │ CRC 2, low first│
//	└────────┴────────┴───────────────┴─────────────────┘
//	type: 00cccccc command c of the host     01cccccc answer to c
//	      10rrrrrr report r of the display   11cccccc c was refused
//
// The CRC is CRC-16/X-25 over type, length and data: polynomial 0x1021
// reflected, 0xFFFF at the start, complemented at the end. (The example
// "This is a test." of some data sheets has a wrong value.)
const (
	cfaMaxData    = 22
	cfaMaxPacket  = cfaMaxData + 4
	cfaMaxCommand = 35

	cfaKind    = 0xC0 // the bits that say what a packet is
	cfaAnswer  = 0x40
	cfaReport  = 0x80
	cfaRefused = 0xC0
)

// A cfaPacket is a packet without its framing.
type cfaPacket struct {
	typ  byte
	data []byte
}

// appendTo adds the bytes of p to b. Data of more than cfaMaxData bytes is a
// mistake of the caller.
func (p cfaPacket) appendTo(b []byte) []byte {
	if len(p.data) > cfaMaxData {
		panic("lcd: more data than a packet takes")
	}
	start := len(b)
	b = append(b, p.typ, byte(len(p.data)))
	b = append(b, p.data...)
	return binary.LittleEndian.AppendUint16(b, crcX25(b[start:]))
}

// crcX25 computes CRC-16/X-25.
func crcX25(b []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, c := range b {
		crc ^= uint16(c)
		for range 8 {
			low := crc & 1
			crc >>= 1
			if low != 0 {
				crc ^= 0x8408
			}
		}
	}
	return ^crc
}

// A cfaDecoder finds packets in what comes over the line. What cannot be the
// start of a packet is dropped byte by byte until something can. The zero value
// is ready to use. It holds less than one packet between calls.
type cfaDecoder struct {
	buf []byte
}

// feed takes bytes and returns the packets that they complete.
func (d *cfaDecoder) feed(b []byte) []cfaPacket {
	d.buf = append(d.buf, b...)
	var packets []cfaPacket
	rest := d.buf
	for {
		p, n := parseCFA(rest)
		if n == 0 {
			break
		}
		if p != nil {
			packets = append(packets, *p)
		}
		rest = rest[n:]
	}
	d.buf = append(make([]byte, 0, cfaMaxPacket), rest...)
	return packets
}

// partial says that the start of a packet waits for its end.
func (d *cfaDecoder) partial() bool { return len(d.buf) > 0 }

// gap says that the line has been silent for longer than it is within a packet:
// what waits is none. There may be a packet behind its first byte.
func (d *cfaDecoder) gap() []cfaPacket {
	var packets []cfaPacket
	for len(d.buf) > 0 && len(packets) == 0 {
		d.buf = d.buf[1:]
		packets = d.feed(nil)
	}
	return packets
}

// parseCFA looks at the start of b. It returns how many bytes to drop: those of
// a packet, one that starts none, or 0 when more must come.
func parseCFA(b []byte) (*cfaPacket, int) {
	if len(b) == 0 {
		return nil, 0
	}
	if b[0]&^cfaKind > cfaMaxCommand {
		return nil, 1
	}
	if len(b) < 2 {
		return nil, 0
	}
	n := int(b[1])
	if n > cfaMaxData {
		return nil, 1
	}
	if len(b) < n+4 {
		return nil, 0
	}
	if binary.LittleEndian.Uint16(b[n+2:]) != crcX25(b[:n+2]) {
		return nil, 1
	}
	return &cfaPacket{typ: b[0], data: append([]byte(nil), b[2:n+2]...)}, n + 4
}
