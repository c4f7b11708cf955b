// SPDX-License-Identifier: Apache-2.0

package proxyproto

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func ends(src, dst string) Header {
	return Header{Transport: TCP, Src: netip.MustParseAddrPort(src), Dst: netip.MustParseAddrPort(dst)}
}

// haproxy are headers as HAProxy 2.6 sends them.
var haproxy = []struct {
	name, hex string
	want      Header
}{
	{"send-proxy", "50524f58592054435034203132372e302e302e31203132372e302e302e312033363237302032383930310d0a",
		ends("127.0.0.1:36270", "127.0.0.1:28901")},
	{"IPv4, checksum, unique ID", "0d0a0d0a000d0a515549540a211100237f0000017f00000187e870e6030004859f4b0205000d" +
		"37463030303030313a38374538",
		with(ends("127.0.0.1:34792", "127.0.0.1:28902"), func(h *Header) {
			h.UniqueID, h.Checksum = []byte("7F000001:87E8"), true
		})},
	{"IPv6, checksum, unique ID", "0d0a0d0a000d0a515549540a21210053000000000000000000000000000000010000000000000000" +
		"0000000000000001c6c470e603000461a05669050025303030303030303030303030303030303030303030303030303030303030303" +
		"13a43364334",
		with(ends("[::1]:50884", "[::1]:28902"), func(h *Header) {
			h.UniqueID, h.Checksum = []byte(strings.Repeat("0", 31)+"1:C6C4"), true
		})},
	{"TLS with a client certificate", "0d0a0d0a000d0a515549540a211100827f0000017f000001deb870e7030004fe5317300100026832" +
		"02000f7777772e6578616d706c652e636f6d2000550700000000210007544c5376312e3322000e636c69656e742e6578616d706c65" +
		"250005454332353624001165636473612d776974682d534841323536230016544c535f4145535f3235365f47434d5f534841333834",
		with(ends("127.0.0.1:57016", "127.0.0.1:28903"), func(h *Header) {
			h.ALPN, h.Authority, h.Checksum = []byte("h2"), []byte("www.example.com"), true
			h.TLS = TLS{Present: true, Client: ClientTLS | ClientCertConn | ClientCertSession,
				Version: []byte("TLSv1.3"), CN: []byte("client.example"), Cipher: []byte("TLS_AES_256_GCM_SHA384"),
				SigAlg: []byte("ecdsa-with-SHA256"), KeyAlg: []byte("EC256")}
		})},
	{"TLS without", "0d0a0d0a000d0a515549540a2111001e7f0000017f000001dfcc70e820000f0100000000210007544c5376312e33",
		with(ends("127.0.0.1:57292", "127.0.0.1:28904"), func(h *Header) {
			h.TLS = TLS{Present: true, Client: ClientTLS, Version: []byte("TLSv1.3")}
		})},
}

func with(h Header, change func(*Header)) Header {
	change(&h)
	return h
}

// plain is h without where and how it was read, to compare.
func plain(h Header) Header {
	h.Version, h.tlvs = 0, nil
	return h
}

func TestParseReadsWhatHAProxySends(t *testing.T) {
	for _, tc := range haproxy {
		b, err := hex.DecodeString(tc.hex)
		if err != nil {
			t.Fatal(err)
		}
		h, n, err := Parse(append(b, 'x'))
		if err != nil || n != len(b) {
			t.Errorf("%s: Parse = %d, %v, want %d", tc.name, n, err, len(b))
		} else if !reflect.DeepEqual(plain(h), tc.want) {
			t.Errorf("%s: Parse = %+v, want %+v", tc.name, plain(h), tc.want)
		}
	}
}

