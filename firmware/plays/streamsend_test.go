// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// step returns the steps of HTTP/2. All of them greet first, but for those that
// say themselves what the first bytes are.
func (s *streams) step(word string) step {
	switch word {
	case "send":
		return nil
	case "settings":
		return s.sendSettings
	case "bare":
		return func(*actor, *node) error { s.greet = true; return nil }
	}
	f := map[string]step{
		"request": s.sendRequest, "answer": s.sendAnswer, "head": s.sendHead, "data": s.sendData,
		"trailers": s.sendTrailers, "rst": s.sendReset, "goaway": s.sendGoAway, "ping": s.sendPing,
		"window": s.sendWindow, "frame": s.sendFrame, "expect": s.expect,
		"together": func(a *actor, n *node) error {
			return s.out.together(func() error { return a.run(n.kids) })
		},
		"withhold": func(*actor, *node) error { s.mean = true; return nil },
	}[word]
	if f == nil {
		return nil
	}
	return func(a *actor, n *node) error {
		if err := s.greeting(a); err != nil {
			return err
		}
		return f(a, n)
	}
}

// about takes "on STREAM" from the end of a line, and returns the other words and
// the stream: without it, that of the step before.
func (s *streams) about(n *node) ([]string, uint32, error) {
	k := len(n.words)
	if k < 3 || n.words[k-2] != "on" {
		return n.words, s.last, nil
	}
	id, err := strconv.ParseUint(n.words[k-1], 10, 31)
	if err != nil {
		return nil, 0, n.errorf("want: on STREAM")
	}
	s.last = uint32(id)
	return n.words[:k-2], s.last, nil
}

// begin begins a stream of a client: the next one, or the one that is said.
func (s *streams) begin(n *node) ([]string, uint32, error) {
	top := uint32(1)
	for id := range s.lanes {
		top = max(top, id+2)
	}
	k := len(n.words)
	words, id, err := s.about(n)
	if len(words) == k {
		id = top
	}
	if s.lanes[id] == nil {
		s.open(id)
	}
	s.last = id
	return words, id, err
}

// sendRequest sends a request: request METHOD TARGET ["BODY"] [on STREAM]. Lines
// of data are fields, Host becomes :authority.
func (s *streams) sendRequest(a *actor, n *node) error {
	words, id, err := s.begin(n)
	if err != nil || len(words) < 3 || len(words) > 4 {
		return n.errorf(`want: request METHOD TARGET ["BODY"] [on STREAM]`)
	}
	fields, err := a.p.linesOf(n)
	if err != nil {
		return err
	}
	pseudo := []field{{":method", words[1]}, {":scheme", "https"}, {":authority", defaultHost}, {":path", words[2]}}
	if s.clear(a) {
		pseudo[1].value = "http"
	}
	for i, f := range fields {
		if f.name == "host" {
			pseudo[2].value = f.value
			fields = append(fields[:i], fields[i+1:]...)
			break
		}
	}
	return s.writeMessage(a, id, append(pseudo, fields...), words[3:])
}

func (s *streams) clear(a *actor) bool { return a.Conn == a.raw }

// sendAnswer sends an answer: answer STATUS ["BODY"] [on STREAM].
func (s *streams) sendAnswer(a *actor, n *node) error {
	words, id, err := s.about(n)
	if err != nil || len(words) < 2 || len(words) > 3 {
		return n.errorf(`want: answer STATUS ["BODY"] [on STREAM]`)
	}
	fields, err := a.p.linesOf(n)
	if err != nil {
		return err
	}
	return s.writeMessage(a, id, append([]field{{":status", words[1]}}, fields...), words[2:])
}

func (s *streams) writeMessage(a *actor, id uint32, fields []field, body []string) error {
	if err := s.writeHead(id, fields, len(body) == 0); err != nil || len(body) == 0 {
		return err
	}
	return s.writeData(a, id, []byte(body[0]), true)
}

// linesOf returns the lines of data below n as fields with names in small letters.
func (p *play) linesOf(n *node) ([]field, error) {
	text, err := p.fill(n, string(n.data))
	if err != nil {
		return nil, err
	}
	var out []field
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ": ")
		if !ok {
			return nil, n.errorf("want below: | NAME: VALUE")
		}
		out = append(out, field{strings.ToLower(name), value})
	}
	return out, nil
}

