// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// expect expects what the words behind it say, on the stream of the step before
// or on the one that is said.
func (s *streams) expect(a *actor, n *node) error {
	switch n.word(1) {
	case "request":
		return s.expectRequest(a, n, false)
	case "answer":
		return s.expectAnswer(a, n, false)
	case "head":
		if n.word(2) == "request" {
			return s.expectRequest(a, n, true)
		}
		return s.expectAnswer(a, n, true)
	case "data":
		return s.expectData(a, n)
	case "trailers":
		return s.expectTrailers(a, n)
	case "rst":
		return s.expectReset(a, n)
	case "goaway", "pong":
		return s.expectControl(a, n)
	case "settings":
		return s.expectSettings(a, n)
	case "end", "reset", "closed":
		return s.expectEnd(a, n)
	case "nothing":
		return expectNothing(a, n)
	}
	return n.errorf("want: expect request, answer, head, data, trailers, rst, goaway, pong, settings, end, reset, closed or nothing")
}

// expectRequest takes the next stream of a client.
func (s *streams) expectRequest(a *actor, n *node, headOnly bool) error {
	words, id, err := s.about(n)
	if err != nil {
		return err
	}
	if headOnly {
		words = words[1:]
	}
	if len(words) != 4 {
		return n.errorf("want: expect [head] request METHOD TARGET [on STREAM]")
	}
	if len(words) == len(n.words) || headOnly && len(words)+1 == len(n.words) {
		for len(s.fresh) == 0 {
			if err := s.pump(a); err != nil {
				return s.noMore(err)
			}
		}
		id = s.fresh[0]
	}
	s.fresh = slices.DeleteFunc(s.fresh, func(other uint32) bool { return other == id })
	s.last = id
	m, err := s.read(a, id, headOnly)
	if err != nil {
		return got(m, err)
	}
	target, err := a.p.fill(n, words[3])
	if err != nil {
		return err
	}
	if m.start != [3]string{words[2], target, "HTTP/2"} {
		return got(m, nil)
	}
	return a.p.check(m, n.kids)
}

// expectAnswer reads an answer to its end, or only its head.
func (s *streams) expectAnswer(a *actor, n *node, headOnly bool) error {
	words, id, err := s.about(n)
	if err != nil || len(words) != 3 {
		return n.errorf("want: expect %s STATUS [on STREAM]", n.word(1))
	}
	m, err := s.read(a, id, headOnly)
	if err != nil {
		return got(m, err)
	}
	if m.start[1] != words[2] {
		return got(m, nil)
	}
	return a.p.check(m, n.kids)
}

// An unexpected error is an event that is not the one that was waited for.
type unexpected struct{ event }

func (e *unexpected) Error() string { return "got " + e.String() }

// read reads a message or only its head.
func (s *streams) read(a *actor, id uint32, headOnly bool) (*message, error) {
	m, err := s.readHead(a, id)
	if err != nil || headOnly || m.framing == "none" {
		return m, err
	}
	return m, s.readBody(a, id, m)
}

// readHead reads a head. Behind one that ends the stream the framing is none.
func (s *streams) readHead(a *actor, id uint32) (*message, error) {
	e, err := s.next(a, id)
	if err != nil {
		return nil, err
	}
	if e.kind != "head" {
		return nil, &unexpected{e}
	}
	m, err := s.message(e.fields)
	m.framing = map[bool]string{true: "none", false: "data"}[e.end]
	return m, err
}

// readBody reads the body of m, and its trailers.
func (s *streams) readBody(a *actor, id uint32, m *message) error {
	for end := false; !end; {
		e, err := s.next(a, id)
		if err != nil {
			return err
		}
		switch end = e.end; e.kind {
		case "data":
			m.body = append(m.body, e.data...)
		case "head":
			if m.trailers, err = strictFields(e.fields); err != nil || !e.end {
				return &malformed{fmt.Sprintf("trailers: %v, end %v", err, e.end)}
			}
		case "rst":
			return &unexpected{e}
		}
	}
	if length := m.values("content-length"); len(length) > 0 && length[0] != fmt.Sprint(len(m.body)) {
		return &malformed{fmt.Sprintf("content-length %s, and %d bytes came", length, len(m.body))}
	}
	return nil
}

var (
	streamName  = regexp.MustCompile("^[!#$%&'*+.^_|~0-9a-z`-]+$")
	streamValue = regexp.MustCompile(`^([^\x00-\x20\x7f]([^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?)?$`)
)

