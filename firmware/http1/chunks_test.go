// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"fmt"
	"strings"
	"testing"

	"evener/firmware/message"
)

var chunkRows = []struct{ row, in, want string }{
	{"24 one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello done"},
	{"24 hex digits", "A\r\n0123456789\r\nb\r\n0123456789a\r\n00\r\n\r\n", "01234567890123456789a done"},
	{"24 leading zeros", "0000000000000005\r\nhello\r\n0\r\n\r\n", "hello done"},
	{"24 seventeen digits", "00000000000000005\r\nhello\r\n0\r\n\r\n", " 400 bad_chunk_size"},
	{"24 empty", "\r\nhello", " 400 bad_chunk_size"},
	{"24 only an extension", ";a\r\nhello", " 400 bad_chunk_size"},
	{"24 plus", "+5\r\nhello", " 400 bad_chunk_size"},
	{"24 minus", "-5\r\nhello", " 400 bad_chunk_size"},
	{"24 space before", " 5\r\nhello", " 400 bad_chunk_size"},
	{"24 space behind", "5 \r\nhello", " 400 bad_chunk_size"},
	{"24 space before an extension", "5 ;a\r\nhello", " 400 bad_chunk_size"},
	{"24 tab behind", "5\t\r\nhello", " 400 bad_chunk_size"},
	{"24 0x", "0x5\r\nhello", " 400 bad_chunk_size"},
	{"24 not hex", "5g\r\nhello", " 400 bad_chunk_size"},
	{"24 underscore", "1_0\r\nhello", " 400 bad_chunk_size"},
	{"24 2^63-1", "7fffffffffffffff\r\nhello", "hello more"},
	{"24 2^63", "8000000000000000\r\nhello", " 400 bad_chunk_size"},
	{"24 2^64-1", "ffffffffffffffff\r\nhello", " 400 bad_chunk_size"},
	{"24 2^64+5", "10000000000000005\r\nhello", " 400 bad_chunk_size"},
	{"24 two sizes", "5, 5\r\nhello", " 400 bad_chunk_size"},

	{"25 extension", "5;a=b\r\nhello\r\n0;c=\"d\"\r\n\r\n", "hello done"},
	{"25 empty extension", "5;\r\nhello\r\n0\r\n\r\n", "hello done"},
	{"25 256 bytes", "5;" + strings.Repeat("x", 255) + "\r\nhello\r\n0\r\n\r\n", "hello done"},
	{"25 257 bytes", "5;" + strings.Repeat("x", 256) + "\r\nhello\r\n0\r\n\r\n", " 400 long_chunk_extension"},
	{"25 4 KiB", strings.Repeat("1;"+strings.Repeat("x", 255)+"\r\n.\r\n", 16) + "0\r\n\r\n", "................ done"},
	{"25 4 KiB and one", strings.Repeat("1;"+strings.Repeat("x", 255)+"\r\n.\r\n", 16) + "0;\r\n\r\n", "................ 400 long_chunk_extension"},
	{"25 bare LF", "5;a\nhello\r\n0\r\n\r\n", " 400 bare_lf"},
	{"25 bare LF in quotes", "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", " 400 bare_lf"},
	{"25 bare CR", "5;a\rb\r\nhello\r\n0\r\n\r\n", " 400 bare_cr"},
	{"25 control", "5;\x00\r\nhello\r\n0\r\n\r\n", " 400 bad_chunk_extension"},
	{"25 TERM.EXT", "2;\nxx\r\n45\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n0\r\n\r\n", " 400 bare_lf"},
	{"25 EXT.TERM", "2;\rxx\r\n45\r\n0\r\n\r\n", " 400 bare_cr"},

	{"26 nothing between", "5\r\nhello0\r\n\r\n", "hello 400 bad_chunk_end"},
	{"26 more data", "5\r\nhello!\r\n0\r\n\r\n", "hello 400 bad_chunk_end"},
	{"26 two bytes skipped", "5\r\nhelloXX0\r\n\r\n", "hello 400 bad_chunk_end"},
	{"26 CR and another", "5\r\nhello\rX0\r\n\r\n", "hello 400 bad_chunk_end"},
	{"26 LF alone", "5\r\nhello\n0\r\n\r\n", "hello 400 bare_lf"},
	{"14 LF behind the size", "5\nhello\r\n0\r\n\r\n", " 400 bare_lf"},
	{"14 LF behind the last size", "5\r\nhello\r\n0\n\r\n", "hello 400 bare_lf"},
	{"14 LF at the end", "5\r\nhello\r\n0\r\n\n", "hello 400 bare_lf"},
	{"15 CR behind the size", "5\rXhello\r\n0\r\n\r\n", " 400 bare_cr"},
	{"15 CR at the end", "0\r\n\rX", " 400 bare_cr"},

	{"27 trailers", "0\r\nA: b\r\nC:\r\n\r\n", " done"},
	{"27 bad name", "0\r\nA b: c\r\n\r\n", " 400 space_before_colon"},
	{"27 bad value", "0\r\nA: \x00\r\n\r\n", " 400 bad_field_value"},
	{"27 obs-fold", "0\r\nA: b\r\n c\r\n\r\n", " 400 obs_fold"},
	{"27 bare LF", "0\r\nA: b\n\r\n", " 400 bare_lf"},
	{"27 bare CR", "0\r\nA: b\rc\r\n\r\n", " 400 bare_cr"},
	{"27 no colon", "0\r\nGET / HTTP/1.1\r\n\r\n", " 400 space_before_colon"},
	{"27 too large", "0\r\nA: " + strings.Repeat("x", 60) + "\r\n\r\n", " 431 trailers_too_large"},
	{"27 one byte too large", "0\r\nA: " + strings.Repeat("x", 51) + "\r\n\r\n", " 431 trailers_too_large"},
	{"27 just fits", "0\r\nA: " + strings.Repeat("x", 50) + "\r\n\r\n", " done"},
	{"36 incomplete", "5\r\nhel", "hel more"},
	{"36 without the last chunk", "5\r\nhello\r\n", "hello more"},
	{"36 without the last line", "5\r\nhello\r\n0\r\n", "hello more"},
}

