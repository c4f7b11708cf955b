// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
)

// clientHello returns what crypto/tls sends first.
func clientHello(t testing.TB, cfg *tls.Config) []byte {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() {
		tls.Client(theirs, cfg).Handshake()
		theirs.Close()
	}()
	defer ours.Close()
	head := make([]byte, recordHeader)
	if _, err := io.ReadFull(ours, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint16(head[3:]))
	if _, err := io.ReadFull(ours, body); err != nil {
		t.Fatal(err)
	}
	return append(head, body...)
}

// split puts the message of a single record into records of n bytes.
func split(hello []byte, n int) []byte {
	var out []byte
	for part := range slices.Chunk(hello[recordHeader:], n) {
		out = append(out, recordHandshake, 3, 1, byte(len(part)>>8), byte(len(part)))
		out = append(out, part...)
	}
	return out
}

func parse(b []byte) (string, Hello) {
	name, v := ParseHello(b, testScratch[:])
	return string(name), v
}

// testScratch is for tests, which run one after the other.
var testScratch [MaxHello]byte

func TestParseHelloFindsTheNameInWhateverRecords(t *testing.T) {
	hello := clientHello(t, &tls.Config{ServerName: "WWW.Example.com"})
	for _, n := range []int{1, 2, 3, 7, 100, 1 << 14} {
		b := split(hello, n)
		if name, v := parse(b); name != "www.example.com" || v != HelloNamed {
			t.Errorf("records of %d bytes: ParseHello = %q, %d; want www.example.com, %d", n, name, v, HelloNamed)
		}
		for i := range b {
			if name, v := parse(b[:i]); v != HelloPartial || name != "" {
				t.Fatalf("records of %d bytes: ParseHello of the first %d = %q, %d; want partial", n, i, name, v)
			}
		}
	}
}

func TestParseHelloWithoutAName(t *testing.T) {
	hello := clientHello(t, &tls.Config{InsecureSkipVerify: true})
	if name, v := parse(hello); v != HelloUnnamed || name != "" {
		t.Errorf("ParseHello = %q, %d; want unnamed", name, v)
	}
}

// build returns a ClientHello whose extensions are ext, as crypto/tls would not
// write it.
func build(session, suites, compression, ext string, tail ...byte) []byte {
	body := append([]byte{3, 3}, make([]byte, 32)...)
	body = append(append(body, byte(len(session))), session...)
	body = append(append(body, byte(len(suites)>>8), byte(len(suites))), suites...)
	body = append(append(body, byte(len(compression))), compression...)
	if ext != "" {
		body = append(append(body, byte(len(ext)>>8), byte(len(ext))), ext...)
	}
	body = append(body, tail...)
	msg := append([]byte{1, 0, byte(len(body) >> 8), byte(len(body))}, body...)
	return append([]byte{22, 3, 1, byte(len(msg) >> 8), byte(len(msg))}, msg...)
}

// nameExt returns a server_name extension with one name.
func nameExt(name string) string {
	n := len(name)
	return "\x00\x00" + string([]byte{0, byte(n + 5), 0, byte(n + 3), 0, 0, byte(n)}) + name
}

func TestParseHelloIsStrict(t *testing.T) {
	good := build("", "\x13\x01", "\x00", nameExt("a.test"))
	change := func(i int, c byte) []byte {
		b := bytes.Clone(good)
		b[i] = c
		return b
	}
	for _, test := range []struct {
		name string
		b    []byte
		want Hello
		host string
	}{
		{"good", good, HelloNamed, "a.test"},
		{"bytes after the record", append(bytes.Clone(good), "x"...), HelloNamed, "a.test"},
		{"no extensions", build("", "\x13\x01", "\x00", ""), HelloUnnamed, ""},
		{"other extension first", build("", "\x13\x01", "\x00", "\x00\x0a\x00\x01x"+nameExt("b")), HelloNamed, "b"},
		{"session of 32", build(strings.Repeat("s", 32), "\x13\x01", "\x00", nameExt("b")), HelloNamed, "b"},
		{"session of 33", build(strings.Repeat("s", 33), "\x13\x01", "\x00", nameExt("b")), HelloNone, ""},
		{"http", []byte("GET / HTTP/1.1\r\n\r\n"), HelloNone, ""},
		{"ssh", []byte("SSH-2.0-x\r\n"), HelloNone, ""},
		{"alert", []byte{21, 3, 1, 0, 2, 2, 40}, HelloNone, ""},
		{"version 2", change(1, 2), HelloNone, ""},
		{"empty record", []byte{22, 3, 1, 0, 0}, HelloNone, ""},
		{"record too long", []byte{22, 3, 1, 0x40, 1}, HelloNone, ""},
		{"server hello", change(5, 2), HelloNone, ""},
		{"message too long", change(6, 1), HelloNone, ""},
		{"message shorter than record", change(8, good[8]-1), HelloNone, ""},
		{"no suites", build("", "", "\x00", nameExt("b")), HelloNone, ""},
		{"odd suites", build("", "\x13\x01\x02", "\x00", nameExt("b")), HelloNone, ""},
		{"no compression", build("", "\x13\x01", "", nameExt("b")), HelloNone, ""},
		{"bytes after extensions", build("", "\x13\x01", "\x00", nameExt("b"), 0), HelloNone, ""},
		{"extension cut", build("", "\x13\x01", "\x00", nameExt("bb")[:8]), HelloNone, ""},
		{"name twice", build("", "\x13\x01", "\x00", nameExt("b")+nameExt("b")), HelloNone, ""},
		{"empty name", build("", "\x13\x01", "\x00", nameExt("")), HelloNone, ""},
		{"name with a space", build("", "\x13\x01", "\x00", nameExt("a b")), HelloNone, ""},
		{"name with a dot at its end", build("", "\x13\x01", "\x00", nameExt("a.")), HelloNone, ""},
		{"list longer than extension", build("", "\x13\x01", "\x00", "\x00\x00\x00\x04\x00\x04\x00\x00"), HelloNone, ""},
		{"other type of name", build("", "\x13\x01", "\x00", "\x00\x00\x00\x06\x00\x04\x01\x00\x01b"), HelloNone, ""},
		{"nothing", nil, HelloPartial, ""},
	} {
		if host, v := parse(test.b); v != test.want || host != test.host {
			t.Errorf("%s: ParseHello = %q, %d; want %q, %d", test.name, host, v, test.host, test.want)
		}
	}
}

