// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"strings"
	"testing"

	"evener/firmware/message"
)

// The rows are those of the table of HTTP/1 requests in the manual. A request
// row gives what stands between the lines; want is the verdict, or for a sound
// request "body; fields that are forwarded".
const (
	get  = "GET / HTTP/1.1\r\nHost: a\r\n"
	post = "POST / HTTP/1.1\r\nHost: a\r\n"
	end  = "\r\n"
)

var requestRows = []struct {
	row, in, want string
}{
	{"1 CL then TE", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "400 cl_and_te"},
	{"1 TE then CL", post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "400 cl_and_te"},
	{"1 TE and CL: 0", post + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", "400 cl_and_te"},
	{"1 bad TE and CL", post + "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n", "400 cl_and_te"},
	{"1 in 1.0", "POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "400 cl_and_te"},

	{"2 different", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", "400 several_cl"},
	{"2 different in a list", post + "Content-Length: 5, 6\r\n\r\n", "400 several_cl"},
	{"2 different, other case", post + "Content-Length: 5\r\ncONTENT-lENGTH: 0\r\n\r\n", "400 several_cl"},
	{"3 equal", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", "400 several_cl"},
	{"3 equal in a list", post + "Content-Length: 5, 5\r\n\r\n", "400 several_cl"},

	{"4 minus", post + "Content-Length: -5\r\n\r\n", "400 bad_cl"},
	{"4 plus", post + "Content-Length: +5\r\n\r\n", "400 bad_cl"},
	{"4 space inside", post + "Content-Length: 5 6\r\n\r\n", "400 bad_cl"},
	{"4 hex", post + "Content-Length: 0x5\r\n\r\n", "400 bad_cl"},
	{"4 hex digits", post + "Content-Length: a\r\n\r\n", "400 bad_cl"},
	{"4 empty", post + "Content-Length:\r\n\r\n", "400 bad_cl"},
	{"4 empty element", post + "Content-Length: 5,\r\n\r\n", "400 bad_cl"},
	{"4 twenty digits", post + "Content-Length: 00000000000000000005\r\n\r\n", "400 bad_cl"},
	{"4 2^63", post + "Content-Length: 9223372036854775808\r\n\r\n", "400 bad_cl"},
	{"4 2^64+5", post + "Content-Length: 18446744073709551621\r\n\r\n", "400 bad_cl"},
	{"4 underscore", post + "Content-Length: 1_0\r\n\r\n", "400 bad_cl"},
	{"4 2^63-1", post + "Content-Length: 9223372036854775807\r\n\r\n", "9223372036854775807; "},
	{"4 nineteen digits", post + "Content-Length: 0000000000000000005\r\n\r\n", "5; "},
	{"4 white space around", post + "Content-Length: \t5 \t\r\n\r\n", "5; "},

	{"5 last is not chunked", post + "Transfer-Encoding: chunked, gzip\r\n\r\n", "400 bad_te"},
	{"5 only gzip", post + "Transfer-Encoding: gzip\r\n\r\n", "400 bad_te"},
	{"5 twice", post + "Transfer-Encoding: chunked, chunked\r\n\r\n", "400 bad_te"},
	{"5 twice in two fields", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "400 bad_te"},
	{"5 twice, gzip between", post + "Transfer-Encoding: chunked, gzip, chunked\r\n\r\n", "400 bad_te"},
	{"5 parameter", post + "Transfer-Encoding: chunked;a=b\r\n\r\n", "400 bad_te"},
	{"5 empty parameter", post + "Transfer-Encoding: chunked;\r\n\r\n", "400 bad_te"},
	{"5 empty", post + "Transfer-Encoding:\r\n\r\n", "400 bad_te"},
	{"5 empty element", post + "Transfer-Encoding: , chunked\r\n\r\n", "400 bad_te"},
	{"5 empty element behind", post + "Transfer-Encoding: chunked,\r\n\r\n", "400 bad_te"},
	{"5 two fields, last is not chunked", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", "400 bad_te"},
	{"6 gzip first", post + "Transfer-Encoding: gzip, chunked\r\n\r\n", "501 unknown_te"},
	{"6 in two fields", post + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", "501 unknown_te"},
	{"6 with parameter", post + "Transfer-Encoding: x;q=1, chunked\r\n\r\n", "501 unknown_te"},
	{"7 case", post + "Transfer-Encoding: Chunked\r\n\r\n", "chunked; "},
	{"7 case of the name", post + "tRANSFER-eNCODING: CHUNKED\r\n\r\n", "chunked; "},
	{"7 white space behind", post + "Transfer-Encoding: chunked \t\r\n\r\n", "chunked; "},
	{"7 tab before", post + "Transfer-Encoding:\tchunked\r\n\r\n", "chunked; "},
	{"7 no space", post + "Transfer-Encoding:chunked\r\n\r\n", "chunked; "},
	{"8 xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n", "400 bad_te"},
	{"8 vertical tab", post + "Transfer-Encoding: chunked\x0b\r\n\r\n", "400 bad_field_value"},
	{"8 vertical tab before", post + "Transfer-Encoding: \x0bchunked\r\n\r\n", "400 bad_field_value"},
	{"8 quoted", post + "Transfer-Encoding: \"chunked\"\r\n\r\n", "400 bad_te"},
	{"8 weight", post + "Transfer-Encoding: chunked;q=1\r\n\r\n", "400 bad_te"},
	{"8 identity", post + "Transfer-Encoding: identity\r\n\r\n", "400 bad_te"},
	{"8 identity first", post + "Transfer-Encoding: identity, chunked\r\n\r\n", "400 bad_te"},
	{"8 high byte", post + "Transfer-Encoding: \xa0chunked\r\n\r\n", "400 bad_te"},
	{"8 two words", post + "Transfer-Encoding: chunked foo\r\n\r\n", "400 bad_te"},
	{"9 TE in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400 te_in_http10"},

	{"10 space", post + "Content-Length : 5\r\n\r\n", "400 space_before_colon"},
	{"10 tab", post + "Transfer-Encoding\t: chunked\r\n\r\n", "400 space_before_colon"},
	{"11 space", get + "A: b\r\n c\r\n\r\n", "400 obs_fold"},
	{"11 tab", get + "A: b\r\n\tc\r\n\r\n", "400 obs_fold"},
	{"11 only white space", get + "A: b\r\n \r\n\r\n", "400 obs_fold"},
	{"11 hidden TE", post + "A: b\r\n Transfer-Encoding: chunked\r\n\r\n", "400 obs_fold"},
	{"12 space", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400 space_before_fields"},
	{"12 tab", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", "400 space_before_fields"},
	{"12 empty", "GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n", "400 space_before_fields"},

	{"13 empty name", get + ": b\r\n\r\n", "400 bad_field_name"},
	{"13 no colon", get + "Foo\r\n\r\n", "400 bad_field_name"},
	{"13 high byte", get + "F\xe9: b\r\n\r\n", "400 bad_field_name"},
	{"13 parenthesis", get + "F(o): b\r\n\r\n", "400 bad_field_name"},
	{"13 slash", get + "a/b: b\r\n\r\n", "400 bad_field_name"},
	{"13 NUL in a name", get + "a\x00: b\r\n\r\n", "400 bad_field_name"},
	{"13 NUL in a value", get + "a: b\x00c\r\n\r\n", "400 bad_field_value"},
	{"13 control in a value", get + "a: b\x01c\r\n\r\n", "400 bad_field_value"},
	{"13 escape in a value", get + "a: 12345678\x1b\r\n\r\n", "400 bad_field_value"},
	{"13 DEL in a value", get + "a: b\x7fc\r\n\r\n", "400 bad_field_value"},
	{"13 tab in a value", get + "a: b\tc\r\n\r\n", "none; a: b\tc"},
	{"13 empty value", get + "a:\r\nb: \t \r\n\r\n", "none; a: |b: "},

	{"14 request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", "400 bare_lf"},
	{"14 field line", "GET / HTTP/1.1\r\nHost: a\n\r\n", "400 bare_lf"},
	{"14 end of head", get + "\n", "400 bare_lf"},
	{"14 smuggled field", get + "X: y\nTransfer-Encoding: chunked\r\n\r\n", "400 bare_lf"},
	{"14 in a name", get + "X\nY: z\r\n\r\n", "400 bare_lf"},
	{"14 before the request", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400 bare_lf"},
	{"14 after the target", "GET /\nHost: a\r\n\r\n", "400 bare_lf"},
	{"15 in a value", get + "X: y\rTransfer-Encoding: chunked\r\n\r\n", "400 bare_cr"},
	{"15 at the end of a line", get + "X: y\r\r\n\r\n", "400 bare_cr"},
	{"15 in the version", "GET / HTTP/1.1\rHost: a\r\n\r\n", "400 bare_cr"},
	{"15 at the end of the head", get + "\rX", "400 bare_cr"},
	{"15 before the request", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400 bare_cr"},
	{"15 in a name", get + "X\rY: z\r\n\r\n", "400 bad_field_name"},
	{"15 in the target", "GET /\rb HTTP/1.1\r\nHost: a\r\n\r\n", "400 http_09"},
	{"16 one empty line", "\r\n" + get + end, "none; "},
	{"16 two empty lines", "\r\n\r\n" + get + end, "400 bad_request_line"},

	{"17 two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_request_line"},
	{"17 two spaces before version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_request_line"},
	{"17 space behind", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "400 bad_request_line"},
	{"17 space before", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_request_line"},
	{"17 tab", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_request_line"},
	{"17 tab before version", "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_request_line"},
	{"17 four words", "GET / foo HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_version"},
	{"17 version twice", "GET / HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_request_line"},
	{"17 method alone", "GET\r\nHost: a\r\n\r\n", "400 bad_request_line"},
	{"18 lower case", "get / HTTP/1.1\r\nHost: a\r\n\r\n", "none; "},
	{"18 unknown token", "M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n", "none; "},
	{"18 not a token", "G{T / HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_method"},
	{"18 high byte", "G\xc9T / HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_method"},
	{"18 TLS", "\x16\x03\x01\x02\x00\x01", "400 bad_method"},

	{"19 1.0", "GET / HTTP/1.0\r\n\r\n", "none; "},
	{"19 1.01", "GET / HTTP/1.01\r\nHost: a\r\n\r\n", "400 bad_version"},
	{"19 2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505 unsupported_version"},
	{"19 preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 unsupported_version"},
	{"19 1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", "505 unsupported_version"},
	{"19 0.9 spelled out", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", "505 unsupported_version"},
	{"19 missing", "GET /\r\n\r\n", "400 http_09"},
	{"19 lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", "400 bad_version"},
	{"19 no minor", "GET / HTTP/1\r\nHost: a\r\n\r\n", "400 bad_version"},
	{"19 other protocol", "GET / RTSP/1.0\r\nHost: a\r\n\r\n", "400 bad_version"},
	{"19 letters", "GET / HTTP/1.x\r\nHost: a\r\n\r\n", "400 bad_version"},

	{"20 none", "GET / HTTP/1.1\r\nA: b\r\n\r\n", "400 no_host"},
	{"20 none in 1.0", "GET / HTTP/1.0\r\nA: b\r\n\r\n", "none; A: b"},
	{"20 several", get + "Host: b\r\n\r\n", "400 several_hosts"},
	{"20 several, equal", get + "host: a\r\n\r\n", "400 several_hosts"},
	{"20 several in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "400 several_hosts"},
	{"20 space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400 bad_host"},
	{"20 slash", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400 bad_host"},
	{"20 list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "400 bad_host"},
	{"20 high byte", "GET / HTTP/1.1\r\nHost: \xe9.fr\r\n\r\n", "400 bad_host"},
	{"20 percent", "GET / HTTP/1.1\r\nHost: %61\r\n\r\n", "400 bad_host"},
	{"20 only a port", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", "400 bad_host"},
	{"20 bad port", "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", "400 bad_host"},
	{"20 large port", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", "400 bad_host"},
	{"20 two ports", "GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n", "400 bad_host"},
	{"20 bare IPv6", "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", "400 bad_host"},
	{"20 open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400 bad_host"},
	{"20 name in brackets", "GET / HTTP/1.1\r\nHost: [a.b]\r\n\r\n", "400 bad_host"},
	{"20 text behind brackets", "GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", "400 bad_host"},
	{"20 zone", "GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n", "400 bad_host"},
	{"20 userinfo", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "400 userinfo"},
	{"20 userinfo with password", "GET / HTTP/1.1\r\nHost: u:p@a\r\n\r\n", "400 userinfo"},
	{"20 empty where the target has none", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "none; "},
	{"20 empty where the target has one", "GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n", "400 bad_host"},
	{"20 name with underscore and port", "GET / HTTP/1.1\r\nHost: a_b.c:8080\r\n\r\n", "none; "},
	{"20 IPv6 and port", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n", "none; "},
	{"21 userinfo", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 userinfo"},
	{"21 no Host", "GET http://a/ HTTP/1.1\r\n\r\n", "400 no_host"},
	{"21 bad Host", "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n", "400 bad_host"},

	{"22 control", "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target"},
	{"22 NUL", "GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target"},
	{"22 DEL", "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target"},
	{"22 fragment", "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target"},
	{"22 high byte", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target"},
	{"22 backslash", "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target"},
	{"22 space", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_version"},
	{"22 no escape", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_escape"},
	{"22 cut escape", "GET /%2 HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_escape"},
	{"22 no escape in a query", "GET /?100% HTTP/1.1\r\nHost: a\r\n\r\n", "none; "},

	{"28 Host", get + "Connection: Host\r\n\r\n", "400 connection_names"},
	{"28 Content-Length", post + "Connection: close, content-length\r\nContent-Length: 0\r\n\r\n", "400 connection_names"},
	{"28 Transfer-Encoding", post + "Connection: Transfer-Encoding\r\n\r\n", "400 connection_names"},
	{"28 Cookie", get + "Connection: cookie\r\n\r\n", "400 connection_names"},
	{"28 Authorization", get + "Connection: Authorization\r\n\r\n", "400 connection_names"},
	{"28 Forwarded", get + "Connection: Forwarded\r\n\r\n", "400 connection_names"},
	{"28 X-Forwarded-For", get + "Connection: keep-alive, X-Forwarded-For\r\n\r\n", "400 connection_names"},
	{"28 X-Forwarded-Anything", get + "Connection: x-forwarded-anything\r\n\r\n", "400 connection_names"},
	{"28 Cache-Control", get + "Connection: Cache-Control\r\n\r\n", "400 connection_names"},
	{"28 in a second field", get + "Connection: a\r\nConnection: Host\r\n\r\n", "400 connection_names"},
	{"28 named fields", get + "A: 1\r\nConnection: x-a , ,B\r\nX-A: 2\r\nb: 3\r\nX-A: 4\r\nC: 5\r\n\r\n", "none; A: 1|C: 5"},
	{"28 known field", get + "Connection: Referer\r\nreferer: x\r\nAccept: y\r\n\r\n", "none; Accept: y"},
	{"28 not a token", get + "Connection: close;x\r\n\r\n", "400 bad_connection"},
	{"28 too many", get + "Connection: " + strings.Repeat("x,", 33) + "\r\n\r\n", "400 bad_connection"},
	{"28 not too many", get + "Connection: " + strings.Repeat("x,", 32) + "\r\n\r\n", "none; "},

	{"32 CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "405 connect"},
	{"32 no port", "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target_form"},
	{"32 empty port", "CONNECT a: HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target_form"},
	{"32 path", "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target_form"},
	{"32 absolute", "CONNECT http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target_form"},
	{"32 userinfo", "CONNECT u@a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "400 userinfo"},
	{"33 TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "none; "},
	{"34 GET with length", get + "Content-Length: 3\r\n\r\n", "3; "},
	{"34 GET chunked", get + "Transfer-Encoding: chunked\r\n\r\n", "chunked; "},
	{"34 POST with nothing", post + end, "none; "},
	{"34 POST with length 0", post + "Content-Length: 0\r\n\r\n", "0; "},

	{"35 100-continue", post + "Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n", "5; Expect: 100-Continue"},
	{"35 other", post + "Expect: 200-ok\r\n\r\n", "417 bad_expect"},
	{"35 list", post + "Expect: 100-continue, x\r\n\r\n", "417 bad_expect"},
	{"35 empty", post + "Expect:\r\n\r\n", "417 bad_expect"},
	{"35 1.0", "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", "5; "},

	{"43 dropped", get + "X_A: 1\r\nX-A: 2\r\nContent_Length: 5\r\n\r\n", "none; X-A: 2"},
	{"44 high bytes", get + "A: \xa0\xff\x80 \r\n\r\n", "none; A: \xa0\xff\x80"},
	{"44 vertical tab is no white space", get + "A: b\x0c\r\n\r\n", "400 bad_field_value"},

	{"45 authority form", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target_form"},
	{"45 name", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target_form"},
	{"45 star", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target_form"},
	{"45 star and more", "OPTIONS *a HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target_form"},
	{"45 scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_scheme"},
	{"45 no authority", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_host"},
	{"45 one slash", "GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target_form"},
	{"45 query alone", "GET ?a HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target_form"},
	{"45 OPTIONS star", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "none; "},
	{"45 case of the scheme", "GET HTTPS://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "none; "},
}

func TestRequestRows(t *testing.T) {
	for _, tc := range requestRows {
		t.Run(tc.row, func(t *testing.T) {
			h, got := request(tc.in, nil)
			if got == "ok" {
				got = body(h) + "; " + forwarded(h)
			}
			if got != tc.want {
				t.Errorf("ParseRequest(%q) = %q, want %q", tc.in, got, tc.want)
			}
		})
	}
}

func TestTargetForms(t *testing.T) { // rows 21, 23 and 45
	tests := []struct {
		line, form, authority, path, query string
		hasQuery                           bool
		sent                               string
	}{
		{"GET /a/b?c=d?e", "origin", "h", "/a/b", "c=d?e", true, "/a/b?c=d?e"},
		{"GET /a?", "origin", "h", "/a", "", true, "/a?"},
		{"GET //b/../%2e%2e//c%2f%00", "origin", "h", "//b/../%2e%2e//c%2f%00", "", false, "//b/../%2e%2e//c%2f%00"},
		{"GET http://other:81/a?b", "absolute", "other:81", "/a", "b", true, "/a?b"},
		{"GET http://other", "absolute", "other", "", "", false, "/"},
		{"GET https://[::1]:8443?x", "absolute", "[::1]:8443", "", "x", true, "/?x"},
		{"OPTIONS http://other", "absolute", "other", "", "", false, "*"},
		{"OPTIONS http://other/", "absolute", "other", "/", "", false, "/"},
		{"OPTIONS *", "asterisk", "h", "*", "", false, "*"},
	}
	forms := map[message.Form]string{message.Origin: "origin", message.Absolute: "absolute", message.Asterisk: "asterisk"}
	for _, tc := range tests {
		h, got := request(tc.line+" HTTP/1.1\r\nHost: h\r\n\r\n", nil)
		if got != "ok" {
			t.Errorf("%s: %s", tc.line, got)
			continue
		}
		if f := forms[h.Form]; f != tc.form {
			t.Errorf("%s: form %s, want %s", tc.line, f, tc.form)
		}
		if a, p, q := string(h.Bytes(h.Authority)), string(h.Bytes(h.Path)), string(h.Bytes(h.Query)); a != tc.authority || p != tc.path || q != tc.query || h.HasQuery != tc.hasQuery {
			t.Errorf("%s: authority %q, path %q, query %q %v, want %q, %q, %q %v",
				tc.line, a, p, q, h.HasQuery, tc.authority, tc.path, tc.query, tc.hasQuery)
		}
		if s := string(AppendTarget(nil, h)); s != tc.sent {
			t.Errorf("%s: AppendTarget gives %q, want %q", tc.line, s, tc.sent)
		}
	}
}

func TestOptionRows(t *testing.T) {
	long := strings.Repeat("x", 100)
	tests := []struct {
		row, in string
		o       Options
		want    string
	}{
		{"22 extended", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", Options{Extended: true}, "ok"},
		{"22 extended, control", "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", Options{Extended: true}, "400 bad_target"},
		{"23 encoded slash", "GET /a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n", Options{RejectEncodedSlash: true}, "400 encoded_slash"},
		{"23 encoded backslash", "GET /a%5cb HTTP/1.1\r\nHost: a\r\n\r\n", Options{RejectEncodedSlash: true}, "400 encoded_slash"},
		{"23 other escape", "GET /a%2eb HTTP/1.1\r\nHost: a\r\n\r\n", Options{RejectEncodedSlash: true}, "ok"},
		{"23 in a query", "GET /?a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n", Options{RejectEncodedSlash: true}, "ok"},
		{"34 GET", get + "Content-Length: 1\r\n\r\n", Options{RejectGetBody: true}, "400 get_body"},
		{"34 GET chunked", get + "Transfer-Encoding: chunked\r\n\r\n", Options{RejectGetBody: true}, "400 get_body"},
		{"34 HEAD", "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", Options{RejectGetBody: true}, "400 get_body"},
		{"34 DELETE", "DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", Options{RejectGetBody: true}, "400 get_body"},
		{"34 length 0", get + "Content-Length: 0\r\n\r\n", Options{RejectGetBody: true}, "ok"},
		{"34 POST", post + "Content-Length: 1\r\n\r\n", Options{RejectGetBody: true}, "ok"},
		{"39 head fits", get + end, Options{MaxHead: len(get + end)}, "ok"},
		{"39 head too large", get + end, Options{MaxHead: len(get+end) - 1}, "431 head_too_large"},
		{"39 head too large, incomplete", get, Options{MaxHead: len(get)}, "431 head_too_large"},
		{"39 fields fit", get + "A: 1\r\n\r\n", Options{MaxFields: 2}, "ok"},
		{"39 too many fields", get + "A: 1\r\nB", Options{MaxFields: 2}, "431 too_many_fields"},
		{"39 field fits", get + "A: " + long + "\r\n\r\n", Options{MaxField: 103}, "ok"},
		{"39 field too long", get + "A: " + long + "\r\n\r\n", Options{MaxField: 102}, "431 field_too_long"},
		{"39 field too long, incomplete", get + "A: " + long, Options{MaxField: 101}, "431 field_too_long"},
		{"39 name too long", get + long + long, Options{MaxField: 100}, "431 field_too_long"},
		{"39 target fits", "GET /" + long + " HTTP/1.1\r\nHost: a\r\n\r\n", Options{MaxTarget: 101}, "ok"},
		{"39 target too long", "GET /" + long + " HTTP/1.1\r\nHost: a\r\n\r\n", Options{MaxTarget: 100}, "414 target_too_long"},
		{"39 target fills the head", "GET /" + long, Options{MaxHead: 50}, "414 target_too_long"},
		{"39 method fills the head", long, Options{MaxHead: 50}, "431 head_too_large"},
		{"39 default head", get + strings.Repeat("A: "+strings.Repeat("x", 1000)+"\r\n", 33) + end, Options{}, "431 head_too_large"},
		{"39 default fields", get + strings.Repeat("A: b\r\n", 99) + end, Options{}, "ok"},
		{"39 one field more", get + strings.Repeat("A: b\r\n", 100) + end, Options{}, "431 too_many_fields"},
		{"39 default field", get + "A: " + strings.Repeat("x", 16<<10-2) + end + end, Options{}, "431 field_too_long"},
		{"39 default target", "GET /" + strings.Repeat("x", 8<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", Options{}, "414 target_too_long"},
		{"43 reject", get + "A_B: 1\r\n\r\n", Options{Underscore: Reject}, "400 underscore_name"},
	}
	for _, tc := range tests {
		t.Run(tc.row, func(t *testing.T) {
			if _, got := request(tc.in, &tc.o); got != tc.want {
				t.Errorf("ParseRequest(%.60q) = %s, want %s", tc.in, got, tc.want)
			}
		})
	}
}

func TestUnderscoresAreKeptWhenAsked(t *testing.T) { // row 43
	h, _ := request(get+"A_B: 1\r\n\r\n", &Options{Underscore: Keep})
	if got := forwarded(h); got != "A_B: 1" {
		t.Errorf("forwarded %q, want A_B", got)
	}
}
