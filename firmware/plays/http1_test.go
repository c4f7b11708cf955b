// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// plain is the speech of bytes and of HTTP/1.
type plain struct{}

func (plain) step(word string) step {
	switch word {
	case "request":
		return sendRequest
	case "answer":
		return sendAnswer
	case "expect":
		return expect
	}
	return nil
}

func (plain) more(a *actor) error {
	_, err := a.r.Peek(1)
	return err
}

func (plain) left(a *actor) string { return a.read(a.p) }

// sendRequest sends a request of HTTP/1.1. Lines of data are fields; a Host and
// a Content-Length are added where they are needed.
func sendRequest(a *actor, n *node) error {
	if len(n.words) != 3 && len(n.words) != 4 {
		return n.errorf(`want: request METHOD TARGET ["BODY"]`)
	}
	fields, err := a.p.fill(n, string(n.data))
	if err != nil {
		return err
	}
	if !hasField(fields, "host") {
		fields = "Host: play.test\r\n" + fields
	}
	return writeMessage(a, n.word(1)+" "+n.word(2)+" HTTP/1.1", fields, n, 3)
}

// sendAnswer sends an answer of HTTP/1.1. Lines of data are fields; a
// Content-Length is added where the status allows a body.
func sendAnswer(a *actor, n *node) error {
	status, err := strconv.Atoi(n.word(1))
	if err != nil || len(n.words) > 3 {
		return n.errorf(`want: answer STATUS ["BODY"]`)
	}
	fields, err := a.p.fill(n, string(n.data))
	if err != nil {
		return err
	}
	if len(n.words) == 2 && status >= 200 && status != 204 && status != 304 && !framed(fields) {
		fields += "Content-Length: 0\r\n"
	}
	return writeMessage(a, fmt.Sprintf("HTTP/1.1 %d %s", status, http.StatusText(status)), fields, n, 2)
}

// writeMessage sends a head and the body that is the word at i, if any.
func writeMessage(a *actor, start, fields string, n *node, i int) error {
	body := n.word(i)
	if len(n.words) > i && !framed(fields) {
		fields += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	_, err := io.WriteString(a, start+"\r\n"+fields+"\r\n"+body)
	return err
}

func framed(fields string) bool {
	return hasField(fields, "content-length") || hasField(fields, "transfer-encoding")
}

func hasField(fields, name string) bool {
	for line := range strings.Lines(fields) {
		if before, _, ok := strings.Cut(line, ":"); ok && strings.EqualFold(before, name) {
			return true
		}
	}
	return false
}

// expect expects what the words behind it say.
func expect(a *actor, n *node) error {
	switch n.word(1) {
	case "request":
		return expectRequest(a, n, 2)
	case "answer":
		return expectAnswer(a, n, false)
	case "head":
		if n.word(2) == "request" {
			return expectRequest(a, n, 3)
		}
		return expectAnswer(a, n, true)
	case "bytes":
		return expectBytes(a, n)
	case "end", "reset", "closed":
		return expectEnd(a, n)
	case "nothing":
		return expectNothing(a, n)
	}
	return n.errorf("want: expect request, answer, head, bytes, end, reset, closed or nothing")
}

// expectRequest reads a request whose method is the word at i; with head before
// it, the head only.
func expectRequest(a *actor, n *node, i int) error {
	if len(n.words) != i+2 {
		return n.errorf("want: expect [head] request METHOD TARGET")
	}
	read := readRequest
	if i == 3 {
		read = readRequestHead
	}
	m, err := read(a.r)
	if err != nil {
		return got(m, err)
	}
	want, err := a.p.fill(n, n.rest(i)+" HTTP/1.1")
	if err != nil {
		return err
	}
	if strings.Join(m.start[:], " ") != want {
		return got(m, nil)
	}
	return a.p.check(m, n.kids)
}

// expectAnswer reads an answer, or with head its head only: for answers to HEAD
// and for those behind which something else than a body comes.
func expectAnswer(a *actor, n *node, head bool) error {
	version, status := "HTTP/1.1", n.word(2)
	if len(n.words) == 4 {
		version = n.word(3)
	}
	if len(n.words) < 3 || len(n.words) > 4 {
		return n.errorf("want: expect %s STATUS [VERSION]", n.word(1))
	}
	m, err := readAnswer(a.r, head)
	if err != nil {
		return got(m, err)
	}
	if m.start[1] != status || m.start[0] != version {
		return got(m, nil)
	}
	a.done = a.done || m.framing == "close"
	return a.p.check(m, n.kids)
}

// got says what came in place of what was expected.
func got(m *message, err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = errors.New("nothing more came")
	case m == nil && err == io.EOF:
		return errors.New("the connection was closed")
	case err == nil:
		return fmt.Errorf("got%v", m)
	}
	if m == nil {
		return err
	}
	return fmt.Errorf("%w, after%v", err, m)
}

func expectBytes(a *actor, n *node) error {
	want, err := a.p.dataOf(n, 2)
	if err != nil {
		return err
	}
	b := make([]byte, len(want))
	k, err := io.ReadFull(a.r, b)
	if err == nil && string(b) == want {
		return nil
	}
	more := ""
	if err == nil {
		more = ", then " + a.read(a.p)
	}
	return fmt.Errorf("got %s (%v)%s; want %s", shorten(b[:k]), err, more, shorten([]byte(want)))
}

func expectNothing(a *actor, _ *node) error {
	quiet, err := a.quiet()
	if err == nil && !quiet {
		err = fmt.Errorf("got %s", a.speech.left(a))
	}
	return err
}

func expectEnd(a *actor, n *node) error {
	a.done = true
	b, err := io.ReadAll(io.LimitReader(a.r, 2000))
	if len(b) > 0 {
		return fmt.Errorf("got %s (%v)", shorten(b), err)
	}
	how := "end"
	if err != nil {
		if how = "reset"; !ended(err) {
			return err
		}
	}
	if n.word(1) != "closed" && n.word(1) != how {
		return fmt.Errorf("got %s", how)
	}
	return nil
}
