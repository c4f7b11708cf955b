// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	framer "golang.org/x/net/http2"

	"evener/firmware/http2"
)

// shownElsewhere are the reasons that no single request can have.
var shownElsewhere = map[http2.Reason]string{
	http2.BadStatus:     "of answers",
	http2.NoAnswer:      "of answers",
	http2.StreamFlow:    "testdata/flow/stream_overrun.play",
	http2.ConnFlow:      "testdata/flow/connection_overrun.play",
	http2.ClosedStream:  "testdata/streams/closed.play",
	http2.StreamClosed:  "testdata/streams/closed.play",
	http2.RefusedStream: "testdata/streams/refused.play",
	http2.QueueFlood:    "of package http2: the kernel takes what is queued",
}

// TestAmbiguousStreams does with requests of HTTP/2 what TestAmbiguousRequests
// does with those of HTTP/1.
func TestAmbiguousStreams(t *testing.T) {
	const file = "testdata/ambiguous/streams.txt"
	fates := fates(t)
	rows := map[string]int{}
	for _, group := range table(t, file) {
		bug := group.dropWord("bug")
		rows[group.word(1)] += len(group.kids)
		fate, known := map[string]string{"reset": "RST_STREAM", "cut": "RST_STREAM", "ended": "GOAWAY", "refused": "answer", "accepted": ""}[group.word(0)]
		switch {
		case !known:
			t.Fatal(group.errorf("want: reset, refused, cut, ended or accepted"))
		case fate != "" && fates[group.word(1)] != fate+" "+group.word(2):
			t.Errorf("%v", group.errorf("the manual says: %s", fates[group.word(1)]))
		}
		if bug != playBugs() {
			continue
		}
		for _, n := range group.kids {
			toEveryOrigin(t, n, func(between between) error {
				r := &streamRow{row: row{group: group, n: n, protocol: "https"}}
				return between(&r.row, r.exchange)
			})
		}
	}
	for _, reason := range http2.Reasons() {
		if rows[reason.String()] == 0 && shownElsewhere[reason] == "" {
			t.Errorf("%s: no row for %v", file, reason)
		}
	}
}

// fates returns what the manual's table of refusals in HTTP/2 says of each reason.
func fates(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/manual/traffic.md")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `h2_(\\w+)` \\| ([^|]+) \\|").FindAllSubmatch(text, -1) {
		found[string(m[1])] = string(m[2])
	}
	return found
}

// A streamRow is one request of the table, or what somebody sends in its place.
type streamRow struct {
	row
	a *actor
	s *streams
}

// connect begins a connection of HTTP/2.
func (r *streamRow) connect() (func(), error) {
	w, err := r.dial()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r.a = &actor{p: &play{ctx: ctx, vault: r.vault, ends: time.Now().Add(patience)}, wire: w}
	speech, err := options{"tls": "", "alpn": "h2"}.connect(r.a)
	if err != nil {
		cancel()
		w.Close()
		return nil, err
	}
	r.s = speech.(*streams)
	return func() { cancel(); w.Close() }, nil
}

// exchange sends the row and expects what its group says.
func (r *streamRow) exchange() error {
	done, err := r.connect()
	if err != nil {
		return err
	}
	defer done()
	if err := r.s.out.together(r.send); err != nil && !ended(err) {
		return err
	}
	if r.group.word(0) == "ended" {
		if err := r.expectGoAway(); err != nil {
			return err
		}
		again, err := r.connect()
		if err != nil {
			return err
		}
		defer again()
	} else if err := r.expectVerdict(); err != nil {
		return err
	}
	if r.group.word(0) != "accepted" {
		if err := r.counted(); err != nil {
			return err
		}
	}
	return r.probe()
}

// expectVerdict expects that stream 1 is answered or reset.
func (r *streamRow) expectVerdict() error {
	m, err := r.s.read(r.a, 1, false)
	var other *unexpected
	switch kind, want := r.group.word(0), r.group.word(2); kind {
	case "reset", "cut":
		if !errors.As(err, &other) || other.kind != "rst" || other.code.String() != want {
			return fmt.Errorf("want RST_STREAM %s, %w", want, got(m, err))
		}
	case "refused", "accepted":
		if kind == "accepted" {
			want = "200"
		}
		if err != nil || m.start[1] != want {
			return fmt.Errorf("want %s, %w", want, got(m, err))
		}
	}
	return nil
}

// expectGoAway expects that the connection ends with GOAWAY.
func (r *streamRow) expectGoAway() error {
	for {
		err := r.s.pump(r.a)
		for _, e := range r.s.control {
			if e.kind == "goaway" && e.code.String() == r.group.word(2) {
				_, err = io.Copy(io.Discard, r.a.r)
				if err != nil && !ended(err) {
					return fmt.Errorf("behind GOAWAY: %w", err)
				}
				return nil
			}
		}
		if err != nil {
			return fmt.Errorf("want GOAWAY %s, then the end; %w", r.group.word(2), r.s.noMore(err))
		}
	}
}

