// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"evener/firmware/message"
)

// A lab is a Conn and the peer that talks to it, whose frames are written by the
// codec of others. It tells what happens in words.
type lab struct {
	t     testing.TB
	c     *Conn
	in    bytes.Buffer // to c
	fr    *xhttp2.Framer
	hbuf  bytes.Buffer
	enc   *hpack.Encoder
	dec   *hpack.Decoder
	back  *xhttp2.Framer
	outb  bytes.Buffer // from c
	now   int64
	open  map[uint32]*Stream
	keep  bool // do not release streams
	chunk int  // give Next so many bytes more at a time; 0 means all
	said  []string
	err   error
}

func newLab(t testing.TB, client bool, cfg Config) *lab {
	l := &lab{t: t, open: map[uint32]*Stream{}, now: 1e18}
	l.fr = xhttp2.NewFramer(&l.in, nil)
	l.fr.AllowIllegalWrites = true
	l.enc = hpack.NewEncoder(&l.hbuf)
	l.back = xhttp2.NewFramer(nil, &l.outb)
	l.back.SetMaxReadFrameSize(1 << 20)
	l.dec = hpack.NewDecoder(4096, nil)
	if client {
		l.c = NewClient(Prepare(cfg), NewPool())
	} else {
		l.c = NewServer(Prepare(cfg), NewPool())
		l.in.WriteString(preface)
	}
	l.check(l.fr.WriteSettings())
	l.drive()
	l.said = nil
	return l
}

