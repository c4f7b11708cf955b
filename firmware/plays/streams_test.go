// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// streams is the speech of HTTP/2. Frames are read where a script expects
// something, those of other streams are kept for later. What HTTP/2 wants of
// everyone is done by the way: SETTINGS and PING are acknowledged, and windows
// given back, that of a connection at once, that of a stream when the script has
// expected the data.
type streams struct {
	server  bool
	begun   bool // the preface was sent or read
	greet   bool // our SETTINGS were sent
	settled bool // the other end's have come
	mean    bool // gives no windows back
	fr      *http2.Framer
	out     *held // where fr writes
	dec     *hpack.Decoder
	enc     *hpack.Encoder
	block   bytes.Buffer // of enc

	last    uint32 // the stream that a step is about if it does not say
	lanes   map[uint32]*lane
	fresh   []uint32 // streams that a server was not asked about yet
	control []event  // of the connection
	peer    map[http2.SettingID]uint32
	window  int64 // what may be sent on all streams
}

// A held writer can keep what is written, to send it at once.
type held struct {
	to   io.Writer
	on   bool
	kept bytes.Buffer
}

func (h *held) Write(b []byte) (int, error) {
	if h.on {
		return h.kept.Write(b)
	}
	return h.to.Write(b)
}

// together sends in one piece what f writes.
func (h *held) together(f func() error) error {
	h.on = true
	err := f()
	h.on = false
	if err == nil {
		_, err = h.kept.WriteTo(h.to)
	}
	return err
}

// A lane is a stream.
type lane struct {
	window int64
	events []event
	ended  bool // by the other end
}

// An event is what has come on a stream or for the connection.
type event struct {
	kind   string // head, data, rst; pong, goaway
	fields []field
	data   []byte
	end    bool
	code   http2.ErrCode
	last   uint32
}

// String shows an event as a failure needs it.
func (e event) String() string {
	end := map[bool]string{true: " end"}[e.end]
	switch e.kind {
	case "head":
		return (&message{start: [3]string{"HEADERS" + end}, fields: e.fields}).String()
	case "rst":
		return "RST_STREAM " + e.code.String()
	case "goaway":
		return fmt.Sprintf("GOAWAY %v last %d", e.code, e.last)
	}
	return fmt.Sprintf("%s%s %s", e.kind, end, shorten(e.data))
}

// frameRoom is more than a frame may have here, so that one can be waited for
// without taking it.
const frameRoom = 64 << 10

func newStreams(a *actor, server bool) *streams {
	a.r = bufio.NewReaderSize(a.r, frameRoom)
	s := &streams{server: server, out: &held{to: a}, lanes: map[uint32]*lane{},
		peer: map[http2.SettingID]uint32{}, window: 65535}
	s.fr = http2.NewFramer(s.out, a.r)
	s.fr.AllowIllegalWrites = true
	s.dec = hpack.NewDecoder(4096, nil)
	s.enc = hpack.NewEncoder(&s.block)
	return s
}

// greeting sends the preface and SETTINGS, once.
func (s *streams) greeting(a *actor, settings ...http2.Setting) error {
	if s.greet {
		return nil
	}
	s.greet = true
	if !s.server {
		if _, err := io.WriteString(s.out, http2.ClientPreface); err != nil {
			return err
		}
	}
	return s.fr.WriteSettings(settings...)
}

// pump takes one frame.
func (s *streams) pump(a *actor) error {
	if s.server && !s.begun {
		b, err := a.r.Peek(len(http2.ClientPreface))
		if err != nil {
			return err
		}
		if string(b) != http2.ClientPreface {
			return &malformed{fmt.Sprintf("preface %q", b)}
		}
		_, _ = a.r.Discard(len(b))
	}
	s.begun = true
	head, err := a.r.Peek(9)
	if err != nil {
		return err
	}
	size := 9 + int(head[0])<<16 + int(head[1])<<8 + int(head[2])
	if size > frameRoom {
		return &malformed{fmt.Sprintf("a frame of %d bytes", size)}
	}
	if _, err := a.r.Peek(size); err != nil {
		return err
	}
	f, err := s.fr.ReadFrame()
	if err != nil {
		return &malformed{fmt.Sprintf("frame: %v (%v)", err, s.fr.ErrorDetail())}
	}
	return s.take(a, f)
}

