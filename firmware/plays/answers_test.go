// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestAmbiguousAnswers lets a member answer with every row of the table and looks
// at what its client gets, and at what the client of the next request gets: never
// a byte of the row that is not the row's own.
func TestAmbiguousAnswers(t *testing.T) {
	const file = "testdata/ambiguous/answers.txt"
	rows := map[string]int{}
	for _, group := range table(t, file) {
		bug := group.dropWord("bug")
		switch group.word(0) {
		case "refused":
			rows[group.word(1)] += len(group.kids)
		case "cut", "accepted", "dirty":
		default:
			t.Fatal(group.errorf("want: refused, cut, accepted or dirty"))
		}
		if bug != playBugs() {
			continue
		}
		for _, n := range group.kids {
			for version, protocol := range map[string]string{"HTTP/1.1": "http", "HTTP/2": "https"} {
				if protocol == "https" && (slices.Contains(n.words, "1.0") || slices.Contains(n.words, "upgrade")) {
					continue
				}
				t.Run(fmt.Sprintf("%s:%d/%s", group.rest(0), n.line, version), func(t *testing.T) {
					t.Parallel()
					r := &answerRow{}
					r.group, r.n, r.protocol = group, n, protocol
					if err := r.test(); err != nil {
						t.Error(n.errorf("%v", err))
					}
				})
			}
		}
	}
	for reason := range ofAnswers {
		if rows[reason] == 0 {
			t.Errorf("%s: no row for %s", file, reason)
		}
	}
}

// An answerRow is one answer of the table:
//
//	METHOD [1.0] [upgrade] BYTES [* COUNT] ... [shut]
//
// answers a request of that method with those bytes, and with shut the member
// closes then.
type answerRow struct {
	streamRow
	answer string
	shut   bool

	mu    sync.Mutex
	conns int // connections to the member
}

func (r *answerRow) test() error {
	words := r.n.words
	request := fmt.Sprintf("%s /row HTTP/1.1\r\nHost: a\r\n", words[0])
	for words = words[1:]; words[0] == "1.0" || words[0] == "upgrade"; words = words[1:] {
		if words[0] == "1.0" {
			request = strings.Replace(request, "HTTP/1.1", "HTTP/1.0", 1)
			continue
		}
		request += "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	}
	if k := len(words) - 1; words[k] == "shut" {
		r.shut, words = true, words[:k]
	}
	var err error
	if r.answer, err = repeated(words); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() { r.serve(ln, &wg) })
	err = r.start(ln.Addr())
	switch {
	case err != nil:
	case r.protocol == "https":
		err = r.streams()
	default:
		err = r.exchanges(request + "\r\n")
	}
	err = errors.Join(err, r.box.stop())
	ln.Close()
	wg.Wait()
	return err
}

// serve answers a request for /row with the row, and others with what they ask for.
func (r *answerRow) serve(ln net.Listener, wg *sync.WaitGroup) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		r.conns++
		r.mu.Unlock()
		wg.Go(func() {
			defer c.Close()
			w := newWire(c)
			for {
				m, err := readRequest(w.r)
				if err != nil {
					return
				}
				answer := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
				if m.start[1] == "/row" {
					answer = r.answer
				}
				if _, err := io.WriteString(c, answer); err != nil || m.start[1] == "/row" && r.shut {
					return
				}
			}
		})
	}
}

// exchanges gets the row and then something else.
func (r *answerRow) exchanges(request string) error {
	w, err := r.dial()
	if err != nil {
		return err
	}
	defer w.Close()
	if _, err := io.WriteString(w, request); err != nil {
		return err
	}
	if err := r.expect(w, strings.HasPrefix(request, "HEAD")); err != nil {
		return err
	}
	another, err := r.dial()
	if err != nil {
		return err
	}
	defer another.Close()
	if err := r.row.probe(another); err != nil {
		return err
	}
	return r.counted()
}

// counted checks how many connections the member had.
func (r *answerRow) counted() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if want := map[bool]int{true: 1, false: 2}[r.group.rest(0) == "accepted"]; r.conns != want {
		return fmt.Errorf("the member saw %d connections, want %d", r.conns, want)
	}
	return nil
}

// streams does the same on two streams of one connection of HTTP/2.
func (r *answerRow) streams() error {
	done, err := r.connect()
	if err != nil {
		return err
	}
	defer done()
	if err := r.s.greeting(r.a); err != nil {
		return err
	}
	r.s.open(1)
	if err := r.s.writeHead(1, headOf(r.n.word(0), "a", "/row"), true); err != nil {
		return err
	}
	m, err := r.s.readHead(r.a, 1)
	for err == nil && m.start[1][0] == '1' {
		m, err = r.s.readHead(r.a, 1)
	}
	if err == nil && m.framing != "none" {
		err = r.s.readBody(r.a, 1, m)
	}
	if err := r.judge(m, err); err != nil {
		return err
	}
	if err := r.streamRow.probe(); err != nil {
		return err
	}
	if text := r.s.left(nil); text != "" {
		return fmt.Errorf("there is also %s", text)
	}
	return r.counted()
}

// expect reads what the client of the row gets.
func (r *answerRow) expect(w *wire, head bool) error {
	m, err := readAnswer(w.r, head)
	for err == nil && m.start[1][0] == '1' {
		m, err = readAnswer(w.r, head)
	}
	if err := r.judge(m, err); err != nil || r.group.word(0) == "cut" || r.group.word(0) == "refused" {
		return err
	}
	if quiet, err := w.quiet(&play{}, func() error { _, err := w.r.Peek(1); return err }); err == nil && !quiet {
		return fmt.Errorf("behind the answer came %s", w.read(&play{}))
	}
	return nil
}

// judge compares what the client got with what the group says.
func (r *answerRow) judge(m *message, err error) error {
	var bad *malformed
	switch kind := r.group.word(0); {
	case errors.As(err, &bad):
		return err
	case kind == "cut" && err == nil:
		return fmt.Errorf("the client takes it for whole: %w", got(m, nil))
	case kind == "cut":
		return nil
	case err != nil:
		return got(m, err)
	case kind == "refused" && m.start[1] != "502":
		return fmt.Errorf("want 502, %w", got(m, nil))
	case kind == "refused":
		return nil
	}
	claims := r.n.kids
	if r.protocol == "https" { // framing, and who takes trailers, are matters of HTTP/1
		claims = slices.DeleteFunc(slices.Clone(claims), func(n *node) bool {
			return n.word(0) == "framing" || n.word(1) == "trailers"
		})
	}
	return (&play{}).check(m, claims)
}
