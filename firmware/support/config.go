// SPDX-License-Identifier: Apache-2.0

package support

import (
	"regexp"
	"strings"
)

var (
	// A line of a configuration that may hold a secret: by the name of an attribute,
	// of a header field or of a function on it.
	doubtful = regexp.MustCompile(`(?i)` + sensitive + `|\b(?:pin|auth|basic|basic_auth|key|digest|signature|x-[a-z-]*(?:key|auth)[a-z-]*)\b`)
	literal  = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	oneWord  = regexp.MustCompile(`^[A-Za-z_-]+$`)

	// persist "cookie" { ... } names a method.
	harmless = regexp.MustCompile(`^\s*(?:persist\s+"cookie"|certificate\s|key_type\s|certificates?\s*=)`)
)

// Config takes the secrets out of a configuration: every text on a line that may
// hold one, but for plain words that say so themselves. What it takes out of one
// configuration is taken out of all that follows.
func (s *Secrets) Config(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if !doubtful.MatchString(line) || harmless.MatchString(line) {
			continue
		}
		lines[i] = literal.ReplaceAllStringFunc(line, func(q string) string {
			value := q[1 : len(q)-1]
			if value == "" || oneWord.MatchString(value) && doubtful.MatchString(value) {
				return q
			}
			if name, rest, ok := strings.Cut(value, ":"); ok && oneWord.MatchString(name) {
				s.learn(rest) // a field of a head
				return `"` + name + ": " + Removed + `"`
			}
			s.learn(value)
			return `"` + Removed + `"`
		})
	}
	return s.Text(strings.Join(lines, ""))
}

// learn makes a value, and the last word of it, known.
func (s *Secrets) learn(value string) {
	s.Add(value)
	if words := strings.Fields(value); len(words) > 1 {
		if last := words[len(words)-1]; len(last) >= 8 {
			s.Add(last)
		}
	}
}