// rowTrailer makes the limit of the trailer section small enough to meet.
const rowTrailer = 57

func TestChunkRows(t *testing.T) {
	for _, tc := range chunkRows {
		t.Run(tc.row, func(t *testing.T) {
			c := &Chunks{MaxTrailer: rowTrailer}
			data, n, end := chunks(c, tc.in)
			if got := data + " " + end; got != tc.want {
				t.Errorf("%q = %q, want %q", tc.in, got, tc.want)
			}
			if (end == "done" || end == "more") && n != len(tc.in) {
				t.Errorf("%q: consumed %d bytes, want all %d", tc.in, n, len(tc.in))
			}
		})
	}
}

// TestChunksAnySplit cuts every row in two and three pieces at every place.
func TestChunksAnySplit(t *testing.T) {
	for _, tc := range chunkRows {
		if len(tc.in) > 80 {
			continue
		}
		for i := 0; i <= len(tc.in); i++ {
			for j := i; j <= len(tc.in); j++ {
				c := &Chunks{MaxTrailer: rowTrailer}
				if data, _, end := chunks(c, tc.in, i, j); data+" "+end != tc.want {
					t.Fatalf("%q cut at %d and %d = %q, want %q", tc.in, i, j, data+" "+end, tc.want)
				}
			}
		}
	}
}

func TestChunksStopAtTheEndOfTheBody(t *testing.T) {
	var c Chunks
	const body, next = "3\r\nabc\r\n0\r\nA: b\r\n\r\n", "GET / HTTP/1.1\r\n"
	if _, n, end := chunks(&c, body+next); n != len(body) || end != "done" {
		t.Errorf("consumed %d, %s, want %d, done", n, end, len(body))
	}
	if got, want := string(c.Trailer()), "A: b\r\n\r\n"; got != want {
		t.Errorf("Trailer() = %q, want %q", got, want)
	}
	if data, n, done, err := c.Next([]byte(next)); len(data) != 0 || n != 0 || !done || err != nil {
		t.Errorf("Next after the end = %q, %d, %v, %v", data, n, done, err)
	}
	c.Reset()
	if c.Trailer() != nil {
		t.Error("Reset kept the trailers")
	}
	if data, _, end := chunks(&c, body); data != "abc" || end != "done" {
		t.Errorf("after Reset = %q, %s", data, end)
	}
}

func TestChunksWithoutTrailersHaveNone(t *testing.T) {
	var c Chunks
	chunks(&c, "0\r\n\r\n")
	if c.Trailer() != nil || cap(c.trailer) != 0 {
		t.Errorf("Trailer() = %q, %d bytes allocated", c.Trailer(), cap(c.trailer))
	}
}