// take files a frame.
func (s *streams) take(a *actor, f http2.Frame) error {
	switch f := f.(type) {
	case *http2.SettingsFrame:
		return s.takeSettings(f)
	case *http2.PingFrame:
		if !f.IsAck() {
			return s.fr.WritePing(true, f.Data)
		}
		s.control = append(s.control, event{kind: "pong", data: f.Data[:]})
	case *http2.GoAwayFrame:
		s.control = append(s.control, event{kind: "goaway", code: f.ErrCode, last: f.LastStreamID})
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			s.window += int64(f.Increment)
		} else if l := s.lanes[f.StreamID]; l != nil {
			l.window += int64(f.Increment)
		} else {
			return &malformed{fmt.Sprintf("WINDOW_UPDATE on stream %d, which has not begun", f.StreamID)}
		}
	case *http2.HeadersFrame:
		return s.takeHead(a, f)
	case *http2.DataFrame:
		return s.takeData(f)
	case *http2.RSTStreamFrame:
		return s.file(f.StreamID, event{kind: "rst", code: f.ErrCode})
	default:
		return &malformed{fmt.Sprintf("frame %v", f)}
	}
	return nil
}

func (s *streams) takeSettings(f *http2.SettingsFrame) error {
	if f.IsAck() {
		return nil
	}
	_ = f.ForeachSetting(func(v http2.Setting) error {
		if v.ID == http2.SettingInitialWindowSize {
			for _, l := range s.lanes {
				l.window += int64(v.Val) - s.initial()
			}
		}
		s.peer[v.ID] = v.Val
		return nil
	})
	s.settled = true
	return s.fr.WriteSettingsAck()
}

// initial is the window of a new stream.
func (s *streams) initial() int64 {
	if v, ok := s.peer[http2.SettingInitialWindowSize]; ok {
		return int64(v)
	}
	return 65535
}

func (s *streams) takeHead(a *actor, f *http2.HeadersFrame) error {
	id, end := f.StreamID, f.StreamEnded()
	block := bytes.Clone(f.HeaderBlockFragment())
	for done := f.HeadersEnded(); !done; {
		next, err := s.fr.ReadFrame()
		if err != nil {
			return err
		}
		c, ok := next.(*http2.ContinuationFrame)
		if !ok {
			return &malformed{fmt.Sprintf("%v within a head", next)}
		}
		block, done = append(block, c.HeaderBlockFragment()...), c.HeadersEnded()
	}
	decoded, err := s.dec.DecodeFull(block)
	if err != nil {
		return &malformed{err.Error()}
	}
	var fields []field
	for _, h := range decoded {
		fields = append(fields, field{h.Name, h.Value})
	}
	if s.server && s.lanes[id] == nil {
		s.open(id)
		s.fresh = append(s.fresh, id)
	}
	return s.file(id, event{kind: "head", fields: fields, end: end})
}

func (s *streams) takeData(f *http2.DataFrame) error {
	if f.Length > 0 && !s.mean {
		if err := s.fr.WriteWindowUpdate(0, f.Length); err != nil {
			return err
		}
	}
	return s.file(f.StreamID, event{kind: "data", data: bytes.Clone(f.Data()), end: f.StreamEnded()})
}

// open begins a stream.
func (s *streams) open(id uint32) *lane {
	l := &lane{window: s.initial()}
	s.lanes[id], s.last = l, id
	return l
}

// file keeps what has come on a stream.
func (s *streams) file(id uint32, e event) error {
	l := s.lanes[id]
	switch {
	case l == nil:
		return &malformed{fmt.Sprintf("on stream %d, which has not begun, came %v", id, e)}
	case l.ended && e.kind != "rst":
		return &malformed{fmt.Sprintf("behind the end of stream %d came %v", id, e)}
	}
	l.ended = l.ended || e.end || e.kind == "rst"
	l.events = append(l.events, e)
	return nil
}

// next takes the next event of a stream.
func (s *streams) next(a *actor, id uint32) (event, error) {
	l := s.lanes[id]
	if l == nil {
		return event{}, fmt.Errorf("there is no stream %d", id)
	}
	for len(l.events) == 0 {
		if err := s.pump(a); err != nil {
			return event{}, s.noMore(err)
		}
	}
	e := l.events[0]
	l.events = l.events[1:]
	if n := len(e.data); n > 0 && !l.ended && !s.mean {
		if err := s.fr.WriteWindowUpdate(id, uint32(n)); err != nil && !ended(err) {
			return e, err
		}
	}
	return e, nil
}

// noMore tells, with the end of a connection, what else is there.
func (s *streams) noMore(err error) error {
	err = got(nil, err)
	if text := s.left(nil); text != "" {
		err = fmt.Errorf("%w; there is also %s", err, text)
	}
	return err
}

// more waits for a frame that a script could expect. It does not have to expect
// SETTINGS and the orderly end of a connection.
func (s *streams) more(a *actor) error {
	for {
		if s.left(nil) != "" {
			return nil
		}
		if err := s.pump(a); err != nil {
			return err
		}
	}
}

func (s *streams) left(*actor) string {
	var out []string
	for _, e := range s.control {
		if e.kind == "pong" || e.kind == "goaway" && e.code != http2.ErrCodeNo {
			out = append(out, e.String())
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.lanes)) {
		for _, e := range s.lanes[id].events {
			out = append(out, fmt.Sprintf("on stream %d %v", id, e))
		}
	}
	return strings.Join(out, ", ")
}
