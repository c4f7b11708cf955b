// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"errors"
	"fmt"
	"strings"

	"evener/firmware/message"
)

// verdict words an error as "400 cl_and_te".
func verdict(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return fmt.Sprintf("%v", err)
	}
	return fmt.Sprintf("%d %v", e.Status, e.Reason)
}

func body(h *message.Head) string {
	switch h.Body {
	case message.Length:
		return fmt.Sprint(h.Length)
	case message.Chunked:
		return "chunked"
	case message.UntilClose:
		return "close"
	}
	return "none"
}

// forwarded joins the fields that are not Hop: "A: 1|B: 2".
func forwarded(h *message.Head) string {
	s := strings.ReplaceAll(string(AppendFields(nil, h)), "\r\n", "|")
	return strings.TrimSuffix(s, "|")
}

// describe words all that a head says, one thing a line.
func describe(h *message.Head) string {
	var s strings.Builder
	p := func(name string, v any) { fmt.Fprintf(&s, "%s: %v\n", name, v) }
	p("method", fmt.Sprintf("%q %d", h.Bytes(h.Method), h.MethodID))
	p("target", fmt.Sprintf("%q %d", h.Bytes(h.Target), h.Form))
	p("parts", fmt.Sprintf("%q %q %q %q %v", h.Bytes(h.Scheme), h.Bytes(h.Authority),
		h.Bytes(h.Path), h.Bytes(h.Query), h.HasQuery))
	p("status", fmt.Sprintf("%d %q", h.Status, h.Bytes(h.Reason)))
	p("minor", h.Minor)
	p("body", body(h))
	p("keep", h.KeepAlive)
	p("expect", h.Expect100)
	p("upgrade", fmt.Sprintf("%q %v", h.Bytes(h.Upgrade), h.Websocket))
	p("te", h.TETrailer)
	for _, f := range h.Fields {
		p("field", fmt.Sprintf("%q %q %v %v", h.Bytes(f.Name), h.Bytes(f.Value), f.ID, f.Hop))
	}
	return s.String()
}

// request, answer and chunks parse whole text; the first two return h for a
// sound head and the verdict otherwise.
func request(in string, o *Options) (*message.Head, string) {
	h := new(message.Head)
	n, err := ParseRequest(h, []byte(in), o)
	return h, outcomeOf(n, err)
}

func answer(in string, req ReqInfo) (*message.Head, string) {
	h := new(message.Head)
	n, err := ParseResponse(h, []byte(in), nil, req)
	return h, outcomeOf(n, err)
}

func outcomeOf(n int, err error) string {
	switch {
	case err != nil:
		return verdict(err)
	case n == 0:
		return "more"
	}
	return "ok"
}

// chunks decodes in, given in pieces that end at cuts, and returns the body,
// how much was consumed and "done", "more" or the verdict.
func chunks(c *Chunks, in string, cuts ...int) (body string, n int, end string) {
	at := 0
	for _, cut := range append(cuts, len(in)) {
		piece := []byte(in[at:cut])
		for {
			data, k, done, err := c.Next(piece)
			body += string(data)
			at += k
			piece = piece[k:]
			switch {
			case err != nil:
				return body, at, verdict(err)
			case done:
				return body, at, "done"
			}
			if k == 0 {
				break
			}
		}
	}
	return body, at, "more"
}
