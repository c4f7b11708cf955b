// SPDX-License-Identifier: Apache-2.0

package health

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"golang.org/x/sys/unix"
)

// An agentProber asks a server agent: it connects, may send a stimulus, and reads
// an integer, after which the agent closes or ends the line: -1 "take me out", 0
// "idle" to 100 "loaded".
type agentProber struct{ question }

func (p agentProber) probe(ctx context.Context, t *transcript) Result {
	text, r := p.listen(ctx, t)
	if r.Outcome == Good {
		r = p.answered(text)
	}
	return p.tolerate(r)
}

func (p agentProber) answered(text string) Result {
	n, err := parseAgent(text)
	switch {
	case err != nil:
		return bad(Syntax, "%v", err)
	case n == -1:
		return Result{Reason: AskedOut, Detail: "the agent asks to be taken out (-1)",
			HasLoad: true, Load: Out}
	}
	r := good("the agent says %d", n)
	r.HasLoad, r.Load = true, float64(n)/100
	return r
}

// parseAgent returns the integer of an agent's answer, -1 to 100. Blanks around
// it are allowed, a plus sign and anything else is not.
func parseAgent(text string) (int, error) {
	digits := text
	if text == "-1" {
		return -1, nil
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("answer %q is not an integer from -1 to 100", text)
		}
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n > 100 || len(digits) > 3 {
		return 0, fmt.Errorf("answer %q is not an integer from -1 to 100", text)
	}
	return n, nil
}

// maxWord is the longest answer of an agent, blanks included.
const maxWord = 64

// listen connects, sends p.Send and returns the answer without blanks around it.
// Unless the Result is Good, it says what was wrong.
func (q question) listen(ctx context.Context, t *transcript) (string, Result) {
	conn, err := q.dial(ctx, t)
	if err != nil {
		return "", q.unconnected(ctx, err)
	}
	defer conn.Close()
	if q.Send != "" {
		if _, err := io.WriteString(conn, q.Send); err != nil {
			return "", q.unanswered(ctx, "send", err)
		}
	}
	word, err := readWord(conn)
	if err != nil {
		return "", q.unanswered(ctx, fmt.Sprintf("read answer after %d bytes", len(word)), err)
	}
	return string(bytes.TrimSpace(word)), Result{}
}

// readWord reads to the end of a line or of the connection. A reset ends an
// answer too: it is what comes after it when an agent closes without having read
// the stimulus.
func readWord(r io.Reader) ([]byte, error) {
	word := make([]byte, 0, maxWord+1)
	for {
		n, err := r.Read(word[len(word):cap(word)])
		word = word[:len(word)+n]
		if i := bytes.IndexByte(word, '\n'); i >= 0 {
			return word[:i], nil
		}
		switch {
		case len(word) > maxWord:
			return word, errTooLong
		case err == nil:
		case len(word) > 0 && (err == io.EOF || errors.Is(err, unix.ECONNRESET)):
			return word, nil
		default:
			return word, err
		}
	}
}

// tolerate turns a bad Result into Abstain unless p requires a response.
func (q question) tolerate(r Result) Result {
	if r.Outcome == Bad && !q.RequireResponse {
		r.Outcome = Abstain
	}
	return r
}
