// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"evener/firmware/message"
)

// walk reads a whole connection as a server does and lists the requests that it
// sees, each as `METHOD target "body"`, and then how it ended.
func walk(in []byte) []string {
	var seen []string
	for len(in) > 0 {
		var h message.Head
		n, err := ParseRequest(&h, in, nil)
		if err != nil || n == 0 {
			return append(seen, outcomeOf(n, err))
		}
		in = in[n:]
		data, k, end := walkBody(&h, in)
		if end != "done" {
			return append(seen, fmt.Sprintf("%s %s %s", h.Bytes(h.Method), h.Bytes(h.Target), end))
		}
		in = in[k:]
		seen = append(seen, fmt.Sprintf("%s %s %q", h.Bytes(h.Method), h.Bytes(h.Target), data))
		if !h.KeepAlive {
			return append(seen, "close")
		}
	}
	return seen
}

func walkBody(h *message.Head, in []byte) (data string, n int, end string) {
	switch h.Body {
	case message.Chunked:
		return chunks(new(Chunks), string(in))
	case message.Length:
		if int64(len(in)) < h.Length {
			return "", 0, "more"
		}
		return string(in[:h.Length]), int(h.Length), "done"
	}
	return "", 0, "done"
}

// smuggle is what an attacker wants to be seen as a request of its own.
const smuggle = "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"

