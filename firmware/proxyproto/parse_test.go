// SPDX-License-Identifier: Apache-2.0

package proxyproto

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

const line4 = "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"

// errAnyMalformed stands in tables for any MalformedError.
var errAnyMalformed = errors.New("malformed")

// same reports whether err is want, or any MalformedError if that is wanted.
func same(err, want error) bool {
	var m MalformedError
	if want == errAnyMalformed {
		return errors.As(err, &m)
	}
	return err == want
}

func TestParseReadsVersion1(t *testing.T) {
	for _, tc := range []struct {
		line     string
		src, dst string // "" if not proxied
	}{
		{line4, "192.0.2.1:56324", "198.51.100.2:443"},
		{"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535", "255.255.255.255:65535"},
		{"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0", "0.0.0.0:0"},
		{"PROXY TCP6 2001:db8::1 2001:DB8:0:0::2 1 80\r\n", "[2001:db8::1]:1", "[2001:db8::2]:80"},
		{"PROXY TCP6 " + strings.Repeat("ffff:", 7) + "ffff " + strings.Repeat("ffff:", 7) + "ffff 65535 65535\r\n",
			"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
		{"PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 80\r\n", "192.0.2.1:1", "[2001:db8::2]:80"},
		{"PROXY UNKNOWN\r\n", "", ""},
		{"PROXY UNKNOWN \r\n", "", ""},
		{"PROXY UNKNOWN TCP4 what ever \x00\xff\r\n", "", ""},
		{"PROXY UNKNOWN " + strings.Repeat("x", MaxV1-16) + "\r\n", "", ""},
	} {
		h, n, err := Parse([]byte(tc.line + "GET /"))
		if err != nil || n != len(tc.line) || h.Version != V1 {
			t.Errorf("Parse(%q) = %+v, %d, %v", tc.line, h, n, err)
			continue
		}
		if h.Proxied() != (tc.src != "") {
			t.Errorf("Parse(%q).Proxied() = %v", tc.line, h.Proxied())
		} else if h.Proxied() && (h.Src.String() != tc.src || h.Dst.String() != tc.dst || h.Transport != TCP) {
			t.Errorf("Parse(%q) = %v to %v, want %s to %s", tc.line, h.Src, h.Dst, tc.src, tc.dst)
		}
	}
}

func TestParseRefusesWhatIsNotExactlyVersion1(t *testing.T) {
	for _, tc := range []struct {
		name, line string
		want       error
	}{
		{"another protocol", "GET / HTTP/1.1\r\n", ErrNotProxy},
		{"lower case", "proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n", ErrNotProxy},
		{"space before", " PROXY UNKNOWN\r\n", ErrNotProxy},
		{"short line", "PROX\r\n", ErrNotProxy},
		{"lower-case family", "PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n", errAnyMalformed},
		{"lower-case unknown", "PROXY unknown\r\n", errAnyMalformed},
		{"longer unknown", "PROXY UNKNOWN4\r\n", errAnyMalformed},
		{"no family", "PROXY\r\n", errAnyMalformed},
		{"empty family", "PROXY \r\n", errAnyMalformed},
		{"two spaces before the family", "PROXY  TCP4 192.0.2.1 198.51.100.2 1 2\r\n", errAnyMalformed},
		{"tab", "PROXY\tTCP4 192.0.2.1 198.51.100.2 1 2\r\n", errAnyMalformed},
		{"name goes on", "PROXYX TCP4 192.0.2.1 198.51.100.2 1 2\r\n", errAnyMalformed},
		{"UDP", "PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n", errAnyMalformed},
		{"no addresses", "PROXY TCP4\r\n", errAnyMalformed},
		{"one address", "PROXY TCP4 192.0.2.1\r\n", errAnyMalformed},
		{"one port", "PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n", errAnyMalformed},
		{"two spaces", "PROXY TCP4 192.0.2.1  198.51.100.2 1 2\r\n", errAnyMalformed},
		{"space at the end", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n", errAnyMalformed},
		{"more at the end", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n", errAnyMalformed},
		{"garbage after the port", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2x\r\n", errAnyMalformed},
		{"IPv6 in TCP4", "PROXY TCP4 ::1 ::2 1 2\r\n", errAnyMalformed},
		{"IPv4 in TCP6", "PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n", errAnyMalformed},
		{"mixed", "PROXY TCP4 192.0.2.1 ::1 1 2\r\n", errAnyMalformed},
		{"zone", "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", errAnyMalformed},
		{"bracket", "PROXY TCP6 [::1] ::1 1 2\r\n", errAnyMalformed},
		{"leading zero in the address", "PROXY TCP4 192.0.02.1 198.51.100.2 1 2\r\n", errAnyMalformed},
		{"256", "PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n", errAnyMalformed},
		{"three numbers", "PROXY TCP4 192.0.2 198.51.100.2 1 2\r\n", errAnyMalformed},
		{"five numbers", "PROXY TCP4 192.0.2.1.1 198.51.100.2 1 2\r\n", errAnyMalformed},
		{"leading zero in a port", "PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n", errAnyMalformed},
		{"port 00", "PROXY TCP4 192.0.2.1 198.51.100.2 00 2\r\n", errAnyMalformed},
		{"port 65536", "PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n", errAnyMalformed},
		{"port 100000", "PROXY TCP4 192.0.2.1 198.51.100.2 1 100000\r\n", errAnyMalformed},
		{"port -1", "PROXY TCP4 192.0.2.1 198.51.100.2 -1 2\r\n", errAnyMalformed},
		{"port +1", "PROXY TCP4 192.0.2.1 198.51.100.2 +1 2\r\n", errAnyMalformed},
		{"LF only", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n", errAnyMalformed},
		{"CR only", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\rGET", errAnyMalformed},
		{"LF in UNKNOWN", "PROXY UNKNOWN a\nb\r\n", errAnyMalformed},
		{"CR in UNKNOWN", "PROXY UNKNOWN a\rb\r\n", errAnyMalformed},
		{"108 bytes", "PROXY UNKNOWN " + strings.Repeat("x", MaxV1-15) + "\r\n", errAnyMalformed},
		{"107 bytes without an end", "PROXY UNKNOWN " + strings.Repeat("x", MaxV1-14), errAnyMalformed},
		{"106 bytes without an end", "PROXY UNKNOWN " + strings.Repeat("x", MaxV1-15), ErrMore},
		{"CR at the end", "PROXY UNKNOWN\r", ErrMore},
		{"nothing", "", ErrMore},
	} {
		if h, n, err := Parse([]byte(tc.line)); !same(err, tc.want) || n != 0 || h.Proxied() {
			t.Errorf("%s: Parse(%q) = %+v, %d, %v, want error %v", tc.name, tc.line, h, n, err, tc.want)
		}
	}
}

// block2 is a header of version 2.
func block2(command, family byte, block string) string {
	b := append([]byte(signature2), command, family)
	b = binary.BigEndian.AppendUint16(b, uint16(len(block)))
	return string(b) + block
}

const (
	ends4 = "\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb" // the endpoints of line4
	sslV  = "\x21\x00\x07TLSv1.3"
)

var ends6 = strings.Repeat("\x20", 16) + strings.Repeat("\x30", 16) + "\x00\x01\x00\x50"

// twoSums is a header with two checksums, the first of which is right.
func twoSums() string {
	b := []byte(block2(0x21, 0x11, ends4+"\x03\x00\x04\x00\x00\x00\x00\x03\x00\x04\x00\x00\x00\x00"))
	at := fixedV2 + len(ends4) + tlvHead
	binary.BigEndian.PutUint32(b[at:], checksum(b, at))
	return string(b)
}

func TestParseReadsTheFamiliesOfVersion2(t *testing.T) {
	src6, dst6 := "[2020:2020:2020:2020:2020:2020:2020:2020]:1", "[3030:3030:3030:3030:3030:3030:3030:3030]:80"
	for _, tc := range []struct {
		family   byte
		block    string
		want     Transport
		src, dst string
	}{
		{0x11, ends4, TCP, "192.0.2.1:56324", "198.51.100.2:443"},
		{0x12, ends4, UDP, "192.0.2.1:56324", "198.51.100.2:443"},
		{0x21, ends6, TCP, src6, dst6},
		{0x22, ends6, UDP, src6, dst6},
	} {
		h, _, err := Parse([]byte(block2(0x21, tc.family, tc.block)))
		if err != nil || h.Transport != tc.want || h.Src.String() != tc.src || h.Dst.String() != tc.dst || !h.Proxied() {
			t.Errorf("family %#x: Parse = %+v, %v, want transport %d, %s to %s", tc.family, h, err, tc.want, tc.src, tc.dst)
		}
	}
}

func TestParseRefusesWhatIsNotExactlyVersion2(t *testing.T) {
	whole := block2(0x21, 0x11, ends4)
	for _, tc := range []struct {
		name, b string
		want    error
	}{
		{"valid", whole, nil},
		{"wrong in the signature", strings.Replace(whole, "QUIT", "QUIX", 1), ErrNotProxy},
		{"version 1 in the binary form", block2(0x11, 0x11, ends4), errAnyMalformed},
		{"version 3", block2(0x31, 0x11, ends4), errAnyMalformed},
		{"unknown command", block2(0x22, 0x11, ends4), errAnyMalformed},
		{"unknown command, early", signature2 + "\x22", errAnyMalformed},
		{"unknown family", block2(0x21, 0x41, ends4), errAnyMalformed},
		{"unknown family, early", signature2 + "\x21\x41", errAnyMalformed},
		{"unknown transport", block2(0x21, 0x13, ends4), errAnyMalformed},
		{"family without transport", block2(0x21, 0x10, ends4), errAnyMalformed},
		{"transport without family", block2(0x21, 0x01, ends4), errAnyMalformed},
		{"too short for IPv4", block2(0x21, 0x11, ends4[1:]), errAnyMalformed},
		{"too short for IPv6", block2(0x21, 0x21, ends6[1:]), errAnyMalformed},
		{"IPv6 with IPv4 addresses", block2(0x21, 0x21, ends4), errAnyMalformed},
		{"too short for UNIX", block2(0x21, 0x31, strings.Repeat("x", 215)), errAnyMalformed},
		{"too long, early", signature2 + "\x21\x11\x10\x00", errAnyMalformed},
		{"as long as may be", block2(0x21, 0x11, ends4+"\x04\x0f\xe1"+strings.Repeat("x", MaxV2-16-12-3)), nil},
		{"too long and all there", block2(0x21, 0x11, ends4+"\x04\x0f\xe2"+strings.Repeat("x", MaxV2-16-12-2)), errAnyMalformed},
		{"LOCAL too long", signature2 + "\x20\x00\xff\xff", errAnyMalformed},
		{"one byte after the addresses", block2(0x21, 0x11, ends4+"\x04"), errAnyMalformed},
		{"two bytes after the addresses", block2(0x21, 0x11, ends4+"\x04\x00"), errAnyMalformed},
		{"TLV over the end", block2(0x21, 0x11, ends4+"\x04\x00\x02x"), errAnyMalformed},
		{"unknown TLV", block2(0x21, 0x11, ends4+"\xe0\x00\x01x"), nil},
		{"ALPN twice", block2(0x21, 0x11, ends4+"\x01\x00\x02h2\x01\x00\x02h3"), errAnyMalformed},
		{"ALPN twice, once empty", block2(0x21, 0x11, ends4+"\x01\x00\x00\x01\x00\x02h3"), errAnyMalformed},
		{"noop twice", block2(0x21, 0x11, ends4+"\x04\x00\x00\x04\x00\x01x"), nil},
		{"unique ID of 128 bytes", block2(0x21, 0x11, ends4+"\x05\x00\x80"+strings.Repeat("x", 128)), nil},
		{"unique ID of 129 bytes", block2(0x21, 0x11, ends4+"\x05\x00\x81"+strings.Repeat("x", 129)), errAnyMalformed},
		{"wrong checksum", block2(0x21, 0x11, ends4+"\x03\x00\x04\x00\x00\x00\x00"), errAnyMalformed},
		{"short checksum", block2(0x21, 0x11, ends4+"\x03\x00\x03\x00\x00\x00"), errTLVValue},
		{"long checksum", block2(0x21, 0x11, ends4+"\x03\x00\x05\x00\x00\x00\x00\x00"), errTLVValue},
		{"two checksums", twoSums(), errTLVTwice},
		{"SSL", block2(0x21, 0x11, ends4+"\x20\x00\x0f\x01\x00\x00\x00\x00"+sslV), nil},
		{"short SSL", block2(0x21, 0x11, ends4+"\x20\x00\x04\x01\x00\x00\x00"), errAnyMalformed},
		{"SSL twice", block2(0x21, 0x11, ends4+"\x20\x00\x05\x01\x00\x00\x00\x00\x20\x00\x05\x01\x00\x00\x00\x00"), errAnyMalformed},
		{"SSL with half a TLV", block2(0x21, 0x11, ends4+"\x20\x00\x08\x01\x00\x00\x00\x00\x21\x00\x01"), errAnyMalformed},
		{"SSL version twice", block2(0x21, 0x11, ends4+"\x20\x00\x19\x01\x00\x00\x00\x00"+sslV+sslV), errAnyMalformed},
	} {
		h, n, err := Parse([]byte(tc.b))
		if !same(err, tc.want) || (n != 0) != (tc.want == nil) {
			t.Errorf("%s: Parse = %+v, %d, %v, want error %v", tc.name, h, n, err, tc.want)
		}
	}
}

func TestParseTakesTheConnectionAsItIsWithoutAddresses(t *testing.T) {
	for _, tc := range []struct {
		name, b string
		local   bool
		tlvs    int
	}{
		{"LOCAL", block2(0x20, 0x00, ""), true, 0},
		{"LOCAL with addresses", block2(0x20, 0x11, ends4), true, 0},
		{"LOCAL of an unknown family with garbage", block2(0x20, 0x77, "\x01\xff\xff"), true, 0},
		{"UNSPEC", block2(0x21, 0x00, ""), false, 0},
		{"UNSPEC with garbage", block2(0x21, 0x00, "\x01\xff\xff"), false, 0},
		{"UNIX stream", block2(0x21, 0x31, strings.Repeat("/", 216)+"\xe0\x00\x00"), false, 1},
		{"UNIX datagram", block2(0x21, 0x32, strings.Repeat("/", 216)), false, 0},
	} {
		h, n, err := Parse([]byte(tc.b + "rest"))
		if err != nil || n != len(tc.b) || h.Proxied() || h.Local != tc.local || h.Src.IsValid() || h.Dst.IsValid() {
			t.Errorf("%s: Parse = %+v, %d, %v, want no addresses and %d bytes", tc.name, h, n, err, len(tc.b))
		}
		got := 0
		for range h.TLVs() {
			got++
		}
		if got != tc.tlvs {
			t.Errorf("%s: TLVs yields %d, want %d", tc.name, got, tc.tlvs)
		}
	}
}

func TestParseWaitsForTheWholeHeader(t *testing.T) {
	for _, whole := range []string{
		line4,
		"PROXY UNKNOWN\r\n",
		block2(0x20, 0x00, ""),
		block2(0x21, 0x11, ends4),
		block2(0x21, 0x22, ends6+"\x01\x00\x02h2\x20\x00\x0f\x01\x00\x00\x00\x00"+sslV),
	} {
		for i := range len(whole) {
			if h, n, err := Parse([]byte(whole[:i])); err != ErrMore || n != 0 {
				t.Errorf("Parse(%q) = %+v, %d, %v, want ErrMore", whole[:i], h, n, err)
			}
		}
		if _, n, err := Parse([]byte(whole)); err != nil || n != len(whole) {
			t.Errorf("Parse(%q) = %d, %v", whole, n, err)
		}
	}
}

func TestParse6AgreesWithNetip(t *testing.T) {
	for _, s := range []string{
		"", ":", "::", ":::", "::1", "1::", "1:2", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
		"1:2:3:4::5:6:7:8", "1::2::3", "12345::", "0001::", "00001::", "g::", "::ffff:1.2.3.4", "::1.2.3.4", "1:2:3:4:5:6:1.2.3.4",
		"1:2:3:4:5:6:7:1.2.3.4", "1::1.2.3.4:5", "::1.2.3", "::1.2.3.04", "::a.2.3.4", "1:", ":1", "1:2:", "::1:", "::ffff:1.2.3.4:",
		"ABCD:abcd::", "1.2.3.4", "::1 ", "1:2:3:4:5:6:7", "::1:2:3:4:5:6:7", "::1:2:3:4:5:6:7:8",
	} {
		want, err := netip.ParseAddr(s)
		wantOK := err == nil && want.Is6()
		got, ok := parse6([]byte(s))
		if ok != wantOK || (ok && got != want) {
			t.Errorf("parse6(%q) = %v, %v, want %v, %v", s, got, ok, want, wantOK)
		}
	}
}
