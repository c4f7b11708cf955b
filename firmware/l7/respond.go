// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"fmt"
	"regexp"
	"strings"

	"evener/firmware/http1"
	"evener/firmware/message"
	"evener/firmware/stats"
)

// A Responder answers in place of a member: with a status and a body, or with a
// redirect.
type Responder struct {
	Name        string
	Status      int
	ContentType string
	Body        []byte
	Redirect    *Redirect // nil: no redirect
}

// A Redirect makes the Location of an answer.
type Redirect struct {
	pattern *regexp.Regexp // nil: no captures
	parts   []part
}

// A part of a redirect's text: plain text, or a variable that stands for a piece
// of the request.
type part struct {
	text     string
	variable string
	capture  int
}

// NewRedirect compiles a redirect: text may hold $host, $path, $query, and $0 to
// $9 for what match captured of the request's URL; $$ is a dollar sign. match may
// be empty, or an RE2 expression.
func NewRedirect(text, match string) (*Redirect, error) {
	r := &Redirect{}
	if match != "" {
		re, err := regexp.Compile(match)
		if err != nil {
			return nil, fmt.Errorf("match: %w", err)
		}
		r.pattern = re
	}
	for text != "" {
		i := strings.IndexByte(text, '$')
		if i < 0 {
			r.parts = append(r.parts, part{text: text})
			break
		}
		if i > 0 {
			r.parts = append(r.parts, part{text: text[:i]})
		}
		p, rest, err := parseVariable(text[i+1:], r.pattern)
		if err != nil {
			return nil, err
		}
		r.parts = append(r.parts, p)
		text = rest
	}
	return r, nil
}

func parseVariable(s string, re *regexp.Regexp) (p part, rest string, err error) {
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		n := int(s[0] - '0')
		if re == nil || n > re.NumSubexp() {
			return part{}, "", fmt.Errorf("redirect uses $%d, but match captures nothing of that number", n)
		}
		return part{variable: "capture", capture: n}, s[1:], nil
	}
	if strings.HasPrefix(s, "$") {
		return part{text: "$"}, s[1:], nil
	}
	for _, v := range []string{"host", "path", "query"} {
		if strings.HasPrefix(s, v) {
			return part{variable: v}, s[len(v):], nil
		}
	}
	return part{}, "", fmt.Errorf("redirect: after $ comes host, path, query, a digit or another $")
}

// Location returns where a request is redirected to. ok is false when the
// pattern does not fit the request's URL, which is http://host/path?query.
func (r *Redirect) Location(h *message.Head) (location string, ok bool) {
	host, path := string(h.Bytes(h.Authority)), string(h.Bytes(h.Path))
	query := ""
	if h.HasQuery {
		query = "?" + string(h.Bytes(h.Query))
	}
	url := "http://" + host + path + query
	var found []int
	if r.pattern != nil {
		if found = r.pattern.FindStringSubmatchIndex(url); found == nil {
			return "", false
		}
	}
	var b strings.Builder
	for _, p := range r.parts {
		switch p.variable {
		case "host":
			b.WriteString(host)
		case "path":
			b.WriteString(path)
		case "query":
			b.WriteString(query)
		case "capture":
			if from := found[2*p.capture]; from >= 0 {
				b.WriteString(url[from:found[2*p.capture+1]])
			}
		default:
			b.WriteString(p.text)
		}
	}
	return b.String(), true
}

// respond answers with r.
func (x *exchange) respond(r *Responder, why stats.Reason) {
	x.ownHead(r.Status, func(out []byte) []byte {
		return r.append(out, &x.req, x.keep, x.w.httpDate())
	}, why)
}

// append appends the whole answer.
func (r *Responder) append(dst []byte, req *message.Head, keep bool, date []byte) []byte {
	body, contentType := r.Body, r.ContentType
	dst = http1.AppendStatusLine(dst, 1, r.Status, nil)
	dst = http1.AppendField(dst, "Date", date)
	if r.Redirect != nil {
		if location, ok := r.Redirect.Location(req); ok {
			dst = http1.AppendField(dst, "Location", []byte(location))
		}
	}
	if len(body) > 0 {
		dst = http1.AppendField(dst, "Content-Type", []byte(contentType))
	}
	if r.Status != 204 && r.Status != 304 { // RFC 9110 section 8.6
		dst = http1.AppendLength(dst, int64(len(body)))
	}
	switch {
	case !keep:
		dst = append(dst, "Connection: close\r\n"...)
	case req.Minor == 0:
		dst = append(dst, "Connection: keep-alive\r\n"...)
	}
	dst = append(dst, "\r\n"...)
	if req.MethodID == message.HEAD {
		return dst
	}
	return append(dst, body...)
}
