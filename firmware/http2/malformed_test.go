// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"strings"
	"testing"
)

// malformed is what becomes of a request that is not well-formed.
func malformed(r Reason) string {
	return "refused 0 " + r.String() + "; > RST 1 " + r.Code().String()
}

func refused(r Reason, status string) string { return "refused " + status + " " + r.String() }

// The rows are sections of RFC 9113. A field list is that of a GET that ends
// with its head, unless it has its own pseudo-fields.
var requestRows = []struct {
	name   string
	fields string // separated by "|"
	want   string
}{
	{"8.2.1 upper case", "Foo=a", malformed(BadFieldName)},
	{"8.2.1 upper case inside", "fOo=a", malformed(BadFieldName)},
	{"8.2.1 space in a name", "a b=c", malformed(BadFieldName)},
	{"8.2.1 colon in a name", "a:b=c", malformed(BadFieldName)},
	{"8.2.1 CR in a name", "a\rb=c", malformed(BadFieldName)},
	{"8.2.1 LF in a name", "a\nb=c", malformed(BadFieldName)},
	{"8.2.1 NUL in a name", "a\x00b=c", malformed(BadFieldName)},
	{"8.2.1 high byte in a name", "a\x80=c", malformed(BadFieldName)},
	{"8.2.1 CR in a value", "a=b\rc", malformed(BadFieldValue)},
	{"8.2.1 LF in a value", "a=b\nc", malformed(BadFieldValue)},
	{"8.2.1 smuggled field", "a=b\r\ntransfer-encoding: chunked", malformed(BadFieldValue)},
	{"8.2.1 smuggled request", "a=b\r\n\r\nGET /x HTTP/1.1", malformed(BadFieldValue)},
	{"8.2.1 NUL in a value", "a=b\x00c", malformed(BadFieldValue)},
	{"8.2.1 DEL in a value", "a=b\x7fc", malformed(BadFieldValue)},
	{"8.2.1 space before a value", "a= b", malformed(BadFieldValue)},
	{"8.2.1 space behind a value", "a=b ", malformed(BadFieldValue)},
	{"8.2.1 tab before a value", "a=\tb", malformed(BadFieldValue)},
	{"8.2.1 tab inside", "a=b\tc", "request 1 GET a / a=b\tc end"},
	{"8.2.1 empty value", "a=", "request 1 GET a / a= end"},
	{"8.2.1 high bytes in a value", "a=\xff\x80", "request 1 GET a / a=\xff\x80 end"},

	{"8.2.2 Connection", "connection=close", malformed(ConnectionField)},
	{"8.2.2 Keep-Alive", "keep-alive=timeout=5", malformed(ConnectionField)},
	{"8.2.2 Proxy-Connection", "proxy-connection=close", malformed(ConnectionField)},
	{"8.2.2 Transfer-Encoding", "transfer-encoding=chunked", malformed(ConnectionField)},
	{"8.2.2 Transfer-Encoding of nothing", "transfer-encoding=", malformed(ConnectionField)},
	{"8.2.2 Upgrade", "upgrade=h2c", malformed(ConnectionField)},
	{"8.2.2 TE gzip", "te=gzip", malformed(BadTE)},
	{"8.2.2 TE trailers and gzip", "te=trailers, gzip", malformed(BadTE)},
	{"8.2.2 TE trailers", "te=trailers", "request 1 GET a / end"},

	{"8.2.3 cookies", "cookie=a=1|cookie=b=2", "request 1 GET a / end"},
	{"8.2.3 one cookie", "cookie=a=1", "request 1 GET a / cookie=a=1 end"},

	{"8.3 unknown", ":foo=bar", malformed(BadPseudo)},
	{"8.3 of an answer", ":status=200", malformed(BadPseudo)},
	{"8.3 behind a field", ":method=GET|:scheme=https|:path=/|a=b|:authority=a", malformed(BadPseudo)},
	{"8.3 twice", ":method=GET|:method=GET|:scheme=https|:path=/|:authority=a", malformed(BadPseudo)},
	{"8.3 path twice", ":method=GET|:path=/|:scheme=https|:path=/x|:authority=a", malformed(BadPseudo)},
	{"8.3 no method", ":scheme=https|:path=/|:authority=a", malformed(BadPseudo)},
	{"8.3 no scheme", ":method=GET|:path=/|:authority=a", malformed(BadPseudo)},
	{"8.3 no path", ":method=GET|:scheme=https|:authority=a", malformed(BadPseudo)},
	{"8.3 in upper case", ":Method=GET", malformed(BadPseudo)},
	{"8.3 only a colon", ":=GET", malformed(BadPseudo)},

	{"8.3.1 empty method", ":method=|:scheme=https|:path=/|:authority=a", malformed(BadMethod)},
	{"8.3.1 method with space", ":method=GET /x|:scheme=https|:path=/|:authority=a", malformed(BadMethod)},
	{"8.3.1 smuggled method", ":method=GET / HTTP/1.1\r\nx: y|:scheme=https|:path=/|:authority=a", malformed(BadFieldValue)},
	{"8.3.1 other method", ":method=Get|:scheme=https|:path=/|:authority=a", "request 1 Get a / end"},
	{"8.3.1 empty path", ":method=GET|:scheme=https|:path=|:authority=a", malformed(BadTarget)},
	{"8.3.1 path without slash", ":method=GET|:scheme=https|:path=x|:authority=a", malformed(BadTarget)},
	{"8.3.1 absolute path", ":method=GET|:scheme=https|:path=http://b/|:authority=a", malformed(BadTarget)},
	{"8.3.1 space in the path", ":method=GET|:scheme=https|:path=/a b|:authority=a", malformed(BadTarget)},
	{"8.3.1 smuggled version", ":method=GET|:scheme=https|:path=/ HTTP/1.1|:authority=a", malformed(BadTarget)},
	{"8.3.1 fragment", ":method=GET|:scheme=https|:path=/a#b|:authority=a", malformed(BadTarget)},
	{"8.3.1 backslash", ":method=GET|:scheme=https|:path=/a\\b|:authority=a", malformed(BadTarget)},
	{"8.3.1 high byte in the path", ":method=GET|:scheme=https|:path=/\xe9|:authority=a", malformed(BadTarget)},
	{"8.3.1 tab in the path", ":method=GET|:scheme=https|:path=/a\tb|:authority=a", malformed(BadTarget)},
	{"8.3.1 NUL in the path", ":method=GET|:scheme=https|:path=/a\x00b|:authority=a", malformed(BadFieldValue)},
	{"8.3.1 bad escape", ":method=GET|:scheme=https|:path=/%0x|:authority=a", refused(BadEscape, "400")},
	{"8.3.1 query with escapes", ":method=GET|:scheme=https|:path=/?%0x|:authority=a", "request 1 GET a /?%0x end"},
	{"8.3.1 asterisk", ":method=GET|:scheme=https|:path=*|:authority=a", malformed(BadTarget)},
	{"8.3.1 OPTIONS asterisk", ":method=OPTIONS|:scheme=https|:path=*|:authority=a", "request 1 OPTIONS a * end"},
	{"8.3.1 other scheme", ":method=GET|:scheme=ftp|:path=/|:authority=a", refused(BadScheme, "400")},
	{"8.3.1 smuggled scheme", ":method=GET|:scheme=http://b/ |:path=/|:authority=a", malformed(BadFieldValue)},
	{"8.3.1 no authority", ":method=GET|:scheme=https|:path=/", malformed(NoHost)},
	{"8.3.1 only Host", ":method=GET|:scheme=https|:path=/|host=b", "request 1 GET b / end"},
	{"8.3.1 empty authority", ":method=GET|:scheme=https|:path=/|:authority=", malformed(BadHost)},
	{"8.3.1 empty Host", ":method=GET|:scheme=https|:path=/|host=", malformed(BadHost)},
	{"8.3.1 equal Host", "host=a", "request 1 GET a / end"},
	{"8.3.1 Host in another case", "host=A", "request 1 GET a / end"},
	{"8.3.1 other Host", "host=b", malformed(HostDiffers)},
	{"8.3.1 Host with another port", "host=a:8443", malformed(HostDiffers)},
	{"8.3.1 two Hosts", "host=a|host=a", malformed(SeveralHosts)},
	{"8.3.1 user", ":method=GET|:scheme=https|:path=/|:authority=u@a", malformed(Userinfo)},
	{"8.3.1 path in the authority", ":method=GET|:scheme=https|:path=/|:authority=a/b", malformed(BadHost)},

	{"8.1.1 length without body", "content-length=5", malformed(BodyLength)},
	{"8.1.1 length 0", "content-length=0", "request 1 GET a / 0 bytes end"},
	{"8.1.1 two lengths", "content-length=0|content-length=0", malformed(SeveralCL)},
	{"8.1.1 list of lengths", "content-length=0, 0", malformed(BadCL)},
	{"8.1.1 signed length", "content-length=+0", malformed(BadCL)},
	{"8.1.1 2^63", "content-length=9223372036854775808", malformed(BadCL)},

	{"8.5 CONNECT", ":method=CONNECT|:authority=a:443", "request 1 CONNECT a:443 a:443 end"},
	{"8.5 CONNECT without port", ":method=CONNECT|:authority=a", malformed(BadHost)},
	{"8.5 CONNECT with path", ":method=CONNECT|:scheme=https|:path=/|:authority=a:443", malformed(BadPseudo)},
	{"8441 not offered", ":method=CONNECT|:protocol=websocket|:scheme=https|:path=/|:authority=a", malformed(BadProtocol)},

	{"9110 10.1.1 Expect", "expect=100-continue", "request 1 GET a / expect=100-continue end"},
	{"9110 10.1.1 other Expect", "expect=wonders", refused(BadExpect, "417")},
	{"9110 7.6.1 proxy fields", "proxy-authorization=x|http2-settings=AAM", "request 1 GET a / end"},
	{"underscore", "a_b=c", "request 1 GET a / end"},
	{"fields over the limit", strings.Repeat("a=b|", 101) + "a=b", refused(TooManyFields, "431")},
	{"crumbs are one field", strings.Repeat("cookie=b|", 150) + "cookie=c", "request 1 GET a / end"},
	{"field over the limit", "a=" + strings.Repeat("x", 16<<10), refused(FieldTooLong, "431")},
	{"head over the limit", strings.Repeat("a="+strings.Repeat("x", 9000)+"|", 3) + "a=" + strings.Repeat("x", 9000), refused(HeadTooLarge, "431")},
	{"path over the limit", ":method=GET|:scheme=https|:path=/" + strings.Repeat("x", 8<<10) + "|:authority=a", refused(TargetTooLong, "414")},
}

