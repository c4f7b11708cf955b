// SPDX-License-Identifier: Apache-2.0

package slot

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// A Name is that of a slot: A or B.
type Name string

// The two slots.
const (
	A Name = "A"
	B Name = "B"
)

// ParseName reads the name of a slot in upper or lower case.
func ParseName(s string) (Name, error) {
	switch n := Name(strings.ToUpper(s)); n {
	case A, B:
		return n, nil
	}
	return "", fmt.Errorf("no slot %q: there are A and B", s)
}

// Other returns the slot that n is not.
func (n Name) Other() Name {
	if n == A {
		return B
	}
	return A
}

// Label returns the label of the slot's partition.
func (n Name) Label() string { return "evener-" + strings.ToLower(string(n)) }

// index is the place of n in the arrays of a State.
func (n Name) index() int {
	if n == B {
		return 1
	}
	return 0
}

// MaxTries is how often the boot loader starts a slot that is not good.
const MaxTries = 3

// Values of State.Once and State.Reset.
const (
	OnceRescue   = "rescue"
	ResetFactory = "factory"
)

// BlockSize is that of GRUB's environment block in bytes; BlockPath is where it
// lies on the ESP.
const (
	BlockSize = 1024
	BlockPath = "/evener/grubenv"
)

// A State is what the boot loader knows between two starts. The zero value is
// what it makes of a block that it cannot read: A first, and neither slot known
// to be good nor tried.
type State struct {
	First Name    // tried first; A if empty
	OK    [2]bool // A, B: came up and passed its self-test
	Try   [2]int  // A, B: starts since it was armed, 0 to MaxTries; counted while not OK
	Once  string  // started next and only once: "A", "B", "rescue" or nothing
	Reset string  // "factory": state and data are made anew at the next start
}

// Good reports whether n passed its self-test.
func (s State) Good(n Name) bool { return s.OK[n.index()] }

// Tries returns how often n was started since it was armed, if it is not good.
func (s State) Tries(n Name) int { return s.Try[n.index()] }

// Usable reports whether the boot loader would start n at all.
func (s State) Usable(n Name) bool { return s.Good(n) || s.Tries(n) < MaxTries }

// With returns s with the two facts about n.
func (s State) With(n Name, ok bool, tries int) State {
	s.OK[n.index()], s.Try[n.index()] = ok, tries
	return s
}

// Order returns the value of the variable order: "AB" or "BA".
func (s State) Order() string {
	if s.First == B {
		return "BA"
	}
	return "AB"
}

const (
	blockHead    = "# GRUB Environment Block\n"
	blockWarning = "# The boot loader of Evener counts here. It is changed by evener only.\n"
)

// Encode returns the environment block: BlockSize bytes, of which the second
// sector is always the same.
func (s State) Encode() []byte {
	b := append(make([]byte, 0, BlockSize), blockHead+blockWarning...)
	for _, v := range s.vars() {
		b = fmt.Appendf(b, "%s=%s\n", v[0], v[1])
	}
	return append(b, bytes.Repeat([]byte("#"), BlockSize-len(b))...)
}

// vars returns the variables in the order in which they are written.
func (s State) vars() [][2]string {
	s = s.normal()
	ok := map[bool]string{true: "1", false: "0"}
	return [][2]string{
		{"order", s.Order()},
		{"a_ok", ok[s.OK[0]]}, {"a_try", fmt.Sprint(s.Try[0])},
		{"b_ok", ok[s.OK[1]]}, {"b_try", fmt.Sprint(s.Try[1])},
		{"once", s.Once}, {"reset", s.Reset},
	}
}

// normal returns s as it comes back from a block.
func (s State) normal() State {
	if s.First != B {
		s.First = A
	}
	for i, n := range s.Try {
		s.Try[i] = min(max(n, 0), MaxTries)
	}
	if s.Once != string(A) && s.Once != string(B) && s.Once != OnceRescue {
		s.Once = ""
	}
	if s.Reset != ResetFactory {
		s.Reset = ""
	}
	return s
}

// ParseState reads an environment block as the boot loader would. It always
// yields a state that can be started from; the error says what in the block was
// not as [State.Encode] writes it, each mistake on its own.
func ParseState(block []byte) (State, error) {
	s := State{First: A}
	if len(block) != BlockSize {
		return s, fmt.Errorf("boot state: %d bytes, not %d", len(block), BlockSize)
	}
	if !bytes.HasPrefix(block, []byte(blockHead)) {
		return s, errors.New("boot state: the first line is not that of an environment block")
	}
	var errs []error
	vars, err := parseBlock(block[len(blockHead):])
	if err != nil {
		errs = append(errs, err)
	}
	for _, v := range s.vars() {
		if _, ok := vars[v[0]]; !ok {
			errs = append(errs, fmt.Errorf("boot state: no variable %s", v[0]))
			continue
		}
		if err := s.set(v[0], vars[v[0]]); err != nil {
			errs = append(errs, err)
		}
	}
	return s, errors.Join(errs...)
}

// set gives the variable name its value. One that means nothing counts as not
// set.
func (s *State) set(name, value string) error {
	one := func(values ...string) (int, error) {
		for i, v := range values {
			if v == value {
				return i, nil
			}
		}
		return 0, fmt.Errorf("boot state: %s is %q, and can be %s", name, clip(value), alternatives(values))
	}
	var i int
	var err error
	switch name {
	case "order":
		i, err = one("AB", "BA")
		s.First = [...]Name{A, B}[i]
	case "a_ok", "b_ok":
		i, err = one("0", "1")
		s.OK[slotOf(name).index()] = i == 1
	case "a_try", "b_try":
		i, err = one("0", "1", "2", "3")
		s.Try[slotOf(name).index()] = i
	case "once":
		i, err = one("", string(A), string(B), OnceRescue)
		s.Once = [...]string{"", string(A), string(B), OnceRescue}[i]
	case "reset":
		i, err = one("", ResetFactory)
		s.Reset = [...]string{"", ResetFactory}[i]
	}
	return err
}

func slotOf(variable string) Name {
	if strings.HasPrefix(variable, "b") {
		return B
	}
	return A
}

func alternatives(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = fmt.Sprintf("%q", v)
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
}

// clip keeps an error readable whatever was found.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// parseBlock reads lines NAME=VALUE as GRUB's loadenv does: a line that begins
// with # is skipped, a backslash takes the next byte as it is.
func parseBlock(b []byte) (map[string]string, error) {
	vars, stray := map[string]string{}, false
	for len(b) > 0 {
		var line []byte
		line, b = cutLine(b)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		name, value, ok := bytes.Cut(line, []byte("="))
		if !ok {
			stray = true
			continue
		}
		vars[string(name)] = unescape(value)
	}
	if stray {
		return vars, errors.New("boot state: a line is neither a comment nor a variable")
	}
	return vars, nil
}

// cutLine splits b after its first line; a newline behind a backslash does not
// end it.
func cutLine(b []byte) (line, rest []byte) {
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '\\' && b[0] != '#':
			i++
		case b[i] == '\n':
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}

func unescape(b []byte) string {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+1 < len(b) {
			i++
		}
		out = append(out, b[i])
	}
	return string(out)
}
