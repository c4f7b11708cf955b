// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// cfaVectors are packets worked out by hand and compared with two programs that
// speak with real displays.
var cfaVectors = []struct {
	name  string
	typ   byte
	data  string
	bytes string
}{
	{"ping", 0, "", "0000470f"},
	{"ping answer", 0x40, "", "40002149"},
	{"version", 1, "", "01009f16"},
	{"version answer", 0x41, "CFA635:h1.0,u1.3", "4110" + hex.EncodeToString([]byte("CFA635:h1.0,u1.3")) + "11f3"},
	{"clear", 6, "", "0600975b"},
	{"clear answer", 0x46, "", "4600f11d"},
	{"cursor to column 19, row 3", 11, "\x13\x03", "0b0213031104"},
	{"no cursor", 12, "\x00", "0c0100b77a"},
	{"contrast 95", 13, "\x5f", "0d015f198a"},
	{"backlight 50", 14, "\x32", "0e01329edd"},
	{"report all keys", 23, "\x3f\x3f", "17023f3ff821"},
	{"poll keys", 24, "", "18001654"},
	{"polled keys", 0x58, "\x01\x01\x00", "5803010100fc86"},
	{"write Hi", 31, "\x00\x00Hi", "1f0400004869c7d3"},
	{"write answer", 0x5F, "", "5f00785f"},
	{"write refused", 0xDF, "", "df00b4d3"},
	{"lamp", 34, "\x0b\x64", "22020b64c93e"},
	{"lamp answer", 0x62, "", "6200a259"},
	{"reboot", 5, "\x08\x12\x63", "050308126390fd"},
	{"up pressed", 0x80, "\x01", "80010171c2"},
	{"up released", 0x80, "\x07", "80010747a7"},
	{"enter pressed", 0x80, "\x05", "8001055584"},
	{"exit pressed", 0x80, "\x06", "800106ceb6"},
}

func TestCFAPacketsAreThoseOfTheDataSheet(t *testing.T) {
	if got := crcX25([]byte("123456789")); got != 0x906E {
		t.Errorf("crcX25(123456789) = %#x, want 0x906e", got)
	}
	if got := crcX25([]byte("This is a test. ")); got != 0xE478 {
		t.Errorf("crcX25(This is a test. ) = %#x, want 0xe478", got)
	}
	for _, v := range cfaVectors {
		p := cfaPacket{v.typ, []byte(v.data)}
		if got := hex.EncodeToString(p.appendTo(nil)); got != v.bytes {
			t.Errorf("%s: bytes = %s, want %s", v.name, got, v.bytes)
		}
		raw, err := hex.DecodeString(v.bytes)
		if err != nil {
			t.Fatal(err)
		}
		var d cfaDecoder
		if got, want := text(d.feed(raw)), text([]cfaPacket{p}); got != want || d.partial() {
			t.Errorf("%s: decoded %s, want %s", v.name, got, want)
		}
	}
}

func text(packets []cfaPacket) string {
	var b strings.Builder
	for _, p := range packets {
		fmt.Fprintf(&b, "%02x:%x ", p.typ, p.data)
	}
	return b.String()
}

func TestCFADecoderFindsPacketsInNoise(t *testing.T) {
	up := []byte{0x80, 0x01, 0x01, 0x71, 0xC2}
	for _, c := range []struct {
		name string
		in   []byte
		want int
	}{
		{"a packet", up, 1},
		{"two", append(append([]byte{}, up...), up...), 2},
		{"a type that is none before it", append([]byte{0xFF}, up...), 1},
		{"a length that is none before it", append([]byte{0x01, 0xFF}, up...), 1},
		{"a wrong sum", []byte{0x80, 0x01, 0x01, 0x71, 0xC3}, 0},
		{"a wrong sum, then a packet", append([]byte{0x80, 0x01, 0x01, 0x71, 0xC3}, up...), 1},
		{"half a packet", up[:3], 0},
		{"half a packet, then a packet", append(append([]byte{}, up[:3]...), up...), 1},
		{"a long start that lies, then a packet", append([]byte{0x01, 22}, up...), 0},
	} {
		var d cfaDecoder
		if got := len(d.feed(c.in)); got != c.want {
			t.Errorf("%s: %d packets, want %d", c.name, got, c.want)
		}
	}
	var d cfaDecoder
	d.feed(append([]byte{0x01, 22}, up...))
	if got := text(d.gap()); got != "80:01 " || d.partial() {
		t.Errorf("behind a start that lies: %q, want the packet once the line is silent", got)
	}
}

func FuzzCFADecoder(f *testing.F) {
	for _, v := range cfaVectors {
		raw, _ := hex.DecodeString(v.bytes)
		f.Add(raw, 3)
	}
	f.Add([]byte{0x1F, 22, 0, 0}, 1)
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		var whole, parts cfaDecoder
		want := whole.feed(in)
		cut = min(max(cut, 0), len(in))
		got := append(parts.feed(in[:cut]), parts.feed(in[cut:])...)
		if text(got) != text(want) {
			t.Fatalf("cut at %d: %s, want %s", cut, text(got), text(want))
		}
		if len(whole.buf) >= cfaMaxPacket {
			t.Fatalf("%d bytes are kept, want less than a packet", len(whole.buf))
		}
		var sum []byte
		for _, p := range want {
			packet := p.appendTo(nil)
			if !bytes.Contains(in, packet) {
				t.Fatalf("%s was not in the input", text([]cfaPacket{p}))
			}
			sum = append(sum, packet...)
		}
		if len(sum) > len(in) {
			t.Fatalf("%d bytes of packets from %d bytes", len(sum), len(in))
		}
		for whole.partial() {
			whole.gap()
		}
	})
}
