// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"
)

// over is the end of a connection, whose last stream is given.
func over(last string, r Reason) string {
	return "error " + r.String() + "; > GOAWAY " + last + " " + r.Code().String()
}

const got1 = "request 1 GET a / end; "
const posted1 = "request 1 POST a / stream; "

// frameRows are RFC 9113 sections 4 to 6, towards a server.
var frameRows = []struct {
	name  string
	steps []step
	want  string
}{
	{"4.1 unknown type", []step{raw(0x42, 0xff, 0, "abc"), get(1)}, "request 1 GET a / end"},
	{"4.1 unknown type on a stream", []step{raw(0x42, 0, 7, ""), get(1)}, "request 1 GET a / end"},
	{"4.2 too large", []step{raw(typeData, 0, 1, strings.Repeat("x", minFrame+1))}, over("0", FrameTooLarge)},
	{"4.3 bad index", []step{raw(typeHeaders, flagEndHeaders|flagEndStream, 1, "\xff\x7f")}, over("1", BadCompression)},
	{"4.3 index 0", []step{raw(typeHeaders, flagEndHeaders|flagEndStream, 1, "\x80")}, over("1", BadCompression)},
	{"4.3 cut off", []step{raw(typeHeaders, flagEndHeaders|flagEndStream, 1, "\x82\x04\x05/")}, over("1", BadCompression)},
	{"4.3 endless number", []step{raw(typeHeaders, flagEndHeaders|flagEndStream, 1, "\xff\xff\xff\xff\xff\xff\xff\xff")}, over("1", BadCompression)},
	{"4.3 table size in the middle", []step{raw(typeHeaders, flagEndHeaders|flagEndStream, 1, "\x82\x20")}, over("1", BadCompression)},
	{"4.3 table size too large", []step{raw(typeHeaders, flagEndHeaders|flagEndStream, 1, "\x3f\xe2\x1f")}, over("1", BadCompression)},
	{"4.3 three table sizes", []step{raw(typeHeaders, flagEndHeaders|flagEndStream, 1, "\x20\x20\x20\x82")}, over("1", BadCompression)},
	{"4.3 bad Huffman code", []step{raw(typeHeaders, flagEndHeaders|flagEndStream, 1, "\x82\x04\x81\x00")}, over("1", BadCompression)},

	{"5.1 DATA on idle", []step{data(1, true, "x")}, over("0", IdleStream)},
	{"5.1 RST_STREAM on idle", []step{rst(1, Cancel)}, over("0", IdleStream)},
	{"5.1 WINDOW_UPDATE on idle", []step{window(1, 1)}, over("0", IdleStream)},
	{"5.1 PRIORITY on idle", []step{raw(typePriority, 0, 3, "\x00\x00\x00\x01\x10"), get(1)}, "request 1 GET a / end"},
	{"5.1 DATA on half-closed", []step{get(1), data(1, true, "x")},
		got1 + "reset 1 STREAM_CLOSED by us stream_closed; > RST 1 STREAM_CLOSED"},
	{"5.1 HEADERS on half-closed", []step{get(1), get(1)},
		got1 + "reset 1 STREAM_CLOSED by us stream_closed; > RST 1 STREAM_CLOSED"},
	{"5.1 WINDOW_UPDATE on half-closed", []step{get(1), window(1, 1)}, "request 1 GET a / end"},
	{"5.1 DATA after the peer's reset", []step{post(1), rst(1, Cancel), data(1, true, "x")},
		posted1 + "reset 1 CANCEL by peer; > RST 1 STREAM_CLOSED"},
	{"5.1 HEADERS after the peer's reset", []step{post(1), rst(1, Cancel), post(1)},
		posted1 + "reset 1 CANCEL by peer; > RST 1 STREAM_CLOSED"},
	{"5.1 RST_STREAM after the peer's reset", []step{post(1), rst(1, Cancel), rst(1, Cancel)},
		posted1 + "reset 1 CANCEL by peer"},
	{"5.1 frames after our reset", []step{post(1), drive, release(1), data(1, false, "x"), window(1, 1), head(1, true, "a=b"), rst(1, Cancel)},
		posted1 + "> RST 1 CANCEL"},
	{"5.1 DATA after the end", []step{get(1), answer(1, 204, ""), release(1), data(1, true, "x")},
		got1 + "> HEADERS 1 :status=204 END; > RST 1 STREAM_CLOSED"},
	{"5.1 HEADERS after the end", []step{get(1), answer(1, 204, ""), release(1), get(1)},
		got1 + "> HEADERS 1 :status=204 END; " + over("1", ClosedStream)},
	{"5.1 HEADERS after the end, kept", []step{get(1), answer(1, 204, ""), get(1)},
		got1 + "error closed_stream; > HEADERS 1 :status=204 END; > GOAWAY 1 STREAM_CLOSED"},
	{"5.1 late frames after the end", []step{get(1), answer(1, 204, ""), release(1), window(1, 1), rst(1, NoError)},
		got1 + "> HEADERS 1 :status=204 END"},
	{"5.1.1 even number", []step{get(2)}, over("0", BadStreamID)},
	{"5.1.1 number 0", []step{get(0)}, over("0", BadStreamID)},
	{"5.1.1 skipped number", []step{get(5), get(3)}, "request 5 GET a / end; " + over("5", BadStreamID)},
	{"5.1.1 DATA on a skipped number", []step{get(5), data(3, true, "x")}, "request 5 GET a / end; > RST 3 STREAM_CLOSED"},
	{"5.3 self-dependency", []step{get(1), raw(typePriority, 0, 1, "\x00\x00\x00\x01\x10")},
		got1 + "reset 1 PROTOCOL_ERROR by us self_dependency; > RST 1 PROTOCOL_ERROR"},
	{"5.3 self-dependency on idle", []step{raw(typePriority, 0, 1, "\x80\x00\x00\x01\x10")}, over("0", SelfDependency)},
	{"5.3 self-dependency of a request", []step{raw(typeHeaders, 0x25, 1, "\x00\x00\x00\x01\x10\x82\x87\x84\x41\x01a"), get(3, "x=y")},
		"refused 0 self_dependency; request 3 GET a / x=y end; > RST 1 PROTOCOL_ERROR"},
	{"5.3 dependency", []step{raw(typeHeaders, 0x25, 1, "\x80\x00\x00\x03\x10\x82\x87\x84\x41\x01a")}, "request 1 GET a / end"},

	{"6.1 on stream 0", []step{data(0, true, "x")}, over("0", BadStreamID)},
	{"6.1 padding", []step{post(1), padded(1, true, "hi", 200)}, posted1 + "data 1 hi end"},
	{"6.1 only padding", []step{post(1), raw(typeData, flagPadded, 1, "\x03abc"), data(1, true, "")}, posted1 + "data 1  end"},
	{"6.1 padding beyond the frame", []step{post(1), raw(typeData, flagPadded, 1, "\x04abc")}, posted1 + over("1", BadPadding)},
	{"6.1 no room for padding", []step{post(1), raw(typeData, flagPadded, 1, "")}, posted1 + over("1", BadFrameSize)},
	{"6.2 padding beyond the frame", []step{raw(typeHeaders, flagPadded|flagEndHeaders, 1, "\x04abc")}, over("0", BadPadding)},
	{"6.2 no room for priority", []step{raw(typeHeaders, flagPriority|flagEndHeaders, 1, "abcd")}, over("0", BadFrameSize)},
	{"6.2 padding", []step{raw(typeHeaders, flagPadded|flagEndHeaders|flagEndStream, 1, "\x02\x82\x87\x84\x41\x01axx"), get(3)},
		got1 + "request 3 GET a / end"},
	{"6.3 on stream 0", []step{raw(typePriority, 0, 0, "\x00\x00\x00\x01\x10")}, over("0", BadStreamID)},
	{"6.3 length", []step{get(1), raw(typePriority, 0, 1, "\x00\x00\x00\x03")},
		got1 + "reset 1 FRAME_SIZE_ERROR by us priority_size; > RST 1 FRAME_SIZE_ERROR"},
	{"6.3 length on idle", []step{raw(typePriority, 0, 1, "\x00\x00\x00\x03")}, over("0", BadFrameSize)},
	{"6.4 on stream 0", []step{rst(0, Cancel)}, over("0", BadStreamID)},
	{"6.4 length", []step{get(1), raw(typeReset, 0, 1, "\x00\x00\x00")}, got1 + over("1", BadFrameSize)},
	{"6.4", []step{get(1), rst(1, Cancel)}, got1 + "reset 1 CANCEL by peer"},
	{"6.5 on a stream", []step{raw(typeSettings, 0, 1, "")}, over("0", BadStreamID)},
	{"6.5 length", []step{raw(typeSettings, 0, 0, "\x00\x01\x00")}, over("0", BadFrameSize)},
	{"6.5 acknowledgement with content", []step{raw(typeSettings, flagAck, 0, "\x00\x01\x00\x00\x00\x00")}, over("0", BadFrameSize)},
	{"6.5.2 push 2", []step{settings(xhttp2.Setting{ID: settingPush, Val: 2})}, over("0", BadSetting)},
	{"6.5.2 window 2^31", []step{settings(xhttp2.Setting{ID: settingWindow, Val: 1 << 31})}, over("0", BadInitialWindow)},
	{"6.5.2 frame too small", []step{settings(xhttp2.Setting{ID: settingMaxFrame, Val: minFrame - 1})}, over("0", BadSetting)},
	{"6.5.2 frame too large", []step{settings(xhttp2.Setting{ID: settingMaxFrame, Val: maxFrame + 1})}, over("0", BadSetting)},
	{"6.5.2 unknown", []step{settings(xhttp2.Setting{ID: 0x77, Val: 9}), get(1)}, "request 1 GET a / end"},
	{"8441 3 connect 2", []step{settings(xhttp2.Setting{ID: settingConnect, Val: 2})}, over("0", BadSetting)},
	{"8441 3 connect taken back", []step{settings(xhttp2.Setting{ID: settingConnect, Val: 1}), settings(xhttp2.Setting{ID: settingConnect, Val: 0})}, over("0", BadSetting)},
	{"9218 2.1 priorities 2", []step{settings(xhttp2.Setting{ID: settingNoPriorities, Val: 2})}, over("0", BadSetting)},
	{"9218 7.1 PRIORITY_UPDATE", []step{raw(0x10, 0, 0, "\x00\x00\x00\x01u=1"), get(1)}, "request 1 GET a / end"},
	{"6.6 PUSH_PROMISE", []step{get(1), raw(typePush, flagEndHeaders, 1, "\x00\x00\x00\x02\x82")}, got1 + over("1", PushPromise)},
	{"6.7", []step{raw(typePing, 0, 0, "12345678")}, "> PING 12345678 ack=true"},
	{"6.7 acknowledgement", []step{raw(typePing, flagAck, 0, "12345678")}, ""},
	{"6.7 on a stream", []step{raw(typePing, 0, 1, "12345678")}, over("0", BadStreamID)},
	{"6.7 length", []step{raw(typePing, 0, 0, "1234567")}, over("0", BadFrameSize)},
	{"6.8", []step{raw(typeGoAway, 0, 0, "\x00\x00\x00\x00\x00\x00\x00\x02why"), get(1)}, "goaway 0 INTERNAL_ERROR; request 1 GET a / end"},
	{"6.8 on a stream", []step{raw(typeGoAway, 0, 1, "\x00\x00\x00\x00\x00\x00\x00\x00")}, over("0", BadStreamID)},
	{"6.8 length", []step{raw(typeGoAway, 0, 0, "\x00\x00\x00\x00")}, over("0", BadFrameSize)},
	{"6.9 zero", []step{window(0, 0)}, over("0", ZeroIncrement)},
	{"6.9 zero on a stream", []step{get(1), window(1, 0)},
		got1 + "reset 1 PROTOCOL_ERROR by us stream_zero_increment; > RST 1 PROTOCOL_ERROR"},
	{"6.9 length", []step{raw(typeWindow, 0, 0, "\x00\x00\x01")}, over("0", BadFrameSize)},
	{"6.9.1 overflow", []step{window(0, maxWindow)}, over("0", ConnWindowOverflow)},
	{"6.9.1 overflow of a stream", []step{get(1), window(1, maxWindow)},
		got1 + "reset 1 FLOW_CONTROL_ERROR by us stream_window_overflow; > RST 1 FLOW_CONTROL_ERROR"},
	{"6.9.2 overflow by SETTINGS", []step{get(1), window(1, 1), settings(xhttp2.Setting{ID: settingWindow, Val: maxWindow})},
		got1 + over("1", BadInitialWindow)},
	{"6.10 without a head", []step{raw(typeContinuation, flagEndHeaders, 1, "\x82")}, over("0", Uncontinued)},
	{"6.10 in two", []step{raw(typeHeaders, flagEndStream, 1, "\x82\x87"), raw(typeContinuation, 0, 1, "\x84\x41"), raw(typeContinuation, flagEndHeaders, 1, "\x01a")},
		"request 1 GET a / end"},
	{"6.10 empty", []step{raw(typeHeaders, flagEndStream, 1, ""), raw(typeContinuation, 0, 1, ""), raw(typeContinuation, flagEndHeaders, 1, "\x82\x87\x84\x41\x01a")},
		"request 1 GET a / end"},
	{"6.10 on another stream", []step{raw(typeHeaders, 0, 1, "\x82"), raw(typeContinuation, 0, 3, "\x84")}, over("1", NotContinued)},
	{"6.10 interrupted", []step{raw(typeHeaders, 0, 1, "\x82"), raw(typePing, 0, 0, "12345678")}, over("1", NotContinued)},
	{"6.10 interrupted by the unknown", []step{raw(typeHeaders, 0, 1, "\x82"), raw(0x42, 0, 0, "")}, over("1", NotContinued)},

	{"8.1 body", []step{post(1), data(1, false, "ab"), data(1, true, "cd")}, posted1 + "data 1 ab; data 1 cd end"},
	{"8.1 trailers", []step{post(1), data(1, false, "ab"), head(1, true, "a=b", "cookie=c", "content-length=9")},
		posted1 + "data 1 ab; trailers 1 a=b end"},
	{"8.1 trailers that do not end", []step{post(1), head(1, false, "a=b")},
		posted1 + "reset 1 PROTOCOL_ERROR by us bad_trailers; > RST 1 PROTOCOL_ERROR"},
	{"8.1 pseudo-field in trailers", []step{post(1), head(1, true, ":path=/")},
		posted1 + "reset 1 PROTOCOL_ERROR by us bad_pseudo; > RST 1 PROTOCOL_ERROR"},
	{"8.1 Transfer-Encoding in trailers", []step{post(1), head(1, true, "transfer-encoding=chunked")},
		posted1 + "reset 1 PROTOCOL_ERROR by us connection_field; > RST 1 PROTOCOL_ERROR"},
	{"8.1.1 too much", []step{post(1, "content-length=3"), data(1, false, "abcd")},
		"request 1 POST a / 3 bytes; reset 1 PROTOCOL_ERROR by us body_length; > RST 1 PROTOCOL_ERROR"},
	{"8.1.1 too much in two", []step{post(1, "content-length=3"), data(1, false, "abc"), data(1, true, "d")},
		"request 1 POST a / 3 bytes; data 1 abc; reset 1 PROTOCOL_ERROR by us body_length; > RST 1 PROTOCOL_ERROR"},
	{"8.1.1 too little", []step{post(1, "content-length=3"), data(1, true, "ab")},
		"request 1 POST a / 3 bytes; reset 1 PROTOCOL_ERROR by us body_length; > RST 1 PROTOCOL_ERROR"},
	{"8.1.1 exact", []step{post(1, "content-length=3"), data(1, false, "abc"), data(1, true, "")},
		"request 1 POST a / 3 bytes; data 1 abc; data 1  end"},
	{"8.1.1 too little before trailers", []step{post(1, "content-length=3"), data(1, false, "ab"), head(1, true, "a=b")},
		"request 1 POST a / 3 bytes; data 1 ab; reset 1 PROTOCOL_ERROR by us body_length; > RST 1 PROTOCOL_ERROR"},
	{"body of a refused request", []step{post(1, "expect=x"), data(1, true, "abc"), get(3)},
		"refused 417 bad_expect; request 3 GET a / end"},
}

