// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"errors"
	"fmt"
	"io"
	"net"
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
			t.Run(fmt.Sprintf("%s:%d", group.rest(0), n.line), func(t *testing.T) {
				t.Parallel()
				if err := (&answerRow{group: group, n: n}).test(); err != nil {
					t.Error(n.errorf("%v", err))
				}
			})
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
	group, n *node
	row
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
	r.row.group, r.row.n = r.group, r.n
	err = r.start(ln.Addr())
	if err == nil {
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
	if err := r.probe(another); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if want := map[bool]int{true: 1, false: 2}[r.group.rest(0) == "accepted"]; r.conns != want {
		return fmt.Errorf("the member saw %d connections, want %d", r.conns, want)
	}
	return nil
}

// expect reads what the client of the row gets.
func (r *answerRow) expect(w *wire, head bool) error {
	m, err := readAnswer(w.r, head)
	for err == nil && m.start[1][0] == '1' {
		m, err = readAnswer(w.r, head)
	}
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
	if quiet, err := w.quiet(&play{}, func() error { _, err := w.r.Peek(1); return err }); err == nil && !quiet {
		return fmt.Errorf("behind the answer came %s", w.read(&play{}))
	}
	return (&play{}).check(m, r.n.kids)
}
