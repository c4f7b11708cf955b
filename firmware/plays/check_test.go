// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// check checks what the lines below expect request and expect answer say of a
// message.
func (p *play) check(m *message, claims []*node) error {
	for _, n := range claims {
		if err := p.checkOne(m, n); err != nil {
			return n.errorf("%v; the message is%v", err, m)
		}
	}
	return nil
}

func (p *play) checkOne(m *message, n *node) error {
	switch n.word(0) {
	case "field":
		return p.checkField(m.fields, n)
	case "trailer":
		return p.checkField(m.trailers, n)
	case "no":
		return checkNo(m, n)
	case "body":
		return p.checkBody(m, n)
	case "framing":
		if m.framing != n.word(1) {
			return fmt.Errorf("framing is %s", m.framing)
		}
		return nil
	}
	return fmt.Errorf("want: field, trailer, no, body or framing")
}

// checkField knows
//
//	field NAME
//	field NAME = VALUE
//	field NAME list VALUE, VALUE
//	field NAME * COUNT
//	field NAME ~ REGEX [as VARIABLE]
func (p *play) checkField(fields []field, n *node) error {
	values := valuesOf(fields, n.word(1))
	switch n.word(2) {
	case "":
		if len(values) == 0 {
			return fmt.Errorf("there is none")
		}
		return nil
	case "*":
		if strconv.Itoa(len(values)) != n.word(3) {
			return fmt.Errorf("there are %d", len(values))
		}
		return nil
	case "=":
		want, err := p.fill(n, n.rest(3))
		if err != nil {
			return err
		}
		if len(values) != 1 || values[0] != want {
			return fmt.Errorf("values are %q, want %q", values, want)
		}
		return nil
	case "list":
		want, err := p.fill(n, n.rest(3))
		if err != nil {
			return err
		}
		if all := strings.Join(values, ", "); all != want {
			return fmt.Errorf("the list is %q, want %q", all, want)
		}
		return nil
	case "~":
		if len(values) != 1 {
			return fmt.Errorf("values are %q", values)
		}
		return p.checkRegex(values[0], n, 3)
	}
	return fmt.Errorf("want: field NAME, then nothing, = VALUE, list VALUES, * COUNT or ~ REGEX [as VARIABLE]")
}

// checkRegex matches the expression from word i on: REGEX [as VARIABLE]. The
// variable is the first group.
func (p *play) checkRegex(value string, n *node, i int) error {
	form, name := n.rest(i), ""
	if k := len(n.words); k > i+2 && n.words[k-2] == "as" {
		form, name = (&node{words: n.words[:k-2]}).rest(i), n.words[k-1]
	}
	form, err := p.fill(n, form)
	if err != nil {
		return err
	}
	re, err := regexp.Compile(form)
	if err != nil {
		return err
	}
	found := re.FindStringSubmatch(value)
	if found == nil {
		return fmt.Errorf("it is %s", shorten([]byte(value)))
	}
	if name != "" {
		if len(found) < 2 {
			return fmt.Errorf("the expression needs a group for %s", name)
		}
		p.set(name, found[1])
	}
	return nil
}

func checkNo(m *message, n *node) error {
	what := map[string]bool{
		"field": len(m.values(n.word(2))) > 0, "trailer": len(valuesOf(m.trailers, n.word(2))) > 0,
		"trailers": len(m.trailers) > 0, "body": len(m.body) > 0,
	}
	there, known := what[n.word(1)]
	switch {
	case !known:
		return fmt.Errorf("want: no field NAME, no trailer NAME, no trailers or no body")
	case there:
		return fmt.Errorf("there is one")
	}
	return nil
}

// checkBody knows
//
//	body "BYTES"
//	body ~ REGEX [as VARIABLE]
//	body            with lines of data below
func (p *play) checkBody(m *message, n *node) error {
	if n.word(1) == "~" {
		return p.checkRegex(string(m.body), n, 2)
	}
	want, err := p.dataOf(n, 1)
	if err != nil {
		return err
	}
	if !bytes.Equal(m.body, []byte(want)) {
		return fmt.Errorf("body is %s, want %s", shorten(m.body), shorten([]byte(want)))
	}
	return nil
}
