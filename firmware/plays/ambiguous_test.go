// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// hidden is what stands behind the head of a row that does not say more: an end of
// chunks, and a request that nobody must ever see.
const hidden = "0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"

// refusals returns the status of each reason in the manual's table.
func refusals(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/manual/traffic.md")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\d{3}) \\|").FindAllSubmatch(text, -1) {
		found[string(m[1])] = string(m[2])
	}
	if len(found) < 30 {
		t.Fatalf("the manual's table of refusals has only %d rows; does the test still read it?", len(found))
	}
	return found
}

// ofAnswers are the reasons that only answers of members have.
var ofAnswers = map[string]bool{"bad_status_line": true, "bad_status": true, "unasked_upgrade": true, "bad_upgrade": true}

// TestAmbiguousRequests sends every row of the table to a box with a strict
// origin behind it, and to one with a lenient origin: what they see is exactly one
// well-formed request, the same to every reader, or none.
func TestAmbiguousRequests(t *testing.T) {
	const file = "testdata/ambiguous/requests.txt"
	status := refusals(t)
	rows := map[string]int{}
	for _, group := range table(t, file) {
		bug := group.dropWord("bug")
		reason := group.word(1)
		switch group.word(0) {
		case "refused", "cut":
			if status[reason] == "" {
				t.Errorf("%v", group.errorf("the manual's table has no such reason"))
			}
			rows[reason] += len(group.kids)
		case "accepted", "ended":
		default:
			t.Fatal(group.errorf("want: refused, cut, accepted or ended"))
		}
		if bug != playBugs() {
			continue
		}
		for _, n := range group.kids {
			r := row{group: group, n: n, status: status[reason]}
			toEveryOrigin(t, n, func(between between) error {
				r := r
				return between(&r, r.exchange)
			})
		}
	}
	for reason := range status {
		if rows[reason] == 0 && !ofAnswers[reason] {
			t.Errorf("%s: no row for %s, which the manual lists", file, reason)
		}
	}
}

// between lets an exchange speak with a box that has one kind of origin.
type between func(r *row, exchange func() error) error

// toEveryOrigin tests a row with each kind.
func toEveryOrigin(t *testing.T, n *node, test func(between) error) {
	for name, between := range map[string]between{
		"strict":  func(r *row, exchange func() error) error { return r.between(readRequest, exchange) },
		"lenient": func(r *row, exchange func() error) error { return r.between(lenient{}.read, exchange) },
		"streams": (*row).betweenStreams,
	} {
		t.Run(fmt.Sprintf("%d/%s", n.line, name), func(t *testing.T) {
			t.Parallel()
			if err := test(between); err != nil {
				t.Error(n.errorf("%v", err))
			}
		})
	}
}

// table reads a file of rows.
func table(t *testing.T, file string) []*node {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	root, err := parseTree(file, text)
	if err != nil {
		t.Fatal(err)
	}
	return root.kids
}

// dropWord takes word away from the beginning of the line, if it is there.
func (n *node) dropWord(word string) bool {
	if n.word(0) != word {
		return false
	}
	n.words = n.words[1:]
	return true
}

// A row is one request of the table.
type row struct {
	group, n *node
	status   string // if it is refused
	protocol string // of the cluster; http
	member   string // what it speaks; http
	box      *box
	vault    *vault // of the box
	addr     string
}

// rowVault has the certificate of all rows.
var rowVault = sync.OnceValue(newVault)

const ambiguousConfig = `
server "o" { address = %q }
pool "p" {
  protocol = %q
  member "o" {}
}
cluster "c" {
  protocol   = %q
  listen     = [%q]
  pool       = "p"
  via        = false
  request_id = false
  retries    = 0
  %s
}
`

// between lets exchange send the row, and then a request beyond all doubt, and
// looks at what has come to the origin when the box has ended.
func (r *row) between(read func(*bufio.Reader) (*message, error), exchange func() error) error {
	o, err := newOrigin(read)
	if err != nil {
		return err
	}
	if err = r.start(o.ln.Addr()); err == nil {
		err = exchange()
	}
	err = errors.Join(err, r.box.stop())
	o.stop()
	if err != nil {
		return err
	}
	return r.judge(o)
}

// start starts a box with one member.
func (r *row) start(member net.Addr) (err error) {
	r.vault = rowVault()
	if r.box, err = startBox(r.vault); err != nil {
		return err
	}
	addr, err := r.box.sockets.reserve()
	if err != nil {
		return err
	}
	r.addr = addr.String()
	_, with, _ := strings.Cut(r.group.text, " with ")
	text := fmt.Sprintf(ambiguousConfig, member, cmp.Or(r.member, "http"), cmp.Or(r.protocol, "http"), r.addr, with)
	return r.box.apply(r.n.file, text+`certificate "box" {}`, 0)
}

func (r *row) dial() (*wire, error) {
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	return newWire(c), nil
}

// exchange sends the row and expects what its group says.
func (r *row) exchange() error {
	request, err := r.request()
	if err != nil {
		return err
	}
	w, err := r.dial()
	if err != nil {
		return err
	}
	defer w.Close()
	if _, err := io.WriteString(w, request); err != nil && !ended(err) {
		return err
	}
	kind := r.group.word(0)
	if kind == "ended" {
		if err := w.raw.CloseWrite(); err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, w.r)
	} else {
		m, err := readAnswer(w.r, strings.HasPrefix(request, "HEAD"))
		switch want := r.want(); {
		case err != nil:
			return got(m, err)
		case m.start[1] != want:
			return fmt.Errorf("want %s, %w", want, got(m, nil))
		}
	}
	if kind == "accepted" {
		return r.probe(w)
	}
	if rest, err := io.ReadAll(w.r); len(rest) > 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("behind the answer came %s (%v), not the end", shorten(rest), err)
	}
	if err := r.counted(); err != nil {
		return err
	}
	another, err := r.dial()
	if err != nil {
		return err
	}
	defer another.Close()
	return r.probe(another)
}

