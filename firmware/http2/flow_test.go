// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"
)

// begin answers with a head only.
func begin(id uint32) step {
	return func(l *lab) {
		l.drive()
		s := l.open[id]
		l.c.BeginHead(s)
		l.c.Status(200)
		l.c.EndHead(false)
	}
}

// write writes a body of n bytes and tells how many were taken.
func write(id uint32, n int, end bool) step {
	return func(l *lab) {
		l.drive()
		l.say("took %d", l.c.Write(l.open[id], make([]byte, n), end))
	}
}

func consumed(id uint32, n int) step {
	return func(l *lab) {
		l.drive()
		l.c.Consumed(l.open[id], n)
	}
}

func TestPrefaceFlight(t *testing.T) {
	rows := []struct {
		name   string
		client bool
		cfg    Config
		want   string
	}{
		{"server", false, Config{}, "[MAX_CONCURRENT_STREAMS = 100] [NO_RFC7540_PRIORITIES = 1] [INITIAL_WINDOW_SIZE = 65536] [MAX_HEADER_LIST_SIZE = 32768] window 196609"},
		{"client", true, Config{}, "[ENABLE_PUSH = 0] [INITIAL_WINDOW_SIZE = 65536] [MAX_HEADER_LIST_SIZE = 32768] window 196609"},
		{"all", false, Config{MaxStreams: 7, ExtendedConnect: true, HeaderTable: -1, StreamWindow: 9, MaxFrame: 20000, MaxHead: 5, ConnWindow: 1},
			"[MAX_CONCURRENT_STREAMS = 7] [NO_RFC7540_PRIORITIES = 1] [ENABLE_CONNECT_PROTOCOL = 1] [HEADER_TABLE_SIZE = 0] [INITIAL_WINDOW_SIZE = 9] [MAX_FRAME_SIZE = 20000] [MAX_HEADER_LIST_SIZE = 5]"},
	}
	for _, row := range rows {
		c := NewServer(Prepare(row.cfg), NewPool())
		out := string(c.Out())
		if row.client {
			c = NewClient(Prepare(row.cfg), NewPool())
			out = strings.TrimPrefix(string(c.Out()), preface)
			if len(out) == len(c.Out()) {
				t.Errorf("%s: no preface", row.name)
			}
		}
		var said []string
		fr := xhttp2.NewFramer(nil, strings.NewReader(out))
		for f, err := fr.ReadFrame(); err == nil; f, err = fr.ReadFrame() {
			switch f := f.(type) {
			case *xhttp2.SettingsFrame:
				f.ForeachSetting(func(s xhttp2.Setting) error {
					said = append(said, s.String())
					return nil
				})
			case *xhttp2.WindowUpdateFrame:
				said = append(said, "window", strconv.Itoa(int(f.Increment)))
			}
		}
		if got := strings.Join(said, " "); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
}

func TestWindows(t *testing.T) {
	big := strings.Repeat("x", 16000)
	rows := []struct {
		name  string
		cfg   Config
		steps []step
		want  string
	}{
		{"given back by halves", Config{StreamWindow: 100000, ConnWindow: 100000},
			[]step{ack, post(1), data(1, false, big), data(1, false, big), data(1, false, big), data(1, false, big),
				consumed(1, 49999), consumed(1, 1), consumed(1, 13999)},
			posted1 + "data 1 16000 bytes; data 1 16000 bytes; data 1 16000 bytes; data 1 16000 bytes; > WINDOW 0 50000; > WINDOW 1 50000"},
		{"no more than came", Config{StreamWindow: 100, ConnWindow: 1},
			[]step{ack, post(1), data(1, false, strings.Repeat("x", 60)), consumed(1, 1<<30), consumed(1, 1<<30), consumed(1, -5)},
			posted1 + "data 1 60 bytes; > WINDOW 1 60"},
		{"padding is given back", Config{StreamWindow: 100}, []step{ack, post(1), padded(1, false, "ab", 59)},
			posted1 + "data 1 ab; > WINDOW 1 60"},
		{"a stream's window", Config{StreamWindow: 10}, []step{ack, post(1), data(1, false, "12345"), data(1, false, "123456")},
			posted1 + "data 1 12345; reset 1 FLOW_CONTROL_ERROR by us stream_flow; > RST 1 FLOW_CONTROL_ERROR"},
		{"larger before the acknowledgement", Config{StreamWindow: 10}, []step{post(1), data(1, false, "12345"), data(1, false, "123456")},
			posted1 + "data 1 12345; data 1 123456"},
		{"smaller after it", Config{StreamWindow: 10}, []step{post(1), data(1, false, "12345"), ack, data(1, false, "123456")},
			posted1 + "data 1 12345; reset 1 FLOW_CONTROL_ERROR by us stream_flow; > RST 1 FLOW_CONTROL_ERROR"},
		{"nothing for an ended stream", Config{StreamWindow: 10}, []step{ack, post(1), data(1, true, "1234567890"), consumed(1, 10)},
			posted1 + "data 1 1234567890 end"},
	}
	for _, row := range rows {
		l := newLab(t, false, row.cfg)
		if got := l.do(row.steps...); got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}

// TestLostBytesReturnToTheConnection drops in every way more than the window of
// the connection, which must never run dry.
func TestLostBytesReturnToTheConnection(t *testing.T) {
	big := data // many bytes on a stream
	payload := strings.Repeat("x", 16000)
	ways := map[string]func(id uint32) step{
		"released":      func(id uint32) step { return steps(post(id), big(id, false, payload), drive, release(id)) },
		"after release": func(id uint32) step { return steps(post(id), drive, release(id), big(id, false, payload)) },
		"refused":       func(id uint32) step { return steps(post(id, "expect=x"), big(id, false, payload), drive, releaseAny) },
		"malformed":     func(id uint32) step { return steps(post(id, "te=x"), big(id, false, payload)) },
		"too long":      func(id uint32) step { return steps(post(id, "content-length=1"), big(id, false, payload)) },
		"closed":        func(id uint32) step { return steps(get(id), big(id, false, payload)) },
		"padding":       func(id uint32) step { return steps(post(id), padded(id, true, "", 200), drive, release(id)) },
	}
	for name, way := range ways {
		l := newLab(t, false, Config{ConnWindow: 1, Budget: Budget{Resets: 1 << 20, Queued: 1 << 20}})
		l.attack(2000, way)
		if l.err != nil {
			t.Errorf("%s: %v", name, l.err)
		}
	}
}

func releaseAny(l *lab) {
	for id, s := range l.open {
		l.c.Release(s)
		delete(l.open, id)
	}
}

// TestReleaseInTheMiddleOfAFrame releases a stream when half of a DATA frame has
// come.
func TestReleaseInTheMiddleOfAFrame(t *testing.T) {
	l := newLab(t, false, Config{ConnWindow: 1, StreamWindow: 100000, Budget: Budget{Queued: 1 << 20}})
	for id := uint32(1); id < 100; id += 2 {
		l.do(post(id), raw(typeData, 0, id, ""))
		l.in.Write(appendFrame(nil, 16000, typeData, 0, id))
		l.in.WriteString(strings.Repeat("x", 8000))
		l.drive()
		release(id)(l)
		l.in.WriteString(strings.Repeat("x", 8000))
		l.drive()
		if l.err != nil {
			t.Fatalf("stream %d: %v", id, l.err)
		}
	}
}

func TestWriteKeepsToTheWindows(t *testing.T) {
	window0 := settings(xhttp2.Setting{ID: settingWindow, Val: 10})
	rows := []struct {
		name  string
		cfg   Config
		steps []step
		want  string
	}{
		{"all", Config{}, []step{get(1), begin(1), write(1, 5, true)}, got1 + "> HEADERS 1 :status=200; took 5; > DATA 1 \x00\x00\x00\x00\x00 END"},
		{"empty end", Config{}, []step{get(1), begin(1), write(1, 0, true), write(1, 5, true)}, got1 + "> HEADERS 1 :status=200; took 0; > DATA 1  END; took 0"},
		{"before the head", Config{}, []step{get(1), write(1, 5, true)}, got1 + "took 0"},
		{"the stream's window", Config{}, []step{window0, get(1), begin(1), write(1, 30, true), window(1, 15), write(1, 20, true)},
			got1 + "> HEADERS 1 :status=200; took 10; > DATA 1 \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00; took 15; > DATA 1 " + strings.Repeat("\x00", 15)},
		{"frames of 16 KiB", Config{}, []step{settings(xhttp2.Setting{ID: settingMaxFrame, Val: 1 << 20}), get(1), begin(1), write(1, 20000, true)},
			got1 + "> HEADERS 1 :status=200; took 20000; > DATA 1 16384 bytes; > DATA 1 3616 bytes END"},
		{"room in Out", Config{MaxOut: 100}, []step{get(1), begin(1), write(1, 500, true)},
			got1 + "> HEADERS 1 :status=200; took 100; > DATA 1 100 bytes"},
		{"after a reset", Config{}, []step{get(1), begin(1), rst(1, Cancel), write(1, 5, true)}, got1 + "reset 1 CANCEL by peer; > HEADERS 1 :status=200"},
	}
	for _, row := range rows {
		l := newLab(t, false, row.cfg)
		l.keep = true
		got := l.do(row.steps...)
		if got = strings.TrimSuffix(got, "; took 0"); got != strings.TrimSuffix(row.want, "; took 0") {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}

// TestWritableTakesTurns lets three streams share a small window.
func TestWritableTakesTurns(t *testing.T) {
	l := newLab(t, false, Config{})
	l.do(get(1), get(3), get(5), begin(1), begin(3), begin(5), window(1, 1<<20), window(3, 1<<20), window(5, 1<<20))
	body := make([]byte, 200000)
	left := map[*Stream]int{}
	for _, id := range []uint32{1, 3, 5} {
		s := l.open[id]
		left[s] = len(body) - l.c.Write(s, body, true)
	}
	var turns []uint32
	for len(left) > 0 {
		l.do(window(0, 40000))
		for s := l.c.Writable(); s != nil; s = l.c.Writable() {
			turns = append(turns, s.ID())
			if left[s] -= l.c.Write(s, body[:left[s]], true); left[s] == 0 {
				delete(left, s)
			}
			l.frames()
		}
		if len(turns) > 1000 {
			t.Fatal("the streams do not end")
		}
	}
	if want := []uint32{1, 3, 5, 1, 3, 5, 1, 3, 5}; !slices.Equal(turns[:9], want) {
		t.Errorf("the turns are of %v, want %v", turns[:9], want)
	}
}

func TestWritableForgetsStreamsThatEnd(t *testing.T) {
	l := newLab(t, false, Config{MaxOut: 10})
	l.keep = true
	for _, id := range []uint32{1, 3, 5, 7} {
		l.do(get(id), begin(id))
	}
	for _, id := range []uint32{1, 3, 5, 7} {
		l.c.Write(l.open[id], make([]byte, 100), true)
	}
	l.c.Release(l.open[3])
	l.c.Reset(l.open[7], Cancel)
	rst(1, Cancel)(l)
	l.drive()
	if s := l.c.Writable(); s == nil || s.ID() != 5 {
		t.Errorf("Writable is %v, want stream 5", s)
	}
	if s := l.c.Writable(); s != nil {
		t.Errorf("Writable is stream %d, want none", s.ID())
	}
}

// TestWritableIsForThoseWhoWait writes past the queue: who has got all out is not
// asked again.
func TestWritableIsForThoseWhoWait(t *testing.T) {
	l := newLab(t, false, Config{})
	l.do(settings(xhttp2.Setting{ID: settingWindow, Val: 10}), post(1), begin(1), write(1, 30, true))
	if s := l.c.Writable(); s != nil {
		t.Errorf("Writable is stream %d with no window", s.ID())
	}
	l.do(settings(xhttp2.Setting{ID: settingWindow, Val: 20}))
	if s := l.c.Writable(); s != l.open[1] {
		t.Errorf("after SETTINGS with a larger window Writable is %v, want stream 1", s)
	}
	l.do(write(1, 20, true), window(1, 100), write(1, 10, true), window(1, 1))
	if s := l.c.Writable(); s != nil {
		t.Errorf("Writable is stream %d, which has ended", s.ID())
	}
	l.do(post(3), begin(3), write(3, 30, false), window(3, 100), write(3, 10, false), window(3, 100))
	if s := l.c.Writable(); s == nil || l.c.Writable() != nil {
		t.Errorf("Writable is %v, want stream 3 once", s)
	}
	l.do(write(3, 10, false), window(3, 100))
	if s := l.c.Writable(); s != nil {
		t.Errorf("Writable is stream %d, which does not wait", s.ID())
	}
}

// TestOldStreamsAreForgiven sends a head on a stream that has ended so long ago
// that nobody knows how.
func TestOldStreamsAreForgiven(t *testing.T) {
	l := newLab(t, false, Config{})
	for id := uint32(1); id < 200; id += 2 {
		l.do(get(id), answer(id, 204, ""), release(id))
	}
	if got, want := l.do(get(9), get(201)), "request 201 GET a / end; > RST 9 STREAM_CLOSED"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := l.do(get(199)), over("201", ClosedStream); got != want {
		t.Errorf("a stream of a moment ago: got %q, want %q", got, want)
	}
}

func TestIdle(t *testing.T) {
	l := newLab(t, false, Config{})
	idle := func(want bool, when string) {
		t.Helper()
		if got := l.c.Idle(); got != want {
			t.Errorf("%s: Idle = %v, want %v", when, got, want)
		}
	}
	idle(true, "at first")
	l.do(get(1))
	idle(false, "with a stream")
	l.do(answer(1, 204, ""), release(1))
	idle(true, "after the answer")
	l.do(raw(typeHeaders, 0, 3, "\x82"))
	idle(false, "in a head")
	l.do(raw(typeContinuation, flagEndHeaders|flagEndStream, 3, "\x87"), raw(typePing, 0, 0, "12345678"))
	l.said = nil
	raw(typePing, 0, 0, "12345678")(l)
	var ev Event
	if _, err := l.c.Next(l.now, l.in.Bytes(), &ev); err != nil {
		t.Fatal(err)
	}
	idle(false, "with an answer to PING in Out")
	l.c.Sent(len(l.c.Out()))
	idle(true, "when that is sent")
	if NewServer(Prepare(Config{}), NewPool()).Idle() {
		t.Error("Idle before the preface")
	}
}

func TestDrain(t *testing.T) {
	drain := func(l *lab) { l.drive(); l.c.Drain() }
	rows := []struct {
		name  string
		steps []step
		want  string
	}{
		{"by the answer", []step{get(1), drain, get(3), raw(typePing, flagAck, 0, drainPing), drive, get(5)},
			got1 + "request 3 GET a / end; > GOAWAY 2147483647 NO_ERROR; > PING draining ack=false; > GOAWAY 3 NO_ERROR"},
		{"by a second call", []step{get(1), drain, drain, get(3), data(3, true, "x"), rst(3, Cancel)},
			got1 + "> GOAWAY 2147483647 NO_ERROR; > PING draining ack=false; > GOAWAY 1 NO_ERROR"},
		{"another PING is not meant", []step{get(1), drain, raw(typePing, flagAck, 0, "12345678"), get(3)},
			got1 + "request 3 GET a / end; > GOAWAY 2147483647 NO_ERROR; > PING draining ack=false"},
	}
	for _, row := range rows {
		l := newLab(t, false, Config{})
		if got := l.do(row.steps...); got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
		if l.c.Drained() {
			t.Errorf("%s: Drained with a stream", row.name)
		}
		releaseAny(l)
		if got, want := l.c.Drained(), row.name != "another PING is not meant"; got != want {
			t.Errorf("%s: Drained = %v, want %v", row.name, got, want)
		}
	}
	l := newLab(t, true, Config{})
	l.do(ask("GET"))
	want := "response 1 204 end; > GOAWAY 0 NO_ERROR; not opened"
	if got := l.do(func(l *lab) { l.c.Drain() }, head(1, true, ":status=204"), ask("GET")); got != want {
		t.Errorf("a client: got %q, want %q", got, want)
	}
}

func TestGoAway(t *testing.T) {
	l := newLab(t, false, Config{})
	want := got1 + "error none; > GOAWAY 1 ENHANCE_YOUR_CALM"
	if got := l.do(get(1), drive, func(l *lab) { l.c.GoAway(EnhanceYourCalm) }, get(3)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if e := l.err.(*ConnError); e.Code != EnhanceYourCalm {
		t.Errorf("the error has the code %v", e.Code)
	}
}