// fieldsOf returns the lines below n as fields: NAME VALUE, or - "NAME" VALUE
// where the name needs quotes.
func (p *play) fieldsOf(n *node) ([]field, error) {
	var out []field
	for _, k := range n.kids {
		i := 0
		if k.word(0) == "-" {
			i = 1
		}
		value, err := p.fill(k, k.rest(i+1))
		if err != nil {
			return nil, err
		}
		out = append(out, field{k.word(i), value})
	}
	return out, nil
}

// sendHead sends exactly the fields below: head [end] [on STREAM]. A client begins
// the next stream.
func (s *streams) sendHead(a *actor, n *node) error {
	about := s.begin
	if s.server {
		about = s.about
	}
	words, id, err := about(n)
	if err != nil {
		return err
	}
	fields, err := a.p.fieldsOf(n)
	if err != nil {
		return err
	}
	return s.writeHead(id, fields, len(words) > 1 && words[1] == "end")
}

// sendTrailers ends a stream with the fields below.
func (s *streams) sendTrailers(a *actor, n *node) error {
	_, id, err := s.about(n)
	if err != nil {
		return err
	}
	fields, err := a.p.fieldsOf(n)
	if err != nil {
		return err
	}
	return s.writeHead(id, fields, true)
}

// writeHead sends HEADERS, and CONTINUATION where it is long.
func (s *streams) writeHead(id uint32, fields []field, end bool) error {
	const most = 16384
	block := s.encode(fields)
	first := block[:min(most, len(block))]
	block = block[len(first):]
	err := s.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndStream: end, EndHeaders: len(block) == 0})
	for len(block) > 0 && err == nil {
		next := block[:min(most, len(block))]
		block = block[len(next):]
		err = s.fr.WriteContinuation(id, len(block) == 0, next)
	}
	return err
}

func (s *streams) encode(fields []field) []byte {
	s.block.Reset()
	for _, f := range fields {
		_ = s.enc.WriteField(hpack.HeaderField{Name: f.name, Value: f.value})
	}
	return s.block.Bytes()
}

// sendData sends DATA as the windows allow: data "BYTES" [end] [on STREAM], or
// with lines of data below.
func (s *streams) sendData(a *actor, n *node) error {
	words, id, err := s.about(n)
	if err != nil {
		return err
	}
	end := len(words) > 1 && words[len(words)-1] == "end"
	if end {
		words = words[:len(words)-1]
	}
	data := ""
	if len(words) > 1 && words[1] != "" || len(n.data) > 0 {
		if data, err = a.p.dataOf(&node{file: n.file, line: n.line, text: n.text, words: words, data: n.data}, 1); err != nil {
			return err
		}
	}
	return s.writeData(a, id, []byte(data), end)
}

func (s *streams) writeData(a *actor, id uint32, data []byte, end bool) error {
	l := s.lanes[id]
	if l == nil {
		return fmt.Errorf("there is no stream %d", id)
	}
	for {
		k := min(int64(len(data)), s.window, l.window, 16384)
		if k > 0 || len(data) == 0 {
			if err := s.fr.WriteData(id, end && int(k) == len(data), data[:k]); err != nil {
				return err
			}
			s.window -= k
			l.window -= k
			data = data[k:]
		}
		if len(data) == 0 {
			return nil
		}
		for s.window <= 0 || l.window <= 0 {
			if err := s.pump(a); err != nil {
				return s.noMore(err)
			}
			if l.ended && len(l.events) > 0 && l.events[len(l.events)-1].kind == "rst" {
				return fmt.Errorf("%d bytes are left, and there is %v", len(data), s.left(nil))
			}
		}
	}
}

func (s *streams) sendReset(_ *actor, n *node) error {
	words, id, err := s.about(n)
	if err != nil {
		return err
	}
	code, err := errCode(n, words, 1)
	if err != nil {
		return err
	}
	return s.fr.WriteRSTStream(id, code)
}

// sendGoAway sends goaway CODE LAST.
func (s *streams) sendGoAway(_ *actor, n *node) error {
	code, err := errCode(n, n.words, 1)
	if err != nil {
		return err
	}
	last, err := strconv.ParseUint(n.word(2), 10, 31)
	if err != nil {
		return n.errorf("want: goaway CODE LAST")
	}
	return s.fr.WriteGoAway(uint32(last), code, nil)
}

