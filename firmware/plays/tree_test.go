// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// A node is a line of a play with the lines indented below it.
type node struct {
	file  string
	line  int
	words []string // quoted ones without their quotes
	text  string   // the line
	kids  []*node
	data  []byte // of the lines below that begin with | or a quote
	raw   []byte // below config: all text, moved down to its line
}

// A positioned error names the line of the play that it is about.
type positioned struct {
	n   *node
	err error
}

func (e *positioned) Error() string {
	return fmt.Sprintf("%s:%d: %s: %v", e.n.file, e.n.line, e.n.text, e.err)
}

func (e *positioned) Unwrap() error { return e.err }

// errorf returns an error about n.
func (n *node) errorf(format string, args ...any) error {
	return &positioned{n, fmt.Errorf(format, args...)}
}

// word returns the word at i, or "".
func (n *node) word(i int) string {
	if i < len(n.words) {
		return n.words[i]
	}
	return ""
}

// rest returns the words from i on with one space between.
func (n *node) rest(i int) string {
	if i >= len(n.words) {
		return ""
	}
	return strings.Join(n.words[i:], " ")
}

// parseTree reads lines into a tree. Blank lines, and those that begin with #,
// mean nothing, but below config every line belongs to the text.
func parseTree(file string, text []byte) (*node, error) {
	root := &node{file: file, text: "play"}
	type level struct {
		indent int
		n      *node
	}
	above := []level{{-1, root}}
	var config *node
	for i, line := range strings.Split(string(text), "\n") {
		content := strings.TrimLeft(line, " ")
		indent := len(line) - len(content)
		if config != nil && (indent > 0 || content == "") {
			config.raw = append(config.raw, line+"\n"...)
			continue
		}
		config = nil
		if content == "" || content[0] == '#' {
			continue
		}
		for indent <= above[len(above)-1].indent {
			above = above[:len(above)-1]
		}
		parent := above[len(above)-1].n
		n := &node{file: file, line: i + 1, text: strings.TrimSpace(content)}
		if err := n.parse(content, parent); err != nil {
			return nil, err
		}
		if n.words == nil {
			continue
		}
		parent.kids = append(parent.kids, n)
		if n.words[0] == "config" {
			config = n
			n.raw = bytes.Repeat([]byte("\n"), n.line)
		}
		above = append(above, level{indent, n})
	}
	return root, nil
}

// parse takes a line apart. One of data goes to the parent, and n has no words.
func (n *node) parse(content string, parent *node) error {
	switch content[0] {
	case '\t':
		return n.errorf("indent with spaces")
	case '|':
		if parent.words == nil {
			return n.errorf("data belongs below a step")
		}
		line := strings.TrimPrefix(content[1:], " ")
		parent.data = append(append(parent.data, line...), "\r\n"...)
		return nil
	case '"':
		if parent.words == nil {
			return n.errorf("data belongs below a step")
		}
		b, err := quoted(content)
		if err != nil {
			return n.errorf("%v", err)
		}
		parent.data = append(parent.data, b...)
		return nil
	}
	for rest := strings.TrimSpace(content); rest != ""; rest = strings.TrimLeft(rest, " ") {
		word, after, err := nextWord(rest)
		if err != nil {
			return n.errorf("%v", err)
		}
		n.words = append(n.words, word)
		rest = after
	}
	return nil
}

func nextWord(s string) (word, rest string, err error) {
	if s[0] == '"' {
		q, err := strconv.QuotedPrefix(s)
		if err != nil {
			return "", "", fmt.Errorf("a word in quotes must be a Go string: %s", s)
		}
		word, err = strconv.Unquote(q)
		return word, s[len(q):], err
	}
	if i := strings.IndexByte(s, ' '); i >= 0 {
		return s[:i], s[i:], nil
	}
	return s, "", nil
}

// quoted reads a Go string, or several copies of it: "x" * 1000.
func quoted(s string) ([]byte, error) {
	q, err := strconv.QuotedPrefix(s)
	if err != nil {
		return nil, fmt.Errorf("a line in quotes must be a Go string")
	}
	text, err := strconv.Unquote(q)
	if err != nil {
		return nil, err
	}
	times := 1
	if more := strings.TrimSpace(s[len(q):]); more != "" {
		n, ok := strings.CutPrefix(more, "*")
		times, err = strconv.Atoi(strings.TrimSpace(n))
		if !ok || err != nil || times < 1 {
			return nil, fmt.Errorf(`after a line in quotes only "* times" may follow`)
		}
	}
	return bytes.Repeat([]byte(text), times), nil
}