func TestParseHelloGivesUpAtItsLimit(t *testing.T) {
	big := build("", "\x13\x01", "\x00", "\x00\x15\x3f\x00"+strings.Repeat("p", 0x3f00))
	if _, v := parse(big); v != HelloUnnamed {
		t.Fatalf("ParseHello of %d bytes = %d, want unnamed", len(big), v)
	}
	if _, v := parse([]byte{22, 3, 1, 0x40, 0, 1, 0, 0x40, 0}); v != HelloNone {
		t.Errorf("ParseHello of a message that cannot fit = %d, want none", v)
	}
	if _, v := parse(split(big, 20)); v != HelloNone {
		t.Errorf("ParseHello of too many records = %d, want none", v)
	}
}

func TestParseHelloAllocatesNothing(t *testing.T) {
	hello := split(clientHello(t, &tls.Config{ServerName: "www.example.com"}), 50)
	scratch := make([]byte, MaxHello)
	if n := testing.AllocsPerRun(100, func() { ParseHello(hello, scratch) }); n != 0 {
		t.Errorf("ParseHello makes %v allocations, want none", n)
	}
}

func TestNamesPreferTheExactThenTheLongest(t *testing.T) {
	routes := map[string]*Route{}
	var list []Name
	for _, p := range []string{"*.test", "*.a.test", "b.a.test", "*.c.a.test", "plain"} {
		routes[p] = &Route{}
		list = append(list, Name{p, routes[p]})
	}
	names := NewNames(list)
	for _, test := range []struct{ name, want string }{
		{"b.a.test", "b.a.test"},
		{"x.a.test", "*.a.test"},
		{"x.b.a.test", "*.a.test"},
		{"c.a.test", "*.a.test"},
		{"x.c.a.test", "*.c.a.test"},
		{"y.x.c.a.test", "*.c.a.test"},
		{"a.test", "*.test"},
		{"test", ""},
		{"plain", "plain"},
		{"x.plain", ""},
		{"", ""},
		{"xa.test", "*.test"},
	} {
		if got := names.Find([]byte(test.name)); got != routes[test.want] {
			t.Errorf("Find(%q) is not the route of %q", test.name, test.want)
		}
	}
}

// FuzzParseHello holds the parser to what it promises: what is decided stays so
// when more bytes come, the records do not matter, and a name is one.
func FuzzParseHello(f *testing.F) {
	f.Add(clientHello(f, &tls.Config{ServerName: "www.example.com"}), 5)
	f.Add(clientHello(f, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}), 1)
	f.Add(build("", "\x13\x01", "\x00", nameExt("a.test")), 3)
	f.Add([]byte("GET / HTTP/1.1\r\n"), 1)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		before := bytes.Clone(b)
		name, v := parse(b)
		if !bytes.Equal(b, before) {
			t.Fatal("the input was changed")
		}
		if (name != "") != (v == HelloNamed) || v > HelloNone {
			t.Fatalf("name %q with verdict %d", name, v)
		}
		if name != strings.ToLower(name) || strings.ContainsAny(name, " /\x00") || len(name) > maxName {
			t.Fatalf("name %q", name)
		}
		if v == HelloPartial && len(b) >= MaxHello {
			t.Fatalf("%d bytes are not enough", len(b))
		}
		for i := range min(len(b), 300) {
			if _, early := parse(b[:i]); early != HelloPartial && early != v {
				t.Fatalf("%d after %d bytes, %d after all", early, i, v)
			}
		}
		if (v == HelloNamed || v == HelloUnnamed) && n > 0 {
			size := recordHeader + int(binary.BigEndian.Uint16(b[3:]))
			if size > len(b) || len(b[recordHeader:size])/n > 2000 || binary.BigEndian.Uint32(b[5:])&0xffffff+helloHeader != uint32(size-recordHeader) {
				return // of several records already
			}
			if again, v2 := parse(split(b[:size], n)); again != name || v2 != v {
				t.Fatalf("in records of %d: %q, %d; in one: %q, %d", n, again, v2, name, v)
			}
		}
	})
}
