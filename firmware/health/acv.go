// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"fmt"
	"io"
)

// An acvProber connects, sends a string and wants to find another one at the
// beginning of the answer (active content verification).
type acvProber struct {
	question
	want expectation
}

func (p acvProber) probe(ctx context.Context, t *transcript) Result {
	conn, err := p.dial(ctx, t)
	if err != nil {
		return p.unconnected(ctx, err)
	}
	defer conn.Close()
	if p.Send != "" {
		if _, err := io.WriteString(conn, p.Send); err != nil {
			return p.unanswered(ctx, "send", err)
		}
	}
	found, n, err := p.want.await(conn)
	return p.found(ctx, p.want, found, n, err, "answer")
}

// found is the Result of want.await on what.
func (q question) found(ctx context.Context, want expectation, found bool, n int, err error,
	what string,
) Result {
	switch {
	case found:
		return good("found %v in the %s", want, what)
	case err == nil, err == io.EOF && n > 0:
		return bad(Mismatch, "%v is not in the first %d bytes of the %s", want, n, what)
	case err == io.EOF:
		return bad(Closed, "the server closed the connection without an %s", what)
	}
	return q.unanswered(ctx, fmt.Sprintf("wait for %v after %d bytes", want, n), err)
}