// strictFields checks the fields of a head behind its pseudo-fields (RFC 9113
// section 8.2).
func strictFields(fields []field) ([]field, error) {
	for _, f := range fields {
		switch {
		case !streamName.MatchString(f.name), !streamValue.MatchString(f.value),
			slices.Contains([]string{"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}, f.name),
			f.name == "te" && f.value != "trailers":
			return fields, &malformed{fmt.Sprintf("field %q: %q", f.name, f.value)}
		}
	}
	return fields, nil
}

// message makes a message of a head (RFC 9113 section 8.3).
func (s *streams) message(fields []field) (*message, error) {
	pseudo := map[string]string{}
	k := 0
	for ; k < len(fields) && strings.HasPrefix(fields[k].name, ":"); k++ {
		if _, twice := pseudo[fields[k].name]; twice {
			return &message{fields: fields}, &malformed{"twice " + fields[k].name}
		}
		pseudo[fields[k].name] = fields[k].value
	}
	m := &message{start: [3]string{"HTTP/2", pseudo[":status"], ""}, fields: fields}
	want := []string{":status"}
	if s.server {
		m.start = [3]string{pseudo[":method"], pseudo[":path"], "HTTP/2"}
		want = []string{":authority", ":method", ":path", ":scheme"}
		if _, extended := pseudo[":protocol"]; extended {
			want = []string{":authority", ":method", ":path", ":protocol", ":scheme"}
		}
	}
	for _, name := range want {
		if pseudo[name] == "" {
			return m, &malformed{"no " + name}
		}
	}
	if len(pseudo) != len(want) {
		return m, &malformed{fmt.Sprintf("pseudo-fields %v", pseudo)}
	}
	_, err := strictFields(fields[k:])
	return m, err
}

// expectData expects exactly these bytes: expect data DATA [end] [on STREAM].
func (s *streams) expectData(a *actor, n *node) error {
	words, id, err := s.about(n)
	if err != nil {
		return err
	}
	end := len(words) > 2 && words[len(words)-1] == "end"
	if end {
		words = words[:len(words)-1]
	}
	want := ""
	if len(words) > 2 && words[2] != "" || len(n.data) > 0 {
		if want, err = a.p.dataOf(&node{file: n.file, line: n.line, text: n.text, words: words, data: n.data}, 2); err != nil {
			return err
		}
	}
	have, over := "", false
	for len(have) < len(want) || end && !over {
		e, err := s.next(a, id)
		if err != nil {
			return fmt.Errorf("%w; before it came %s", err, shorten([]byte(have)))
		}
		have, over = have+string(e.data), e.end
		if e.kind != "data" || over && len(have) < len(want) {
			return fmt.Errorf("got %v, behind %s", e, shorten([]byte(have)))
		}
	}
	if have != want || over != end {
		return fmt.Errorf("got %s, end %v; want %s", shorten([]byte(have)), over, shorten([]byte(want)))
	}
	return nil
}

// expectTrailers expects the end of a stream by fields, and checks those.
func (s *streams) expectTrailers(a *actor, n *node) error {
	_, id, err := s.about(n)
	if err != nil {
		return err
	}
	e, err := s.next(a, id)
	if err != nil {
		return err
	}
	if e.kind != "head" || !e.end {
		return fmt.Errorf("got %v", e)
	}
	if _, err := strictFields(e.fields); err != nil {
		return err
	}
	return a.p.check(&message{fields: e.fields}, n.kids)
}

// expectReset expects rst CODE [on STREAM]. Data that came before is let pass.
func (s *streams) expectReset(a *actor, n *node) error {
	words, id, err := s.about(n)
	if err != nil {
		return err
	}
	code, err := errCode(n, words, 2)
	if err != nil {
		return err
	}
	for {
		e, err := s.next(a, id)
		if err != nil {
			return err
		}
		switch {
		case e.kind == "data" && !e.end:
		case e.kind == "rst" && e.code == code:
			return nil
		default:
			return fmt.Errorf("got %v", e)
		}
	}
}

// expectControl expects goaway CODE [last STREAM], or pong "BYTES".
func (s *streams) expectControl(a *actor, n *node) error {
	for {
		for i, e := range s.control {
			if e.kind != n.word(1) {
				continue
			}
			s.control = slices.Delete(s.control, i, i+1)
			have := fmt.Sprintf("%v last %d", e.code, e.last)
			if n.word(3) == "" {
				have = e.code.String()
			}
			if e.kind == "pong" {
				have = string(e.data)
			}
			if have != n.rest(2) {
				return fmt.Errorf("got %v", e)
			}
			return nil
		}
		if err := s.pump(a); err != nil {
			return s.noMore(err)
		}
	}
}

// expectSettings waits for SETTINGS and checks some.
func (s *streams) expectSettings(a *actor, n *node) error {
	want, err := settingsOf(n, 2)
	if err != nil {
		return err
	}
	for !s.settled {
		if err := s.pump(a); err != nil {
			return s.noMore(err)
		}
	}
	for _, v := range want {
		if have, ok := s.peer[v.ID]; !ok || have != v.Val {
			return fmt.Errorf("%v is %d (%v)", v.ID, have, ok)
		}
	}
	return nil
}

// expectEnd expects the end of the connection, before which nothing else comes
// than GOAWAY.
func (s *streams) expectEnd(a *actor, n *node) error {
	a.done = true
	err := s.more(a)
	how := "end"
	switch {
	case err == nil:
		return fmt.Errorf("got %s", s.left(a))
	case errors.Is(err, io.EOF):
	case ended(err):
		how = "reset"
	default:
		return err
	}
	if n.word(1) != "closed" && n.word(1) != how {
		return fmt.Errorf("got %s", how)
	}
	return nil
}