// probe sends a request beyond all doubt on the connection.
func (r *streamRow) probe() error {
	if err := r.s.greeting(r.a); err != nil {
		return err
	}
	id := uint32(1)
	for other := range r.s.lanes {
		id = max(id, other+2)
	}
	r.s.open(id)
	if err := r.s.writeHead(id, headOf("GET", "probe", "/probe"), true); err != nil {
		return err
	}
	m, err := r.s.read(r.a, id, false)
	if err != nil || m.start[1] != "200" || string(m.body) != "ok" {
		return fmt.Errorf("the request behind it: %w", got(m, err))
	}
	return nil
}

func headOf(method, authority, path string) []field {
	return []field{{":method", method}, {":scheme", "https"}, {":authority", authority}, {":path", path}}
}

// send sends a row:
//
//	get FIELD...      GET / of the authority a
//	post FIELD...     POST /, with hidden as body if nothing is said
//	path PATH ...     GET of that path
//	host HOST ...     GET / of that authority
//	head FIELD...     exactly these fields
//	frames FRAME...   frames in place of a request
//
// A FIELD is "name: value". Behind the fields may stand "< BYTES ..." for a body,
// each word a DATA frame, and "then FIELD ..." for trailers.
func (r *streamRow) send() error {
	words := r.n.words
	var fields []field
	switch words[0] {
	case "frames":
		return r.sendFrames(words[1:])
	case "get":
		fields, words = headOf("GET", "a", "/"), words[1:]
	case "post":
		fields, words = headOf("POST", "a", "/"), words[1:]
	case "path":
		fields, words = headOf("GET", "a", words[1]), words[2:]
	case "host":
		fields, words = headOf("GET", words[1], "/"), words[2:]
	case "head":
		words = words[1:]
	default:
		return fmt.Errorf("want: get, post, path, host, head or frames")
	}
	if err := r.s.greeting(r.a); err != nil {
		return err
	}
	body, trailers := []string(nil), []field(nil)
	to := "fields"
	for _, w := range words {
		switch {
		case w == "<" || w == "then":
			to = w
		case to == "fields":
			fields = append(fields, fieldOf(w))
		case to == "<":
			body = append(body, w)
		default:
			trailers = append(trailers, fieldOf(w))
		}
	}
	if r.n.word(0) == "post" && to == "fields" && r.group.word(0) != "accepted" {
		body = []string{hidden}
	}
	return r.sendMessage(fields, body, trailers)
}

func fieldOf(word string) field {
	name, value, _ := strings.Cut(strings.TrimSuffix(word, ":")+": ", ": ")
	return field{name, strings.TrimSuffix(value, ": ")}
}

func (r *streamRow) sendMessage(fields []field, body []string, trailers []field) error {
	r.s.open(1)
	if err := r.s.writeHead(1, fields, body == nil && trailers == nil); err != nil {
		return err
	}
	for i, data := range body {
		if err := r.s.fr.WriteData(1, i == len(body)-1 && trailers == nil, []byte(data)); err != nil {
			return err
		}
	}
	if trailers != nil {
		return r.s.writeHead(1, trailers, true)
	}
	return nil
}

// blocks are header blocks, and parts of them, for frames.
var blocks = strings.NewReplacer(
	"{4000}", strings.Repeat("a", 4000), "{again}", strings.Repeat("\xbe", 1000),
	"{get}", "\x82\x87\x41\x01a\x84", "{post}", "\x83\x87\x41\x01a\x84",
	"{preface}", framer.ClientPreface)

// sendFrames sends what each word says: "TYPE FLAGS STREAM PAYLOAD", or "bare" as
// the first word and then bytes. "* N" repeats the word before.
func (r *streamRow) sendFrames(words []string) error {
	bare := words[0] == "bare"
	if bare {
		words = words[1:]
		r.s.greet = true
	} else if err := r.s.greeting(r.a); err != nil {
		return err
	}
	for i := 0; i < len(words); i++ {
		times := 1
		w := words[i]
		if i+2 < len(words) && words[i+1] == "*" {
			times, _ = strconv.Atoi(words[i+2])
			i += 2
		}
		for k := range times {
			err := error(nil)
			if bare {
				_, err = io.WriteString(r.s.out, blocks.Replace(w))
			} else {
				err = r.sendRaw(w, k)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// sendRaw sends the k-th copy of a frame, whose stream may be +: a new one for
// each copy.
func (r *streamRow) sendRaw(w string, k int) error {
	parts := append(strings.SplitN(w, " ", 4), "", "", "")
	kind, err := frameType(parts[0])
	if err != nil {
		return err
	}
	flags, err := strconv.ParseUint(parts[1], 0, 8)
	if err != nil {
		return err
	}
	id := uint64(2*k + 1)
	if parts[2] != "+" {
		if id, err = strconv.ParseUint(parts[2], 10, 32); err != nil {
			return err
		}
	}
	if kind == framer.FrameHeaders && r.s.lanes[uint32(id)] == nil {
		r.s.open(uint32(id))
	}
	return r.s.fr.WriteRawFrame(kind, framer.Flags(flags), uint32(id), []byte(blocks.Replace(parts[3])))
}