func (l *lab) check(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// A step is something that the peer or the caller does.
type step func(l *lab)

// do takes steps and returns what they led to.
func (l *lab) do(steps ...step) string {
	l.said = nil
	for _, s := range steps {
		s(l)
	}
	l.drive()
	return strings.Join(l.said, "; ")
}

func (l *lab) say(format string, args ...any) { l.said = append(l.said, fmt.Sprintf(format, args...)) }

// drive lets c read all that the peer wrote, and the peer all that c wrote.
func (l *lab) drive() {
	buf := l.in.Bytes()
	have := len(buf)
	if l.chunk > 0 {
		have = 0
	}
	var ev Event
	for l.err == nil {
		n, err := l.c.Next(l.now, buf[:have], &ev)
		buf, have = buf[n:], have-n
		if err != nil {
			l.err = err
			l.say("error %s", err.(*ConnError).Reason)
			break
		}
		l.event(&ev)
		sound(l.t, l.c)
		if n == 0 && ev.Kind == None {
			if have == len(buf) {
				break
			}
			have = min(have+l.chunk, len(buf))
		}
	}
	rest := bytes.Clone(buf)
	l.in.Reset()
	l.in.Write(rest)
	l.frames()
}

func (l *lab) event(ev *Event) {
	id := uint32(0)
	if ev.Stream != nil {
		id = ev.Stream.ID()
		l.open[id] = ev.Stream
	}
	end := ""
	if ev.End {
		end = " end"
	}
	switch ev.Kind {
	case None, Settings:
	case Request:
		l.say("request %d %s%s", id, headText(ev.Head), end)
	case Refused:
		l.say("refused %d %s", ev.Status, ev.Reason)
	case Response:
		l.say("response %d %s%s", id, headText(ev.Head), end)
	case Interim:
		l.say("interim %d %s", id, headText(ev.Head))
	case Trailers:
		l.say("trailers %d%s%s", id, fieldText(ev.Head), end)
	case Data:
		l.say("data %d %s%s", id, short20(ev.Data), end)
	case Reset:
		who := "us " + ev.Reason.String()
		if ev.ByPeer {
			who = "peer"
		}
		if ev.Unprocessed {
			who += " unprocessed"
		}
		l.say("reset %d %s by %s", id, ev.Code, who)
		if !l.keep {
			l.c.Release(ev.Stream)
			delete(l.open, id)
		}
	case GoAway:
		l.say("goaway %d %s", ev.LastID, ev.Code)
	}
}

func short20(b []byte) string {
	if len(b) > 20 {
		return fmt.Sprintf("%d bytes", len(b))
	}
	return string(b)
}

// headText shows what of a head matters to those who forward it.
func headText(h *message.Head) string {
	var b strings.Builder
	if h.Status != 0 {
		fmt.Fprintf(&b, "%d", h.Status)
	} else {
		fmt.Fprintf(&b, "%s %s %s", h.Bytes(h.Method), h.Bytes(h.Authority), h.Bytes(h.Target))
	}
	switch h.Body {
	case message.Length:
		fmt.Fprintf(&b, " %d bytes", h.Length)
	case message.Stream:
		b.WriteString(" stream")
	}
	return b.String() + fieldText(h)
}

func fieldText(h *message.Head) string {
	var b strings.Builder
	for _, f := range h.Fields {
		if !f.Hop {
			fmt.Fprintf(&b, " %s=%s", h.Bytes(f.Name), h.Bytes(f.Value))
		}
	}
	return b.String()
}

// frames tells what c has sent, all but SETTINGS.
func (l *lab) frames() {
	for out := l.c.Out(); len(out) != 0; out = l.c.Out() {
		l.outb.Write(out)
		l.c.Sent(len(out))
	}
	if b := l.outb.Bytes(); bytes.HasPrefix(b, []byte(preface)) {
		l.outb.Next(len(preface))
	}
	for l.outb.Len() != 0 {
		f, err := l.back.ReadFrame()
		l.check(err)
		l.frame(f)
	}
}

func (l *lab) frame(f xhttp2.Frame) {
	id := f.Header().StreamID
	switch f := f.(type) {
	case *xhttp2.HeadersFrame:
		fields, err := l.dec.DecodeFull(f.HeaderBlockFragment())
		l.check(err)
		text := ""
		for _, f := range fields {
			text += " " + f.Name + "=" + f.Value
			if !f.Sensitive && f.Name[0] != ':' {
				l.t.Errorf("%s may be indexed by who forwards it", f.Name)
			}
		}
		l.say("> HEADERS %d%s%s", id, text, endText(f.StreamEnded()))
	case *xhttp2.DataFrame:
		l.say("> DATA %d %s%s", id, short20(f.Data()), endText(f.StreamEnded()))
	case *xhttp2.RSTStreamFrame:
		l.say("> RST %d %s", id, ErrCode(f.ErrCode))
	case *xhttp2.GoAwayFrame:
		l.say("> GOAWAY %d %s", f.LastStreamID, ErrCode(f.ErrCode))
	case *xhttp2.WindowUpdateFrame:
		l.say("> WINDOW %d %d", id, f.Increment)
	case *xhttp2.PingFrame:
		l.say("> PING %s ack=%v", f.Data[:], f.IsAck())
	}
}

func endText(end bool) string {
	if end {
		return " END"
	}
	return ""
}

// block encodes fields given as "name=value".
func (l *lab) block(fields []string) []byte {
	l.hbuf.Reset()
	for _, f := range fields {
		name, value, _ := strings.Cut(f[1:], "=")
		l.check(l.enc.WriteField(hpack.HeaderField{Name: f[:1] + name, Value: value}))
	}
	return l.hbuf.Bytes()
}

// head sends HEADERS; fields as for block.
func head(id uint32, end bool, fields ...string) step {
	return func(l *lab) {
		l.check(l.fr.WriteHeaders(xhttp2.HeadersFrameParam{
			StreamID: id, BlockFragment: l.block(fields), EndStream: end, EndHeaders: true}))
	}
}

var getFields = []string{":method=GET", ":scheme=https", ":authority=a", ":path=/"}
var postFields = []string{":method=POST", ":scheme=https", ":authority=a", ":path=/"}

func with(fields []string, more ...string) []string {
	return append(fields[:len(fields):len(fields)], more...)
}

func get(id uint32, more ...string) step  { return head(id, true, with(getFields, more...)...) }
func post(id uint32, more ...string) step { return head(id, false, with(postFields, more...)...) }

func data(id uint32, end bool, s string) step {
	return func(l *lab) { l.check(l.fr.WriteData(id, end, []byte(s))) }
}

func padded(id uint32, end bool, s string, pad int) step {
	return func(l *lab) { l.check(l.fr.WriteDataPadded(id, end, []byte(s), make([]byte, pad))) }
}

func rst(id uint32, code ErrCode) step {
	return func(l *lab) { l.check(l.fr.WriteRSTStream(id, xhttp2.ErrCode(code))) }
}

func window(id, n uint32) step {
	return func(l *lab) { l.check(l.fr.WriteWindowUpdate(id, n)) }
}

func settings(s ...xhttp2.Setting) step {
	return func(l *lab) { l.check(l.fr.WriteSettings(s...)) }
}

func ack(l *lab) { l.check(l.fr.WriteSettingsAck()) }

// raw sends a frame of any kind.
func raw(typ, flags uint8, id uint32, payload string) step {
	return func(l *lab) {
		l.in.Write(appendFrame(nil, len(payload), typ, flags, id))
		l.in.WriteString(payload)
	}
}

// answer sends an answer of the caller.
func answer(id uint32, status int, body string) step {
	return func(l *lab) {
		l.drive()
		s := l.open[id]
		l.c.BeginHead(s)
		l.c.Status(status)
		l.c.EndHead(body == "")
		if body != "" {
			l.c.Write(s, []byte(body), true)
		}
	}
}

func release(id uint32) step {
	return func(l *lab) {
		l.drive()
		l.c.Release(l.open[id])
		delete(l.open, id)
	}
}

func drive(l *lab) { l.drive() }

// ask opens a stream of a client and sends a request.
func ask(method string, more ...string) step {
	return func(l *lab) {
		l.drive()
		s, opened := l.c.Open()
		if !opened {
			l.say("not opened")
			return
		}
		l.c.BeginHead(s)
		l.c.Request([]byte(method), "http", []byte("a"), []byte("/"), "")
		for _, f := range more {
			name, value, _ := strings.Cut(f, "=")
			l.c.Field(name, []byte(value))
		}
		l.c.EndHead(method != "POST")
		l.open[s.ID()] = s
		l.frames()
		l.said = nil
	}
}