// smuggling are the known ways of making two parties disagree about where a
// request ends. The attack fails where want does not end in GET /admin, or does
// and every reader of RFC 9112 says so.
var smuggling = []struct{ name, in, want string }{
	{"CL.TE", post + "Content-Length: 13\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nSMUGGLED", "400 cl_and_te"},
	{"TE.CL", post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nSMUGGLED\r\n0\r\n\r\n", "400 cl_and_te"},
	{"TE.TE, xchunked", post + "Transfer-Encoding: xchunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "501 unknown_te"},
	{"TE.TE, chunked and x", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n", "400 bad_te"},
	{"TE.TE, space before the colon", post + "Content-Length: 4\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400 space_before_colon"},
	{"TE.TE, tab in the value", post + "Content-Length: 5\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n", "400 cl_and_te"},
	{"TE.TE, vertical tab", post + "Content-Length: 5\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", "400 bad_field_value"},
	{"TE.TE, folded", post + "Content-Length: 5\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "400 obs_fold"},
	{"TE.TE, folded name", post + "Content-Length: 5\r\nX: X\r\n Transfer-Encoding: chunked\r\n\r\n", "400 obs_fold"},
	{"TE.TE, after LF", post + "Content-Length: 5\r\nX: X\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 bare_lf"},
	{"TE.TE, after CR", post + "Content-Length: 5\r\nX: X\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 bare_cr"},
	{"TE.TE, quoted", post + "Content-Length: 5\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", "400 cl_and_te"},
	{"TE.TE, commas", post + "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n", "400 bad_te"},
	{"TE.TE, identity", post + "Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\n01234", "400 cl_and_te"},
	{"TE.TE, high byte in the name", post + "Content-Length: 5\r\nTransfer\x82Encoding: chunked\r\n\r\n", "400 bad_field_name"},
	{"TE.TE, NUL in the name", post + "Content-Length: 5\r\nTransfer-Encoding\x00: chunked\r\n\r\n", "400 bad_field_name"},
	{"TE.TE, underscore", post + "Content-Length: 5\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n", `POST / "0\r\n\r\n"`},
	{"CL.CL", post + "Content-Length: 0\r\nContent-Length: 32\r\n\r\n" + smuggle, "400 several_cl"},
	{"CL.CL, plus", post + "Content-Length: +32\r\n\r\n" + smuggle, "400 bad_cl"},
	{"CL.CL, space", post + "Content-Length: 0 32\r\n\r\n" + smuggle, "400 bad_cl"},
	{"CL.0", post + "Content-Length: 32\r\n\r\n" + smuggle, `POST / "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"`},
	{"0.CL, GET with a body", get + "Content-Length: 32\r\n\r\n" + smuggle, `GET / "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"`},
	{"connection names the length", post + "Content-Length: 32\r\nConnection: Content-Length\r\n\r\n" + smuggle, "400 connection_names"},
	{"h2c", get + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n" + smuggle, `GET / "", GET /admin ""`},
	{"chunk size with LF", post + "Transfer-Encoding: chunked\r\n\r\n0\n\r\n" + smuggle, "POST / 400 bare_lf"},
	{"chunk size, overlong", post + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n" + smuggle, "POST / 400 bad_chunk_size"},
	{"chunk size, overlong zeros", post + "Transfer-Encoding: chunked\r\n\r\n00000000000000000\r\n\r\n" + smuggle, "POST / 400 bad_chunk_size"},
	{"chunk size 0x0", post + "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + smuggle, "POST / 400 bad_chunk_size"},
	{"chunk extension with LF (TERM.EXT)", post + "Transfer-Encoding: chunked\r\n\r\n5;\nAAAAA\r\n21\r\n0\r\n\r\n" + smuggle, "POST / 400 bare_lf"},
	{"chunk extension with CR", post + "Transfer-Encoding: chunked\r\n\r\n5;a\rAAAAA\r\n0\r\n\r\n", "POST / 400 bare_cr"},
	{"chunk data, two bytes skipped (TERM.SPILL)", post + "Transfer-Encoding: chunked\r\n\r\n5\r\nAAAAAXX3\r\nBBB\r\n0\r\n\r\n", "POST / 400 bad_chunk_end"},
	{"chunk data, end missing (SPILL.TERM)", post + "Transfer-Encoding: chunked\r\n\r\n5\r\nAAAAA0\r\n\r\n" + smuggle, "POST / 400 bad_chunk_end"},
	{"trailer", post + "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 32\r\n\r\n" + smuggle, `POST / "", GET /admin ""`},
	{"trailer that is a request", post + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + smuggle, "POST / 400 space_before_colon"},
	{"1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n" + smuggle, "400 te_in_http10"},
	{"behind close", get + "Connection: close\r\n\r\n" + smuggle, `GET / "", close`},
	{"pipelined", get + end + smuggle, `GET / "", GET /admin ""`},
	{"CRLF behind a body", post + "Content-Length: 1\r\n\r\nx\r\n" + smuggle, `POST / "x", GET /admin ""`},
	{"LF as end of the head", "POST / HTTP/1.1\nHost: a\nContent-Length: 0\n\n" + smuggle, "400 bare_lf"},
	{"Host in the target", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", `GET http://b/ ""`},
	{"request line as a field", "GET / HTTP/1.1\r\n GET /admin HTTP/1.1\r\nHost: a\r\n\r\n", "400 space_before_fields"},
	{"0.9", "GET /admin\r\n\r\n", "400 http_09"},
}

func TestSmuggling(t *testing.T) {
	for _, tc := range smuggling {
		t.Run(tc.name, func(t *testing.T) {
			if got := strings.Join(walk([]byte(tc.in)), ", "); got != tc.want {
				t.Errorf("%q is seen as\n%s\nwant\n%s", tc.in, got, tc.want)
			}
		})
	}
}

// FuzzStream compares the requests that we see on a connection with those that
// net/http sees: ours have to be the same, until we refuse.
func FuzzStream(f *testing.F) {
	for _, tc := range smuggling {
		f.Add([]byte(tc.in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if excess(in) {
			return
		}
		theirs := oracleWalk(in)
		for i, ours := range walk(in) {
			if !strings.HasSuffix(ours, `"`) {
				break // refused, incomplete or closed
			}
			if i >= len(theirs) || theirs[i] != ours {
				t.Fatalf("%q: we see %q, but net/http %q", in, walk(in), theirs)
			}
		}
	})
}

func oracleWalk(in []byte) []string {
	var seen []string
	r := bufio.NewReader(bytes.NewReader(in))
	for {
		if b, _ := r.Peek(2); string(b) == crlf {
			r.Discard(2)
		}
		req, err := http.ReadRequest(r)
		if err != nil {
			return append(seen, err.Error())
		}
		data, err := io.ReadAll(req.Body)
		if err != nil {
			return append(seen, err.Error())
		}
		seen = append(seen, fmt.Sprintf("%s %s %q", req.Method, req.RequestURI, data))
	}
}
