// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"strings"
	"testing"

	"evener/firmware/message"
)

// typicalRequest is what a browser sends: eight fields, 400 bytes.
const typicalRequest = "GET /catalog/shoes/running?size=42&colour=blue HTTP/1.1\r\n" +
	"Host: shop.example.com\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0\r\n" +
	"Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n" +
	"Accept-Language: en-GB,en;q=0.5\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\n" +
	"Connection: keep-alive\r\n" +
	"Cookie: session=3f9a1c77d0e24b8f; theme=dark\r\n" +
	"Referer: https://shop.example.com/x\r\n\r\n"

const typicalAnswer = "HTTP/1.1 200 OK\r\n" +
	"Server: nginx\r\n" +
	"Date: Sat, 21 Nov 2026 10:00:00 GMT\r\n" +
	"Content-Type: text/html; charset=utf-8\r\n" +
	"Content-Length: 23\r\n" +
	"Cache-Control: no-cache\r\n" +
	"Connection: keep-alive\r\n\r\n"

func BenchmarkParseRequest(b *testing.B) {
	buf := []byte(typicalRequest)
	var h message.Head
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseRequest(&h, buf, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseResponse(b *testing.B) {
	buf := []byte(typicalAnswer)
	var h message.Head
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseResponse(&h, buf, nil, ReqInfo{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendFields(b *testing.B) {
	var h message.Head
	if _, err := ParseRequest(&h, []byte(typicalRequest), nil); err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendFields(dst[:0], &h)
	}
}

func BenchmarkChunks(b *testing.B) {
	buf := []byte("400\r\n" + strings.Repeat("x", 1024) + "\r\n" + LastChunk)
	var c Chunks
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		c.Reset()
		if n, err := drain(&c, buf); err != nil || n != len(buf) {
			b.Fatal(n, err)
		}
	}
}

// drain feeds buf to c and returns how much of it was consumed.
func drain(c *Chunks, buf []byte) (int, error) {
	at := 0
	for {
		_, n, done, err := c.Next(buf[at:])
		at += n
		if err != nil || done || n == 0 {
			return at, err
		}
	}
}

// TestHotPathDoesNotAllocate holds for every step of an ordinary exchange, and
// for refusals, which an attacker chooses the number of.
func TestHotPathDoesNotAllocate(t *testing.T) {
	var h, a message.Head
	var c Chunks
	request := []byte(typicalRequest)
	answer := []byte(typicalAnswer)
	body := []byte("5;x=y\r\nhello\r\n" + LastChunk)
	bad := []byte("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
	dst := make([]byte, 0, 2048)
	named := []byte("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, upgrade\r\nX: 1\r\nUpgrade: h2c, websocket\r\nCookie: a\r\nCookie: b\r\n\r\n")
	cases := []struct {
		name string
		step func()
	}{
		{"request", func() { must(ParseRequest(&h, request, nil)) }},
		{"connection", func() { must(ParseRequest(&h, named, nil)); dst = AppendCookies(dst[:0], &h) }},
		{"answer", func() { must(ParseResponse(&a, answer, nil, ReqInfo{})) }},
		{"refusal", func() {
			if _, err := ParseRequest(&h, bad, nil); err == nil {
				panic("accepted")
			}
		}},
		{"chunks", func() { c.Reset(); must(drain(&c, body)) }},
		{"append", func() {
			dst = AppendRequestLine(dst[:0], h.Bytes(h.Method), h.Bytes(h.Target))
			dst = AppendFields(dst, &h)
			dst = AppendLength(dst, 77)
			dst = AppendChunkHead(dst, 77)
			dst = AppendError(dst, 502, true, message.GET, nil)
		}},
	}
	for _, tc := range cases {
		tc.step()
		if n := testing.AllocsPerRun(100, tc.step); n != 0 {
			t.Errorf("%s: %v allocations, want 0", tc.name, n)
		}
	}
}

func must(_ int, err error) {
	if err != nil {
		panic(err)
	}
}
