// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"fmt"
	"testing"

	"evener/firmware/message"
)

// The rows are those of the table of HTTP/1 answers in the manual; want is the
// verdict, or for a sound answer "body keep; fields that are forwarded".
var responseRows = []struct {
	row  string
	req  ReqInfo
	in   string
	want string
}{
	{row: "1 CL and TE", in: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", want: "502 cl_and_te"},
	{row: "1 CL and TE, no body", req: ReqInfo{Method: message.HEAD}, in: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", want: "502 cl_and_te"},
	{row: "1 different CL", in: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", want: "502 several_cl"},
	{row: "1 different CL in a list", in: "HTTP/1.1 200 OK\r\nContent-Length: 5, 6, 5\r\n\r\n", want: "502 several_cl"},
	{row: "1 equal CL", in: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5, 5\r\n\r\n", want: "5 true; "},
	{row: "1 bad CL", in: "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", want: "502 bad_cl"},
	{row: "1 bad CL and a good one", in: "HTTP/1.1 200 OK\r\nContent-Length: x\r\nContent-Length: 5\r\n\r\n", want: "502 bad_cl"},
	{row: "1 bad TE", in: "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n", want: "502 bad_te"},
	{row: "1 unknown TE", in: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", want: "502 unknown_te"},
	{row: "1 TE in 1.0", in: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", want: "502 te_in_http10"},
	{row: "1 no version", in: "200 OK\r\n\r\n", want: "502 bad_status_line"},
	{row: "1 other protocol", in: "ICY 200 OK\r\n\r\n", want: "502 bad_status_line"},
	{row: "1 empty line before", in: "\r\nHTTP/1.1 200 OK\r\n\r\n", want: "502 bad_status_line"},
	{row: "1 two spaces", in: "HTTP/1.1  200 OK\r\n\r\n", want: "502 bad_status_line"},
	{row: "1 two digits", in: "HTTP/1.1 20 OK\r\n\r\n", want: "502 bad_status_line"},
	{row: "1 four digits", in: "HTTP/1.1 2000 OK\r\n\r\n", want: "502 bad_status_line"},
	{row: "1 version", in: "HTTP/2.0 200 OK\r\n\r\n", want: "502 unsupported_version"},
	{row: "1 minor", in: "HTTP/1.2 200 OK\r\n\r\n", want: "502 unsupported_version"},
	{row: "1 bare LF in the status line", in: "HTTP/1.1 200 OK\n\r\n", want: "502 bare_lf"},
	{row: "1 bare LF at once", in: "HTTP/1.1 200\nA: b\r\n", want: "502 bare_lf"},
	{row: "1 bare CR in the status line", in: "HTTP/1.1 200 OK\rX: y\r\n\r\n", want: "502 bare_cr"},
	{row: "1 control in a value", in: "HTTP/1.1 200 OK\r\nA: \x00\r\n\r\n", want: "502 bad_field_value"},
	{row: "1 control in a name", in: "HTTP/1.1 200 OK\r\nA\x01: b\r\n\r\n", want: "502 bad_field_name"},
	{row: "1 space before the colon", in: "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", want: "502 space_before_colon"},
	{row: "1 obs-fold", in: "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", want: "502 obs_fold"},
	{row: "1 reason may be missing", in: "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", want: "0 true; "},
	{row: "1 empty reason", in: "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", want: "0 true; "},
	{row: "1 underscores pass", in: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA_B: 1\r\n\r\n", want: "0 true; A_B: 1"},

	{row: "2 100", in: "HTTP/1.1 100 Continue\r\n\r\n", want: "none true; "},
	{row: "2 103", in: "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n", want: "none true; Link: <a>"},
	{row: "2 101 unasked", in: "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", want: "502 unasked_upgrade"},
	{row: "2 101", req: ReqInfo{Upgrade: true}, in: "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nX: y\r\n\r\n", want: "none true; X: y"},
	{row: "2 101 without Upgrade", req: ReqInfo{Upgrade: true}, in: "HTTP/1.1 101 Switching Protocols\r\n\r\n", want: "502 bad_upgrade"},
	{row: "2 101 to h2c", req: ReqInfo{Upgrade: true}, in: "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", want: "502 bad_upgrade"},

	{row: "3 HEAD", req: ReqInfo{Method: message.HEAD}, in: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", want: "none true; Content-Length: 5"},
	{row: "3 HEAD, equal CL", req: ReqInfo{Method: message.HEAD}, in: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", want: "none true; Content-Length: 5"},
	{row: "3 HEAD, list", req: ReqInfo{Method: message.HEAD}, in: "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", want: "none true; "},
	{row: "3 HEAD, chunked", req: ReqInfo{Method: message.HEAD}, in: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", want: "none true; "},
	{row: "3 HEAD, nothing", req: ReqInfo{Method: message.HEAD}, in: "HTTP/1.1 200 OK\r\n\r\n", want: "none true; "},
	{row: "3 304", in: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\n", want: "none true; Content-Length: 5|ETag: x"},
	{row: "3 204", in: "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nA: b\r\n\r\n", want: "none true; A: b"},
	{row: "3 204 chunked", in: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", want: "none true; "},
	{row: "3 204 to HEAD", req: ReqInfo{Method: message.HEAD}, in: "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", want: "none true; "},
	{row: "3 100 with length", in: "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n", want: "none true; "},

	{row: "6 close-delimited", in: "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", want: "close false; A: b"},
	{row: "6 in spite of keep-alive", in: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", want: "close false; "},
	{row: "6 length", in: "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", want: "12 true; "},
	{row: "6 chunked", in: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", want: "chunked true; "},
	{row: "6 named fields", in: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: x, Server\r\nX: 1\r\nServer: y\r\nZ: 1\r\n\r\n", want: "chunked true; Z: 1"},
	{row: "6 malformed Connection", in: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive;\r\n\r\n", want: "1 false; "},

	{row: "8 99", in: "HTTP/1.1 099 OK\r\n\r\n", want: "502 bad_status"},
	{row: "8 600", in: "HTTP/1.1 600 OK\r\n\r\n", want: "502 bad_status"},
	{row: "8 599", in: "HTTP/1.1 599 OK\r\nContent-Length: 0\r\n\r\n", want: "0 true; "},
	{row: "8 control in the reason", in: "HTTP/1.1 200 O\x08K\r\n\r\n", want: "502 bad_status_line"},
	{row: "8 NUL in the reason", in: "HTTP/1.1 200 \x00\r\n\r\n", want: "502 bad_status_line"},
	{row: "8 high byte and tab in the reason", in: "HTTP/1.1 200 \xe9\tx\r\nContent-Length: 0\r\n\r\n", want: "0 true; "},
}

func TestResponseRows(t *testing.T) {
	for _, tc := range responseRows {
		t.Run(tc.row, func(t *testing.T) {
			h, got := answer(tc.in, tc.req)
			if got == "ok" {
				got = fmt.Sprintf("%s %v; %s", body(h), h.KeepAlive, forwarded(h))
			}
			if got != tc.want {
				t.Errorf("ParseResponse(%q) = %q, want %q", tc.in, got, tc.want)
			}
		})
	}
}

func TestStatusLine(t *testing.T) {
	h, got := answer("HTTP/1.0 404 Not  here \r\n\r\n", ReqInfo{})
	if got != "ok" || h.Status != 404 || h.Minor != 0 || string(h.Bytes(h.Reason)) != "Not  here " {
		t.Errorf("%s: %d %d %q", got, h.Status, h.Minor, h.Bytes(h.Reason))
	}
}

func TestLimitsHoldForAnswers(t *testing.T) {
	var h message.Head
	_, err := ParseResponse(&h, []byte("HTTP/1.1 200 OK\r\nA: b\r\n\r\n"), &Options{MaxHead: 20}, ReqInfo{})
	if got := verdict(err); got != "502 head_too_large" {
		t.Errorf("= %s, want 502 head_too_large", got)
	}
}