// errCode reads a code by its name in RFC 9113 section 7.
func errCode(n *node, words []string, i int) (http2.ErrCode, error) {
	for c := http2.ErrCodeNo; c <= http2.ErrCodeHTTP11Required; c++ {
		if i < len(words) && c.String() == words[i] {
			return c, nil
		}
	}
	return 0, n.errorf("want a code, such as NO_ERROR or CANCEL")
}

func (s *streams) sendPing(_ *actor, n *node) error {
	var b [8]byte
	if copy(b[:], n.word(1)) != 8 {
		return n.errorf("want: ping with eight bytes")
	}
	return s.fr.WritePing(false, b)
}

// sendWindow sends window N [on STREAM], for the connection on 0.
func (s *streams) sendWindow(_ *actor, n *node) error {
	words, id, err := s.about(n)
	if err != nil || len(words) != 2 {
		return n.errorf("want: window N [on STREAM]")
	}
	by, err := strconv.ParseUint(words[1], 10, 32)
	if err != nil {
		return n.errorf("want: window N [on STREAM]")
	}
	return s.fr.WriteWindowUpdate(id, uint32(by))
}

var settingNames = map[string]http2.SettingID{
	"HEADER_TABLE_SIZE": http2.SettingHeaderTableSize, "ENABLE_PUSH": http2.SettingEnablePush,
	"MAX_CONCURRENT_STREAMS": http2.SettingMaxConcurrentStreams, "INITIAL_WINDOW_SIZE": http2.SettingInitialWindowSize,
	"MAX_FRAME_SIZE": http2.SettingMaxFrameSize, "MAX_HEADER_LIST_SIZE": http2.SettingMaxHeaderListSize,
	"ENABLE_CONNECT_PROTOCOL": http2.SettingEnableConnectProtocol,
}

// settingsOf reads NAME=VALUE from word i on.
func settingsOf(n *node, i int) ([]http2.Setting, error) {
	var out []http2.Setting
	for _, w := range n.words[i:] {
		name, value, _ := strings.Cut(w, "=")
		id, known := settingNames[name]
		v, err := strconv.ParseUint(value, 10, 32)
		if !known || err != nil {
			return nil, n.errorf("want settings, such as ENABLE_PUSH=0")
		}
		out = append(out, http2.Setting{ID: id, Val: uint32(v)})
	}
	return out, nil
}

// sendSettings sends SETTINGS, which are the first if nothing was sent before.
func (s *streams) sendSettings(a *actor, n *node) error {
	settings, err := settingsOf(n, 1)
	if err != nil {
		return err
	}
	if !s.greet {
		return s.greeting(a, settings...)
	}
	return s.fr.WriteSettings(settings...)
}

// sendFrame sends any frame: frame TYPE FLAGS STREAM [DATA]. TYPE and FLAGS are
// numbers, or TYPE is a name.
func (s *streams) sendFrame(a *actor, n *node) error {
	if len(n.words) < 4 {
		return n.errorf("want: frame TYPE FLAGS STREAM [DATA]")
	}
	kind, err := frameType(n.word(1))
	flags, e := strconv.ParseUint(n.word(2), 0, 8)
	id, e2 := strconv.ParseUint(n.word(3), 10, 32)
	if err = errors.Join(err, e, e2); err != nil {
		return n.errorf("%v", err)
	}
	data := ""
	if len(n.words) > 4 || len(n.data) > 0 {
		if data, err = a.p.dataOf(n, 4); err != nil {
			return err
		}
	}
	if s.lanes[uint32(id)] == nil && id != 0 && http2.FrameType(kind) == http2.FrameHeaders {
		s.open(uint32(id))
	}
	return s.fr.WriteRawFrame(kind, http2.Flags(flags), uint32(id), []byte(data))
}

func frameType(word string) (http2.FrameType, error) {
	for t := http2.FrameData; t <= http2.FrameContinuation; t++ {
		if t.String() == word {
			return t, nil
		}
	}
	v, err := strconv.ParseUint(word, 0, 8)
	return http2.FrameType(v), err
}
