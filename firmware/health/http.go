// SPDX-License-Identifier: Apache-2.0

package health

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

const (
	maxHead    = 64 << 10 // bytes of an answer's head, interim answers included
	maxInterim = 8        // interim answers (RFC 9110, 15.2) before the final one
)

// An httpProber sends one request over a connection of its own and wants a status
// and a text in the body. It follows no redirect and knows no proxy.
type httpProber struct {
	question
	want expectation
}

func (p httpProber) probe(ctx context.Context, t *transcript) Result {
	if p.HTTP2 {
		return p.probe2(ctx, t)
	}
	conn, err := p.dial(ctx, t)
	if err != nil {
		return p.unconnected(ctx, err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, p.request()); err != nil {
		return p.unanswered(ctx, "send request", err)
	}
	// A chunked body takes up to six bytes for each of its own.
	limited := &limitedReader{r: conn, left: maxHead + 6*p.Within}
	resp, err := readHead(bufio.NewReader(limited), p.Method)
	if err != nil {
		if limited.err != nil && limited.err != io.EOF {
			err = limited.err // package http may speak of the line that it ended instead
		}
		return p.broken(ctx, "read head", err)
	}
	return p.judge(ctx, resp)
}

// judge looks at the status of an answer, and at its body where something is expected.
func (p httpProber) judge(ctx context.Context, resp *http.Response) Result {
	if !p.wants(resp.StatusCode) {
		return bad(Status, "status %s", resp.Status)
	}
	if p.want.any() {
		return good("status %s", resp.Status)
	}
	found, n, err := p.want.await(resp.Body)
	if err != nil && !errors.Is(err, io.EOF) {
		return p.broken(ctx, fmt.Sprintf("wait for %v after %d bytes", p.want, n), err)
	}
	if err != nil && n == 0 {
		return bad(Mismatch, "%v is not in the body, which is empty", p.want)
	}
	r := p.found(ctx, p.want, found, n, err, "body")
	r.Detail = fmt.Sprintf("status %s, %s", resp.Status, r.Detail)
	return r
}

// request returns the head of p's request, which is all of it.
func (p httpProber) request() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", p.Method, p.Path, p.host())
	b.WriteString("User-Agent: evener-health\r\nAccept: */*\r\nConnection: close\r\n")
	if p.Method == "POST" || p.Method == "PUT" || p.Method == "PATCH" {
		b.WriteString("Content-Length: 0\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}

func (q question) host() string {
	switch addr := netip.AddrPortFrom(q.to.Addr().WithZone(""), q.to.Port()); {
	case q.Host != "":
		return q.Host
	case q.Secure && q.ServerName != "":
		return q.ServerName
	case q.Secure && addr.Port() == 443:
		return strings.TrimSuffix(addr.String(), ":443")
	case !q.Secure && addr.Port() == 80:
		return strings.TrimSuffix(addr.String(), ":80")
	default:
		return addr.String()
	}
}

func (p httpProber) wants(status int) bool {
	if len(p.Status) == 0 {
		return status >= 200 && status <= 399
	}
	return slices.Contains(p.Status, status)
}

// readHead reads the head of the final answer to a request with method.
func readHead(r *bufio.Reader, method string) (*http.Response, error) {
	for range maxInterim {
		resp, err := http.ReadResponse(r, &http.Request{Method: method})
		switch {
		case err != nil:
			return nil, err
		case resp.ProtoMajor != 1:
			return nil, fmt.Errorf("version %q is not HTTP/1", resp.Proto)
		case resp.StatusCode >= 200, resp.StatusCode == http.StatusSwitchingProtocols:
			return resp, nil
		}
	}
	return nil, fmt.Errorf("more than %d interim answers", maxInterim)
}

// broken is the Result of an answer that err ended. What is not an error of the
// connection is one of syntax.
func (q question) broken(ctx context.Context, doing string, err error) Result {
	r := q.unanswered(ctx, doing, err)
	if r.Reason == Failed {
		r.Reason = Syntax
	}
	return r
}

// A limitedReader reads up to left bytes and then fails with errTooLong.
type limitedReader struct {
	r    io.Reader
	left int
	err  error // the first
}

// Read reads from the underlying reader.
func (l *limitedReader) Read(b []byte) (int, error) {
	if l.left <= 0 {
		l.err = cmp.Or(l.err, errTooLong)
		return 0, errTooLong
	}
	n, err := l.r.Read(b[:min(len(b), l.left)])
	l.left -= n
	l.err = cmp.Or(l.err, err)
	return n, err
}
