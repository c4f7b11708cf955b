// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// A message is a request or an answer as a strict reader takes it.
type message struct {
	start    [3]string // method, target, version; or version, status, reason
	fields   []field
	framing  string // none, length, chunked or close
	body     []byte
	trailers []field
}

type field struct{ name, value string }

var (
	requestLine = regexp.MustCompile(`^([!#$%&'*+.^_|~0-9A-Za-z\x60-]+) ([!-~]+) (HTTP/1\.[01])$`)
	statusLine  = regexp.MustCompile(`^(HTTP/1\.[01]) ([1-5][0-9]{2}) ([^\x00-\x08\x0a-\x1f\x7f]*)$`)
	fieldLine   = regexp.MustCompile(`^([!#$%&'*+.^_|~0-9A-Za-z\x60-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*$`)
	chunkSize   = regexp.MustCompile(`^[0-9A-Fa-f]{1,15}$`)
	digits      = regexp.MustCompile(`^[0-9]{1,18}$`)
)

// A malformed error says what a strict reader cannot take.
type malformed struct{ what string }

func (e *malformed) Error() string { return "malformed: " + e.what }

// maxHead bounds what a head may have, so that a test ends.
const maxHead = 1 << 20

// readLine reads to CRLF. A line must not have CR or LF elsewhere.
func readLine(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) && len(line) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return string(line), err
		}
		if len(line) > maxHead {
			return "", &malformed{"a line without end"}
		}
	}
	text, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok {
		return "", &malformed{fmt.Sprintf("bare LF behind %q", line)}
	}
	if bytes.IndexByte(text, '\r') >= 0 {
		return "", &malformed{fmt.Sprintf("bare CR in %q", line)}
	}
	return string(text), nil
}

func readFields(r *bufio.Reader) ([]field, error) {
	var out []field
	for {
		line, err := readLine(r)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil || line == "" {
			return out, err
		}
		m := fieldLine.FindStringSubmatch(line)
		if m == nil {
			return nil, &malformed{fmt.Sprintf("field line %q", line)}
		}
		out = append(out, field{m[1], m[2]})
	}
}

// readHead reads a start line of that form and the fields. io.EOF means that
// there was nothing.
func readHead(r *bufio.Reader, form *regexp.Regexp) (*message, error) {
	line, err := readLine(r)
	if err != nil {
		return nil, err
	}
	start := form.FindStringSubmatch(line)
	if start == nil {
		return nil, &malformed{fmt.Sprintf("first line %q", line)}
	}
	m := &message{start: [3]string(start[1:])}
	m.fields, err = readFields(r)
	return m, err
}

// readRequest reads a whole request.
func readRequest(r *bufio.Reader) (*message, error) {
	m, err := readRequestHead(r)
	if err != nil {
		return m, err
	}
	return m, m.readBody(r)
}

func readRequestHead(r *bufio.Reader) (*message, error) {
	m, err := readHead(r, requestLine)
	if err != nil {
		return m, err
	}
	if hosts := len(m.values("Host")); hosts != 1 && (m.start[2] == "HTTP/1.1" || hosts > 1) {
		return m, &malformed{fmt.Sprintf("%d Host fields", hosts)}
	}
	return m, m.frame("none")
}

// readAnswer reads a whole answer, or its head only.
func readAnswer(r *bufio.Reader, headOnly bool) (*message, error) {
	m, err := readHead(r, statusLine)
	if err != nil {
		return m, err
	}
	if status := m.start[1]; headOnly || status[0] == '1' || status == "204" || status == "304" {
		m.framing = "none"
		return m, nil
	}
	if err := m.frame("close"); err != nil {
		return m, err
	}
	return m, m.readBody(r)
}

// frame finds out how the body ends.
func (m *message) frame(unsaid string) error {
	length, coding := m.values("Content-Length"), m.values("Transfer-Encoding")
	switch {
	case len(length)+len(coding) > 1:
		return &malformed{fmt.Sprintf("framed by Content-Length %q and Transfer-Encoding %q", length, coding)}
	case len(coding) == 1 && coding[0] == "chunked" && strings.Contains(strings.Join(m.start[:], " "), "HTTP/1.1"):
		m.framing = "chunked"
	case len(coding) == 1:
		return &malformed{fmt.Sprintf("Transfer-Encoding %q", coding[0])}
	case len(length) == 1 && digits.MatchString(length[0]):
		m.framing = "length"
	case len(length) == 1:
		return &malformed{fmt.Sprintf("Content-Length %q", length[0])}
	default:
		m.framing = unsaid
	}
	return nil
}

func (m *message) readBody(r *bufio.Reader) (err error) {
	switch m.framing {
	case "chunked":
		return m.readChunks(r)
	case "close":
		m.body, err = io.ReadAll(r)
		return err
	case "length":
		n, _ := strconv.ParseInt(m.values("Content-Length")[0], 10, 64)
		return m.take(r, n)
	}
	return nil
}

// take reads n bytes of body; fewer are an error.
func (m *message) take(r io.Reader, n int64) error {
	var b bytes.Buffer
	got, err := io.Copy(&b, io.LimitReader(r, n))
	m.body = append(m.body, b.Bytes()...)
	if err == nil && got < n {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (m *message) readChunks(r *bufio.Reader) error {
	for {
		line, err := readLine(r)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		if !chunkSize.MatchString(line) {
			return &malformed{fmt.Sprintf("chunk size %q", line)}
		}
		size, _ := strconv.ParseInt(line, 16, 64)
		if size == 0 {
			m.trailers, err = readFields(r)
			return err
		}
		if err := m.take(r, size); err != nil {
			return err
		}
		if end, err := readLine(r); err != nil || end != "" {
			return &malformed{fmt.Sprintf("%q (%v) behind a chunk", end, err)}
		}
	}
}

// values returns the values of all fields of that name.
func (m *message) values(name string) []string { return valuesOf(m.fields, name) }

func valuesOf(fields []field, name string) []string {
	var out []string
	for _, f := range fields {
		if strings.EqualFold(f.name, name) {
			out = append(out, f.value)
		}
	}
	return out
}

// String shows a message as a failure needs it.
func (m *message) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n\t| %s\n", strings.Join(m.start[:], " "))
	for _, f := range m.fields {
		fmt.Fprintf(&b, "\t| %s: %s\n", f.name, f.value)
	}
	if len(m.body) > 0 {
		fmt.Fprintf(&b, "\t%s\n", shorten(m.body))
	}
	for _, f := range m.trailers {
		fmt.Fprintf(&b, "\t| %s: %s (trailer)\n", f.name, f.value)
	}
	return b.String()
}

// shorten quotes bytes, the middle left out if there are many.
func shorten(b []byte) string {
	if len(b) <= 400 {
		return strconv.Quote(string(b))
	}
	return fmt.Sprintf("%q … %q (%d bytes)", b[:150], b[len(b)-150:], len(b))
}
