// SPDX-License-Identifier: Apache-2.0

package support

import (
	"regexp"
	"strings"
)

var (
	// A line of a configuration that may hold a secret: by the name of an attribute,
	// of a header field or of a function on it.
	doubtful = regexp.MustCompile(`(?i)` + sensitive + `|\b(?:pin|auth|send|basic|basic_auth|key|digest|signature|x-[a-z-]*(?:key|auth)[a-z-]*)\b`)
	literal  = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	oneWord  = regexp.MustCompile(`^[A-Za-z_-]+$`)
	common   = regexp.MustCompile(`^[a-z_]{1,8}$`)

	// What is before the first attribute of a block names it.
	header = regexp.MustCompile(`^\s*[a-z_]+\s+(?:"[^"]*"\s*)*\{`)

	// The first argument of these is the name of a field.
	naming = regexp.MustCompile(`\b(?:header|cookie|query|field)[a-z_]*\(\s*$`)

	// These only look as if they held one.
	harmless = regexp.MustCompile(`^\s*(?:key_type|password_secret|password_reset|session_tickets)"?\s*[=:]`)
)

// Config takes the secrets out of a configuration: every text on a line that may
// hold one, but for names of blocks and fields. What it takes out of one
// configuration is taken out of all that follows.
func (s *Secrets) Config(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		names := header.FindString(line)
		rest := line[len(names):]
		// A method of persistence is called cookie.
		if strings.Contains(names, "persist") || !doubtful.MatchString(rest) || harmless.MatchString(rest) {
			continue
		}
		lines[i] = names + s.texts(rest)
	}
	return s.Text(strings.Join(lines, ""))
}

// texts takes the texts out of a line.
func (s *Secrets) texts(line string) string {
	var out strings.Builder
	at := 0
	for _, m := range literal.FindAllStringIndex(line, -1) {
		before, value := line[at:m[0]], line[m[0]+1:m[1]-1]
		out.WriteString(before)
		at = m[1]
		name, rest, field := strings.Cut(value, ":")
		switch {
		case value == "" || naming.MatchString(before):
			out.WriteString(line[m[0]:m[1]])
		case field && oneWord.MatchString(name) && strings.HasPrefix(rest, " "): // of a head
			s.learn(rest)
			out.WriteString(`"` + name + ": " + Removed + `"`)
		default:
			s.learn(value)
			out.WriteString(`"` + Removed + `"`)
		}
	}
	return out.String() + line[at:]
}

// learn makes a value, and the last word of it, known. A short word of everyday is
// not: it would be taken out of every sentence.
func (s *Secrets) learn(value string) {
	if value = strings.TrimSpace(value); common.MatchString(value) {
		return
	}
	s.Add(value)
	if words := strings.Fields(value); len(words) > 1 {
		if last := words[len(words)-1]; len(last) >= 8 {
			s.Add(last)
		}
	}
}