func rowFields(list string) []string {
	fields := strings.Split(list, "|")
	if strings.HasPrefix(list, ":") && !strings.HasPrefix(list, ":foo") && len(fields) > 1 {
		return fields
	}
	return with(getFields, fields...)
}

func TestRequestRows(t *testing.T) {
	for _, row := range requestRows {
		for _, chunk := range []int{0, 1} {
			l := newLab(t, false, Config{})
			l.chunk = chunk
			if got := l.do(get1(rowFields(row.fields))); got != row.want {
				t.Errorf("%s (chunk %d): got %q, want %q", row.name, chunk, got, row.want)
			}
			// Whatever the request was, the connection and its tables are sound.
			want := "request 3 GET a / x=y end"
			if got := l.do(get(3, "x=y")); !strings.HasSuffix(got, want) {
				t.Errorf("%s: the next request is %q, want %q", row.name, got, want)
			}
		}
	}
}

// get1 sends a head, in as many frames as it needs.
func get1(fields []string) step {
	return func(l *lab) {
		block := l.block(fields)
		typ, flags := typeHeaders, uint8(flagEndStream)
		for len(block) > minFrame {
			raw(typ, flags, 1, string(block[:minFrame]))(l)
			block, typ, flags = block[minFrame:], typeContinuation, 0
		}
		raw(typ, flags|flagEndHeaders, 1, string(block))(l)
	}
}