func TestChunkErrorsStay(t *testing.T) {
	var c Chunks
	chunks(&c, "x")
	if _, n, done, err := c.Next([]byte("5\r\nhello\r\n0\r\n\r\n")); n != 0 || done || verdict(err) != "400 bad_chunk_size" {
		t.Errorf("Next after an error = %d, %v, %v", n, done, err)
	}
}

func TestChunksCanBeSpliced(t *testing.T) {
	var c Chunks
	data, n, _, err := c.Next([]byte("a\r\nabc"))
	if string(data) != "abc" || n != 6 || err != nil || c.InData() != 7 {
		t.Fatalf("Next = %q, %d, %v; InData %d, want 7", data, n, err, c.InData())
	}
	c.Spliced(4)
	if c.InData() != 3 {
		t.Errorf("InData() = %d, want 3", c.InData())
	}
	c.Spliced(3)
	if c.InData() != 0 {
		t.Errorf("InData() = %d, want 0", c.InData())
	}
	if data, _, end := chunks(&c, "\r\n1\r\nx\r\n0\r\n\r\n"); data != "x" || end != "done" {
		t.Errorf("after splicing = %q, %s", data, end)
	}
}

func TestInDataIsZeroInAChunkLine(t *testing.T) {
	var c Chunks
	if c.Next([]byte("5")); c.InData() != 0 {
		t.Errorf("InData() = %d inside a size, want 0", c.InData())
	}
	if c.Next([]byte("\r\n")); c.InData() != 5 {
		t.Errorf("InData() = %d behind the line, want 5", c.InData())
	}
}

// Row 27: what may not come behind a body is marked.
func TestTrailerRows(t *testing.T) {
	const in = "X-Sum: 1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n" +
		"Authorization: x\r\nProxy-Foo: x\r\nWWW-Authenticate: x\r\nContent-Anything: x\r\nCookie: a\r\n" +
		"Set-Cookie: a\r\nX-Forwarded-For: 1\r\nX-Forwarded-Foo: 1\r\nForwarded: x\r\nConnection: X-Sum\r\n" +
		"TE: trailers\r\nTrailer: x\r\nExpect: x\r\nIf-Match: x\r\nRange: x\r\nAge: 1\r\nCache-Control: x\r\n" +
		"Location: x\r\nVary: x\r\nPragma: x\r\nMax-Forwards: 1\r\nUpgrade: x\r\nA_B: 1\r\ngrpc-status: 0\r\n\r\n"
	var h message.Head
	n, err := ParseTrailers(&h, []byte(in+"rest"), nil)
	if n != len(in) || err != nil {
		t.Fatalf("= %d, %v, want %d", n, err, len(in))
	}
	if got, want := forwarded(&h), "X-Sum: 1|grpc-status: 0"; got != want {
		t.Errorf("forwarded %q, want %q", got, want)
	}
	if got, want := string(AppendTrailers(nil, &h)), "0\r\nX-Sum: 1\r\ngrpc-status: 0\r\n\r\n"; got != want {
		t.Errorf("AppendTrailers = %q, want %q", got, want)
	}
}

func TestTrailerLimits(t *testing.T) {
	tests := []struct {
		in   string
		o    Options
		want string
	}{
		{"\r\n", Options{}, "ok"},
		{"A: b\r\n", Options{}, "more"},
		{"A: b\r\n\r\n", Options{MaxHead: 7}, "431 head_too_large"},
		{"A: b\r\nC: d\r\n\r\n", Options{MaxFields: 1}, "431 too_many_fields"},
	}
	for _, tc := range tests {
		var h message.Head
		if got := outcomeOf(ParseTrailers(&h, []byte(tc.in), &tc.o)); got != tc.want {
			t.Errorf("ParseTrailers(%q) = %s, want %s", tc.in, got, tc.want)
		}
	}
	var c Chunks
	if _, _, end := chunks(&c, "0\r\n"+strings.Repeat("A: b\r\n", 101)+"\r\n"); end != "431 too_many_fields" {
		t.Errorf("101 trailers: %s", end)
	}
}

func ExampleChunks() {
	var c Chunks
	buf := []byte("5\r\nhello\r\n6;x=1\r\n world\r\n0\r\n\r\nnext")
	for {
		data, n, done, err := c.Next(buf)
		if err != nil {
			return
		}
		fmt.Printf("%s", data)
		buf = buf[n:]
		if done || n == 0 {
			break
		}
	}
	fmt.Printf(", then %s", buf)
	// Output: hello world, then next
}