func TestVerifiedNeedsACertificate(t *testing.T) {
	for _, tc := range []struct {
		name string
		tls  TLS
		want bool
	}{
		{"no TLS", TLS{}, false},
		{"no certificate, as HAProxy says it", TLS{Present: true, Client: ClientTLS}, false},
		{"certificate", TLS{Present: true, Client: ClientTLS | ClientCertConn}, true},
		{"resumed", TLS{Present: true, Client: ClientTLS | ClientCertSession}, true},
		{"not verified", TLS{Present: true, Client: ClientTLS | ClientCertConn, Verify: 10}, false},
	} {
		if got := tc.tls.Verified(); got != tc.want {
			t.Errorf("%s: Verified() = %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestAnyChangedBitBreaksTheChecksum(t *testing.T) {
	b, _ := hex.DecodeString(haproxy[3].hex)
	for i := fixedV2; i < len(b); i++ {
		for bit := range 8 {
			b[i] ^= 1 << bit
			if h, _, err := Parse(b); err == nil && h.Checksum {
				t.Errorf("Parse took a header with bit %d of byte %d changed", bit, i)
			}
			b[i] ^= 1 << bit
		}
	}
	if _, _, err := Parse(b); err != nil {
		t.Fatal(err)
	}
}

func TestTLVsYieldsAll(t *testing.T) {
	b := block2(0x21, 0x11, ends4+"\xe0\x00\x01x\x04\x00\x00\x01\x00\x02h2\xef\x00\x00")
	h, _, err := Parse([]byte(b))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for typ, value := range h.TLVs() {
		got.WriteString(hex.EncodeToString([]byte{byte(typ)}) + "=" + string(value) + " ")
	}
	if want := "e0=x 04= 01=h2 ef= "; got.String() != want {
		t.Errorf("TLVs() = %q, want %q", got.String(), want)
	}
	for typ := range h.TLVs() {
		if typ != 0xe0 {
			t.Fatalf("TLVs() began with %#x, want 0xe0", typ)
		}
		break
	}
}

func TestAppend(t *testing.T) {
	four, six := ends("192.0.2.1:56324", "198.51.100.2:443"), ends("[2001:db8::1]:1", "[2001:db8::2]:80")
	mixed := ends("192.0.2.1:1", "[2001:db8::2]:80")
	mapped := ends("[::ffff:192.0.2.1]:56324", "198.51.100.2:443")
	zoned := ends("[fe80::1%eth0]:1", "[fe80::2%eth0]:2")
	udp := with(four, func(h *Header) { h.Transport = UDP })
	local := with(four, func(h *Header) { h.Local, h.ALPN, h.Checksum = true, []byte("h2"), true })
	unspec := with(four, func(h *Header) { h.Transport = Unspec })
	lost := with(four, func(h *Header) { h.Src = netip.AddrPort{} })
	v6 := func(a string) string { b := netip.MustParseAddr(a).As16(); return string(b[:]) }
	for _, tc := range []struct {
		name   string
		h      Header
		v1, v2 string
	}{
		{"IPv4", four, line4, block2(0x21, 0x11, ends4)},
		{"mapped", mapped, line4, block2(0x21, 0x11, ends4)},
		{"IPv6", six, "PROXY TCP6 2001:db8::1 2001:db8::2 1 80\r\n",
			block2(0x21, 0x21, v6("2001:db8::1")+v6("2001:db8::2")+"\x00\x01\x00\x50")},
		{"mixed", mixed, "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 80\r\n",
			block2(0x21, 0x21, v6("::ffff:192.0.2.1")+v6("2001:db8::2")+"\x00\x01\x00\x50")},
		{"zone", zoned, "PROXY TCP6 fe80::1 fe80::2 1 2\r\n",
			block2(0x21, 0x21, v6("fe80::1")+v6("fe80::2")+"\x00\x01\x00\x02")},
		{"UDP", udp, "PROXY UNKNOWN\r\n", block2(0x21, 0x12, ends4)},
		{"LOCAL", local, "PROXY UNKNOWN\r\n", block2(0x20, 0x00, "")},
		{"unspec", unspec, "PROXY UNKNOWN\r\n", block2(0x21, 0x00, "")},
		{"no address", lost, "PROXY UNKNOWN\r\n", block2(0x21, 0x00, "")},
		{"names", with(four, func(h *Header) { h.ALPN, h.NetNS = []byte("h2"), []byte{} }), line4,
			block2(0x21, 0x11, ends4+"\x01\x00\x02h2\x30\x00\x00")},
		{"too long", with(four, func(h *Header) {
			h.Authority, h.UniqueID = make([]byte, 256), make([]byte, 129)
			h.TLS = TLS{Present: true, CN: make([]byte, 256)}
		}), line4, block2(0x21, 0x11, ends4+"\x20\x00\x05\x00\x00\x00\x00\x00")},
	} {
		if got := string(Append([]byte("before"), V1, &tc.h)); got != "before"+tc.v1 {
			t.Errorf("%s: Append(V1) = %q, want %q", tc.name, got, tc.v1)
		}
		if got := string(Append([]byte("before"), V2, &tc.h)); got != "before"+tc.v2 {
			t.Errorf("%s: Append(V2) = %q, want %q", tc.name, got, tc.v2)
		}
	}
}

func TestAppendStaysWithinTheLimit(t *testing.T) {
	long, id := make([]byte, maxValue), make([]byte, maxUniqueID)
	h := with(ends("[2001:db8::1]:1", "[2001:db8::2]:80"), func(h *Header) {
		h.ALPN, h.Authority, h.UniqueID, h.NetNS, h.Checksum = long, long, id, long, true
		h.TLS = TLS{true, 7, 1, long, long, long, long, long, long, long}
	})
	b := Append(nil, V2, &h)
	if len(b) > MaxV2 {
		t.Errorf("Append wrote %d bytes, more than Parse takes", len(b))
	}
	if got, _, err := Parse(b); err != nil || !reflect.DeepEqual(plain(got), h) {
		t.Errorf("Parse(Append(%+v)) = %+v, %v", h, got, err)
	}
}

func TestAllocNothing(t *testing.T) {
	h := haproxy[3].want
	buf, line := Append(nil, V2, &h), Append(nil, V1, &h)
	broken := []byte("PROXY \r\n")
	dst := make([]byte, 0, MaxV2)
	set, err := NewTrusted([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	if err != nil {
		t.Fatal(err)
	}
	for name, step := range map[string]func(){
		"Append V1": func() { Append(dst, V1, &h) },
		"Append V2": func() { Append(dst, V2, &h) },
		"Parse V1":  func() { Parse(line) },
		"Parse V2": func() {
			h, _, _ := Parse(buf)
			for range h.TLVs() {
			}
		},
		"malformed": func() { Parse(line[:10]); Parse(broken) },
		"Contains":  func() { set.Contains(h.Src.Addr()) },
	} {
		if n := testing.AllocsPerRun(100, step); n != 0 {
			t.Errorf("%s allocates %v times, want 0", name, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(line4))
	f.Add([]byte("PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 80\r\nrest"))
	f.Add([]byte("PROXY UNKNOWN\r\n"))
	f.Add([]byte(block2(0x20, 0x00, "")))
	f.Add([]byte(block2(0x21, 0x31, strings.Repeat("/", 216))))
	for _, tc := range haproxy {
		b, _ := hex.DecodeString(tc.hex)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, err := Parse(b)
		if err != nil {
			if n != 0 || (err != ErrMore && err != ErrNotProxy && !same(err, errAnyMalformed)) {
				t.Fatalf("Parse = %d, %v", n, err)
			}
			if err == ErrMore && len(b) >= MaxV2 {
				t.Fatal("Parse wants more than the longest header")
			}
			return
		}
		if n > len(b) || n > MaxV2 || (h.Version == V1 && n > MaxV1) {
			t.Fatalf("Parse took %d bytes of %d", n, len(b))
		}
		// The verdict must not depend on what comes after, nor come before the end.
		if again, m, err := Parse(b[:n]); err != nil || m != n || !reflect.DeepEqual(again, h) {
			t.Fatalf("Parse = %+v, then %+v, %v", h, again, err)
		}
		if _, _, err := Parse(b[:n-1]); err != ErrMore {
			t.Fatalf("Parse of all but one byte: %v", err)
		}
		roundTrip(t, h)
	})
}

// roundTrip writes h and reads it again.
func roundTrip(t *testing.T, h Header) {
	got, _, err := Parse(Append(nil, V1, &h))
	if err != nil || (h.Transport == TCP && (got.Src != h.Src || got.Dst != h.Dst)) {
		t.Fatalf("version 1 of %+v is read as %+v, %v", h, got, err)
	}
	for _, field := range []*[]byte{&h.ALPN, &h.Authority, &h.NetNS, &h.TLS.Version, &h.TLS.CN, &h.TLS.Cipher,
		&h.TLS.SigAlg, &h.TLS.KeyAlg, &h.TLS.Group, &h.TLS.SigScheme} {
		if len(*field) > maxValue {
			*field = nil
		}
	}
	if h.Transport == Unspec { // such as UNIX: nothing else is written
		h = Header{Local: h.Local}
	}
	b := Append(nil, V2, &h)
	if got, _, err = Parse(b); err != nil || !reflect.DeepEqual(plain(got), plain(h)) {
		t.Fatalf("version 2 of %+v is read as %+v, %v", plain(h), plain(got), err)
	}
	if !bytes.Equal(Append(nil, V2, &got), b) {
		t.Fatalf("%+v is not written the same twice", got)
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4}, []byte{5, 6, 7, 8}, uint16(80), uint16(443), false, true, []byte("h2"), []byte("name"), uint32(1))
	f.Add(make([]byte, 16), make([]byte, 4), uint16(0), uint16(65535), true, false, []byte{}, []byte(nil), uint32(0))
	f.Fuzz(func(t *testing.T, src, dst []byte, sp, dp uint16, udp, sum bool, a, b []byte, verify uint32) {
		from, ok1 := netip.AddrFromSlice(src)
		to, ok2 := netip.AddrFromSlice(dst)
		if !ok1 || !ok2 {
			return
		}
		h := Header{Transport: TCP, Src: netip.AddrPortFrom(from.Unmap(), sp), Dst: netip.AddrPortFrom(to.Unmap(), dp),
			ALPN: a, Authority: b, UniqueID: a[:min(len(a), maxUniqueID)], NetNS: b, Checksum: sum}
		if udp {
			h.Transport = UDP
		}
		if verify%3 > 0 {
			h.TLS = TLS{Present: true, Client: ClientFlags(verify), Verify: verify, Version: a, CN: b, Cipher: a, Group: b}
		}
		roundTrip(t, h)
	})
}
