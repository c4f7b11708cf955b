// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"strings"
)

// A lenient origin takes what strict ones refuse, as some programs in the field
// do: lines that end in LF, white space anywhere, continued lines, several
// lengths, codings that only look like chunked. Where it has to choose between a
// length and a coding it takes the one that prefersLength says.
type lenient struct{ prefersLength bool }

// read reads a request. io.EOF means that there was nothing.
func (l lenient) read(r *bufio.Reader) (*message, error) {
	line := ""
	for line == "" {
		var err error
		if line, err = looseLine(r); err != nil {
			return nil, err
		}
	}
	words := strings.Fields(line)
	words = append(words, "", "", "")
	m := &message{start: [3]string(words[:3])}
	var err error
	if m.fields, err = looseFields(r); err != nil {
		return m, err
	}
	length, coding := m.values("Content-Length"), strings.Join(m.values("Transfer-Encoding"), ",")
	chunked := strings.Contains(strings.ToLower(coding), "chunked")
	if len(length) > 0 && (l.prefersLength || !chunked) {
		return m, m.take(r, looseNumber(length[0], 10))
	}
	if chunked {
		return m, m.looseChunks(r)
	}
	return m, nil
}

// looseLine reads to LF and leaves out CRs and other controls.
func looseLine(r *bufio.Reader) (string, error) {
	b, err := r.ReadBytes('\n')
	if err != nil {
		if len(b) > 0 && err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return "", err
	}
	return string(bytes.Map(func(c rune) rune {
		if c < ' ' && c != '\t' {
			return -1
		}
		return c
	}, b)), nil
}

func looseFields(r *bufio.Reader) ([]field, error) {
	var out []field
	for {
		line, err := looseLine(r)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil || line == "" {
			return out, err
		}
		if (line[0] == ' ' || line[0] == '\t') && len(out) > 0 {
			out[len(out)-1].value += " " + strings.TrimSpace(line)
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		name = strings.ReplaceAll(strings.TrimSpace(name), "_", "-")
		out = append(out, field{name, strings.TrimSpace(value)})
	}
}

// looseNumber reads as much of a number as there is, as strtoul would.
func looseNumber(s string, base int) int64 {
	s = strings.TrimLeft(strings.ToLower(s), " \t+")
	if hex, ok := strings.CutPrefix(s, "0x"); ok {
		s, base = hex, 16
	}
	digits := "0123456789abcdef"[:base]
	s = s[:len(s)-len(strings.TrimLeft(s, digits))]
	n, _ := strconv.ParseInt(s, base, 64)
	return n
}

func (m *message) looseChunks(r *bufio.Reader) error {
	for {
		line, err := looseLine(r)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		size := looseNumber(line, 16)
		if size == 0 {
			m.trailers, err = looseFields(r)
			return err
		}
		if err := m.take(r, size); err != nil {
			return err
		}
		if _, err := looseLine(r); err != nil {
			return err
		}
	}
}