func TestFrameRows(t *testing.T) {
	for _, row := range frameRows {
		for _, chunk := range []int{0, 1, 7} {
			l := newLab(t, false, Config{})
			l.chunk = chunk
			if got := l.do(row.steps...); got != whole(row.want, got) {
				t.Errorf("%s (chunk %d): got %q, want %q", row.name, chunk, got, row.want)
			}
		}
	}
}

// whole returns want, or got if they differ only in how a body was cut up.
func whole(want, got string) string {
	join := func(s string) string {
		var parts []string
		for p := range strings.SplitSeq(s, "; ") {
			last := len(parts) - 1
			body, is := strings.CutPrefix(p, "data 1 ")
			if is && last >= 0 && strings.HasPrefix(parts[last], "data 1 ") && !strings.HasSuffix(parts[last], " end") {
				parts[last] += body
				continue
			}
			parts = append(parts, p)
		}
		return strings.Join(parts, "; ")
	}
	if join(got) == join(want) {
		return got
	}
	return want
}

func TestClientFrameRows(t *testing.T) {
	rows := []struct {
		name  string
		steps []step
		want  string
	}{
		{"5.1 HEADERS on idle", []step{head(1, true, ":status=200")}, over("0", BadStreamID)},
		{"5.1 DATA on idle", []step{data(1, true, "x")}, over("0", IdleStream)},
		{"5.1.1 even stream", []step{ask("GET"), head(2, true, ":status=200")}, over("0", BadStreamID)},
		{"6.6 PUSH_PROMISE", []step{ask("GET"), raw(typePush, flagEndHeaders, 1, "\x00\x00\x00\x02\x82")}, over("0", PushPromise)},
		{"6.5.2 push", []step{settings(xhttp2.Setting{ID: settingPush, Val: 1})}, over("0", BadSetting)},
		{"6.5.2 one stream", []step{settings(xhttp2.Setting{ID: settingMaxStreams, Val: 1}), ask("GET"), ask("GET")}, "not opened"},
		{"6.5.2 no streams", []step{settings(xhttp2.Setting{ID: settingMaxStreams, Val: 0}), ask("GET")}, "not opened"},
		{"6.8 lost streams", []step{ask("GET"), ask("GET"), ask("GET"), raw(typeGoAway, 0, 0, "\x00\x00\x00\x01\x00\x00\x00\x00"), ask("GET")},
			"goaway 1 NO_ERROR; reset 5 REFUSED_STREAM by peer unprocessed; reset 3 REFUSED_STREAM by peer unprocessed; not opened"},
		{"6.8 announced", []step{ask("GET"), raw(typeGoAway, 0, 0, "\x7f\xff\xff\xff\x00\x00\x00\x00"), head(1, true, ":status=204"), ask("GET")},
			"goaway 2147483647 NO_ERROR; response 1 204 end; not opened"},
		{"6.4 refused", []step{ask("GET"), rst(1, RefusedStreamError)}, "reset 1 REFUSED_STREAM by peer unprocessed"},
		{"8.1 early answer", []step{ask("POST"), head(1, true, ":status=413"), rst(1, NoError)},
			"response 1 413 0 bytes end; reset 1 NO_ERROR by peer"},
	}
	for _, row := range rows {
		l := newLab(t, true, Config{})
		if got := l.do(row.steps...); got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}

func TestPreface(t *testing.T) {
	server := func() *Conn { return NewServer(Prepare(Config{}), NewPool()) }
	client := func() *Conn { return NewClient(Prepare(Config{}), NewPool()) }
	sound := preface + string(appendFrame(nil, 0, typeSettings, 0, 0))
	rows := []struct {
		name string
		new  func() *Conn
		in   string
		bad  bool
	}{
		{"sound", server, sound, false},
		{"HTTP/1", server, "GET / HTTP/1.1\r\n", true},
		{"wrong at the end", server, preface[:23] + "x", true},
		{"no SETTINGS", server, preface + string(appendFrame(nil, 0, typeData, 0, 1)), true},
		{"acknowledgement first", server, preface + string(appendFrame(nil, 0, typeSettings, flagAck, 0)), true},
		{"to a client", client, sound[len(preface):], false},
		{"HTTP/1 to a client", client, "HTTP/1.1 400 Bad Request\r\n\r\n", true},
		{"no SETTINGS to a client", client, string(appendFrame(nil, 8, typePing, 0, 0)) + "12345678", true},
	}
	for _, row := range rows {
		for cut := range len(row.in) + 1 {
			c := row.new()
			var ev Event
			var err error
			taken := 0
			for _, have := range []int{cut, len(row.in)} {
				for range 4 {
					var n int
					n, err = c.Next(1, []byte(row.in[taken:have]), &ev)
					taken += n
				}
			}
			if (err != nil) != row.bad {
				t.Errorf("%s, cut at %d: got error %v, want one: %v", row.name, cut, err, row.bad)
			}
		}
	}
}