func TestRequestOptions(t *testing.T) {
	websocket := ":method=CONNECT|:protocol=websocket|:scheme=https|:path=/chat|:authority=a"
	rows := []struct {
		name   string
		cfg    Config
		fields string
		want   string
	}{
		{"keep underscores", Config{Underscore: Keep}, "a_b=c", "request 1 GET a / a_b=c end"},
		{"reject underscores", Config{Underscore: Reject}, "a_b=c", refused(UnderscoreName, "400")},
		{"high bytes", Config{Extended: true}, ":method=GET|:scheme=https|:path=/\xe9|:authority=a", "request 1 GET a /\xe9 end"},
		{"encoded slash", Config{RejectEncodedSlash: true}, ":method=GET|:scheme=https|:path=/a%2Fb|:authority=a", refused(EncodedSlash, "400")},
		{"encoded backslash", Config{RejectEncodedSlash: true}, ":method=GET|:scheme=https|:path=/a%5cb|:authority=a", refused(EncodedSlash, "400")},
		{"websocket", Config{ExtendedConnect: true}, websocket, "request 1 CONNECT a /chat end"},
		{"protocol without CONNECT", Config{ExtendedConnect: true}, ":method=GET|:protocol=websocket|:scheme=https|:path=/|:authority=a", malformed(BadProtocol)},
		{"protocol without path", Config{ExtendedConnect: true}, ":method=CONNECT|:protocol=websocket|:scheme=https|:authority=a", malformed(BadPseudo)},
		{"fields", Config{MaxFields: 1}, "a=b|c=d", refused(TooManyFields, "431")},
		{"field", Config{MaxField: 20}, "a=123456789012345678", refused(FieldTooLong, "431")},
		{"target", Config{MaxTarget: 3}, ":method=GET|:scheme=https|:path=/abc|:authority=a", refused(TargetTooLong, "414")},
	}
	for _, row := range rows {
		l := newLab(t, false, row.cfg)
		if got := l.do(get1(rowFields(row.fields))); got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
	l := newLab(t, false, Config{RejectGetBody: true})
	if got, want := l.do(head(1, false, getFields...)), "refused 400 get_body"; got != want {
		t.Errorf("GET with a body: got %q, want %q", got, want)
	}
}

func TestAnswerRows(t *testing.T) {
	bad := func(r Reason) string {
		return "reset 1 " + r.Code().String() + " by us " + r.String() + "; > RST 1 " + r.Code().String()
	}
	rows := []struct {
		name   string
		method string
		steps  []step
		want   string
	}{
		{"plain", "GET", []step{head(1, false, ":status=200", "a=b"), data(1, true, "hi")},
			"response 1 200 stream a=b; data 1 hi end"},
		{"length", "GET", []step{head(1, false, ":status=200", "content-length=2"), data(1, true, "hi")},
			"response 1 200 2 bytes; data 1 hi end"},
		{"no content", "GET", []step{head(1, true, ":status=200")}, "response 1 200 0 bytes end"},
		{"interim", "GET", []step{head(1, false, ":status=103", "link=x"), head(1, true, ":status=204")},
			"interim 1 103 link=x; response 1 204 end"},
		{"trailers", "GET", []step{head(1, false, ":status=200"), data(1, false, "hi"), head(1, true, "grpc-status=0", "content-type=x")},
			"response 1 200 stream; data 1 hi; trailers 1 grpc-status=0 end"},
		{"HEAD", "HEAD", []step{head(1, true, ":status=200", "content-length=5")},
			"response 1 200 content-length=5 end"},
		{"304", "GET", []step{head(1, true, ":status=304", "content-length=5")},
			"response 1 304 content-length=5 end"},
		{"204 with a length", "GET", []step{head(1, true, ":status=204", "content-length=5")}, "response 1 204 end"},
		{"equal lengths", "GET", []step{head(1, false, ":status=200", "content-length=2", "content-length=2")},
			"response 1 200 2 bytes"},

		{"8.1 no answer", "GET", []step{data(1, true, "hi")}, bad(NoAnswer)},
		{"8.1 interim end", "GET", []step{head(1, true, ":status=103")}, bad(NoAnswer)},
		{"8.1 data behind interim", "GET", []step{head(1, false, ":status=103"), data(1, true, "hi")},
			"interim 1 103; " + bad(NoAnswer)},
		{"8.1 second head", "GET", []step{head(1, false, ":status=200"), head(1, false, "a=b")},
			"response 1 200 stream; " + bad(BadTrailers)},
		{"8.1 pseudo-field in trailers", "GET", []step{head(1, false, ":status=200"), head(1, true, ":status=200")},
			"response 1 200 stream; " + bad(BadPseudo)},
		{"8.1.1 too much", "GET", []step{head(1, false, ":status=200", "content-length=1"), data(1, true, "hi")},
			"response 1 200 1 bytes; " + bad(BodyLength)},
		{"8.1.1 too much later", "GET", []step{head(1, false, ":status=200", "content-length=1"), data(1, false, "h"), data(1, true, "i")},
			"response 1 200 1 bytes; data 1 h; " + bad(BodyLength)},
		{"8.1.1 too little", "GET", []step{head(1, false, ":status=200", "content-length=3"), data(1, true, "hi")},
			"response 1 200 3 bytes; " + bad(BodyLength)},
		{"8.1.1 too little before trailers", "GET", []step{head(1, false, ":status=200", "content-length=3"), data(1, false, "hi"), head(1, true, "a=b")},
			"response 1 200 3 bytes; data 1 hi; " + bad(BodyLength)},
		{"8.1.1 nothing", "GET", []step{head(1, true, ":status=200", "content-length=3")}, bad(BodyLength)},
		{"8.1.1 different lengths", "GET", []step{head(1, true, ":status=200", "content-length=0", "content-length=1")}, bad(SeveralCL)},
		{"8.1.1 body to HEAD", "HEAD", []step{head(1, false, ":status=200"), data(1, true, "hi")},
			"response 1 200; " + bad(BodyLength)},
		{"8.1.1 body of 204", "GET", []step{head(1, false, ":status=204"), data(1, true, "hi")},
			"response 1 204; " + bad(BodyLength)},
		{"8.2.2 Connection", "GET", []step{head(1, true, ":status=200", "connection=close")}, bad(ConnectionField)},
		{"8.2.2 Transfer-Encoding", "GET", []step{head(1, true, ":status=200", "transfer-encoding=chunked")}, bad(ConnectionField)},
		{"8.2.2 TE", "GET", []step{head(1, true, ":status=200", "te=trailers")}, bad(BadTE)},
		{"8.3.2 no status", "GET", []step{head(1, true, "a=b")}, bad(BadPseudo)},
		{"8.3.2 two statuses", "GET", []step{head(1, true, ":status=200", ":status=200")}, bad(BadPseudo)},
		{"8.3.2 of a request", "GET", []step{head(1, true, ":status=200", ":path=/")}, bad(BadPseudo)},
		{"8.3.2 four digits", "GET", []step{head(1, true, ":status=2000")}, bad(BadStatus)},
		{"8.3.2 letters", "GET", []step{head(1, true, ":status=2xx")}, bad(BadStatus)},
		{"8.3.2 600", "GET", []step{head(1, true, ":status=600")}, bad(BadStatus)},
		{"8.6 101", "GET", []step{head(1, false, ":status=101")}, bad(BadStatus)},
		{"limit", "GET", []step{head(1, true, ":status=200", "a="+strings.Repeat("x", 16<<10))}, bad(FieldTooLong)},
	}
	for _, row := range rows {
		l := newLab(t, true, Config{})
		if got := l.do(append([]step{ask(row.method)}, row.steps...)...); got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}