func (r *row) want() string {
	if r.status == "" {
		return "200"
	}
	return r.status
}

// probe sends a request that every reader takes for the same.
func (r *row) probe(w *wire) error {
	if _, err := io.WriteString(w, "GET /probe HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	m, err := readAnswer(w.r, false)
	if err != nil || m.start[1] != "200" || string(m.body) != "ok" {
		return fmt.Errorf("the request behind it: %w", got(m, err))
	}
	if rest, err := io.ReadAll(w.r); len(rest) > 0 {
		return fmt.Errorf("behind the last answer came %s (%v)", shorten(rest), err)
	}
	return nil
}

// counted checks that the refusal is in the statistics.
func (r *row) counted() error {
	if r.group.word(0) == "ended" && r.protocol == "" {
		return nil
	}
	sample := fmt.Sprintf("evener_cluster_rejected_total{cluster=%q,reason=%q}", "c", r.group.word(1))
	if r.protocol != "" {
		sample = fmt.Sprintf("evener_cluster_rejected_total{cluster=%q,reason=%q}", "c", "h2_"+r.group.word(1))
	} else if r.group.word(0) == "cut" {
		sample = `evener_cluster_terminations_total{cluster="c",reason="bad_request"}`
	}
	for end := time.Now().Add(time.Second); ; time.Sleep(time.Millisecond) {
		if v, err := r.box.metric(sample); v == "1" || err != nil {
			return err
		} else if time.Now().After(end) {
			return fmt.Errorf("%s is %s, want 1", sample, v)
		}
	}
}

// judge looks at what came to the origin with the eyes of three readers.
func (r *row) judge(o *origin) error {
	if len(o.faults) > 0 {
		return fmt.Errorf("the origin got a request that is %w", o.faults[0])
	}
	seen, err := o.requests(readRequest)
	if err != nil {
		return err
	}
	for _, other := range []lenient{{false}, {true}} {
		loose, err := o.requests(other.read)
		if err != nil {
			return err
		}
		if err := same(seen, loose); err != nil {
			return err
		}
	}
	return r.judgeSeen(seen)
}

// judgeSeen looks at the requests that came whole.
func (r *row) judgeSeen(seen []*message) error {
	want := 1 // the probe
	if r.group.word(0) == "accepted" {
		want = 2
	}
	if len(seen) != want || seen[want-1].start[1] != "/probe" {
		return fmt.Errorf("the origin saw %d requests, want %d, the last for /probe:%v", len(seen), want, seen)
	}
	if r.group.word(0) != "accepted" {
		return nil
	}
	claim := r.n.kids
	if len(claim) != 1 || len(claim[0].words) != 3 || claim[0].word(0) != "origin" {
		return fmt.Errorf("want below an accepted row: origin METHOD TARGET")
	}
	if seen[0].start != [3]string{claim[0].word(1), claim[0].word(2), "HTTP/1.1"} {
		return fmt.Errorf("the origin saw%v", seen[0])
	}
	claims := claim[0].kids
	if r.member == "h2c" { // framing, and who takes trailers, are matters of HTTP/1
		claims = slices.DeleteFunc(slices.Clone(claims), func(n *node) bool {
			return n.word(0) == "framing" || n.word(1) == "trailers" || n.text == "no field TE"
		})
	}
	return (&play{}).check(seen[0], claims)
}

// request makes the bytes of a row:
//
//	get FIELD... [< BODY]    of GET / with Host
//	post FIELD... [< BODY]   of POST / with Host
//	line LINE FIELD...       of that request line, with Host
//	raw BYTES [* COUNT] ...  as they are
//
// A row has behind its head what [hidden] is, if it says nothing and is not
// accepted.
func (r *row) request() (string, error) {
	words := r.n.words
	body := hidden
	if r.group.word(0) == "accepted" {
		body = ""
	}
	if k := len(words); k > 2 && words[k-2] == "<" {
		words, body = words[:k-2], words[k-1]
	}
	start := ""
	switch words[0] {
	case "get":
		start = "GET / HTTP/1.1\r\nHost: a\r\n"
	case "post":
		start = "POST / HTTP/1.1\r\nHost: a\r\n"
	case "line":
		start, words = words[1]+"\r\nHost: a\r\n", words[1:]
	case "raw":
		return repeated(words[1:])
	default:
		return "", fmt.Errorf("want: get, post, line or raw")
	}
	fields := ""
	for _, f := range words[1:] {
		fields += f + "\r\n"
	}
	return start + fields + "\r\n" + body, nil
}

// repeated joins words; "* N" repeats the one before.
func repeated(words []string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(words); i++ {
		times := 1
		if i+2 < len(words) && words[i+1] == "*" {
			var err error
			if times, err = strconv.Atoi(words[i+2]); err != nil {
				return "", err
			}
		}
		out.WriteString(strings.Repeat(words[i], times))
		if times > 1 {
			i += 2
		}
	}
	return out.String(), nil
}
