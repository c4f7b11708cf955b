// SPDX-License-Identifier: Apache-2.0

package support

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Removed stands where a secret was.
const Removed = "(removed)"

// sensitive are words in the names of things that hold secrets.
const sensitive = `password|passwd|passphrase|secret|token|cookie|authorization|credential|api[-_]?key|private|bearer|totp|otp|recovery|setup[-_]?code|session[-_]?id|hmac`

var (
	sensitiveName = regexp.MustCompile(`(?i)(?:` + sensitive + `)|^pin$|_pin$|^key$|^code$|^session$|^session_key$`)

	// Of a line of text: NAME=VALUE, NAME: VALUE, with quotes or without.
	assigned = regexp.MustCompile(`(?i)((?:[\w.-]*(?:` + sensitive + `)[\w.-]*|\bpin)\\?["']?\s*[:=]\s*(?:basic|bearer|digest)?\s*)(\\"(?:[^"\\]|\\[^"])*(?:\\")?|"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s"',;&}\]\\]+)`)

	privateKey = regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)`)

	// Of a line too; keep is what stays of it.
	forms = []struct {
		re   *regexp.Regexp
		keep string
	}{
		{regexp.MustCompile(`(?i)\b(basic|bearer|digest|negotiate)\s+[A-Za-z0-9+/=._~-]{6,}`), "$1 "},
		{regexp.MustCompile(`(://[^/\s:@"']*:)[^/\s@"']+@`), "$1"},
		{regexp.MustCompile(`\bevt_[A-Za-z0-9_-]+`), ""},
		{regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*`), ""},
		{regexp.MustCompile(`\$argon2[a-z]*\$[^\s"']+`), ""},
		{regexp.MustCompile(`\botpauth://[^\s"']+`), ""},
	}
)

// marks are what one of is in every line that holds a secret by its name or its form,
// in lower case. To look for them is far quicker than to look for secrets.
var marks = []string{"passw", "passp", "secret", "token", "cookie", "auth", "credential", "key", "private", "bearer", "otp", "recovery", "code",
	"session", "hmac", "pin", "basic", "digest", "negotiate", "://", "evt_", "eyj", "$argon2"}

func marked(line string) bool {
	line = strings.ToLower(line)
	return slices.ContainsFunc(marks, func(m string) bool { return strings.Contains(line, m) })
}

// Secrets takes secrets out of texts. Add what is known to be one before the first
// text.
type Secrets struct {
	values []string
	exact  *strings.Replacer // made of values; nil: to be made
}

// Add makes values known as secrets, in the forms in which they may be written. One
// of less than six bytes is known only within quotation marks: too much would look
// like it.
func (s *Secrets) Add(values ...string) {
	for _, v := range values {
		v = strings.TrimSpace(v)
		if v == "" || v == Removed {
			continue
		}
		s.exact = nil
		if len(v) < 6 {
			s.values = append(s.values, `"`+v+`"`, `'`+v+`'`)
			continue
		}
		quoted, err := json.Marshal(v)
		s.values = append(s.values, v, hex.EncodeToString([]byte(v)), base64.StdEncoding.EncodeToString([]byte(v)),
			base64.RawURLEncoding.EncodeToString([]byte(v)))
		if err == nil {
			s.values = append(s.values, string(quoted[1:len(quoted)-1]))
		}
	}
}

// replacer replaces what is known, the longest first.
func (s *Secrets) replacer() *strings.Replacer {
	if s.exact == nil {
		list := slices.Clone(s.values)
		slices.SortFunc(list, func(a, b string) int { return len(b) - len(a) })
		var pairs []string
		for _, v := range slices.Compact(list) {
			with := Removed
			if q := v[:1]; (q == `"` || q == `'`) && strings.HasSuffix(v, q) {
				with = q + Removed + q
			}
			pairs = append(pairs, v, with)
		}
		s.exact = strings.NewReplacer(pairs...)
	}
	return s.exact
}

// Text takes the secrets out of a text of any form.
func (s *Secrets) Text(text string) string {
	text = s.replacer().Replace(text)
	if strings.Contains(text, "PRIVATE KEY-----") {
		text = privateKey.ReplaceAllString(text, Removed)
	}
	if !marked(text) {
		return text
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		if marked(line) {
			line = unnamed(line)
		}
		out.WriteString(line)
	}
	return out.String()
}

// unnamed takes out of a line what looks like a secret.
func unnamed(line string) string {
	for _, f := range forms {
		with := f.keep + Removed
		if strings.HasPrefix(f.keep, "$1") && strings.Contains(f.re.String(), "@") {
			with += "@"
		}
		line = f.re.ReplaceAllString(line, with)
	}
	return assigned.ReplaceAllStringFunc(line, func(m string) string {
		part := assigned.FindStringSubmatch(m)
		value := part[2]
		switch {
		case harmless.MatchString(part[1]):
			return m
		case strings.HasPrefix(value, `\"`):
			return part[1] + `\"` + Removed + `\"`
		case value[0] == '"' || value[0] == '\'':
			return part[1] + value[:1] + Removed + value[:1]
		}
		return part[1] + Removed
	})
}

// JSON takes the secrets out of JSON texts that follow each other. What is no JSON
// is treated as text.
func (s *Secrets) JSON(b []byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var out bytes.Buffer
	lines := bytes.Count(bytes.TrimSpace(b), []byte("\n{")) > 0
	for dec.More() {
		var v any
		if err := dec.Decode(&v); err != nil {
			return []byte(s.Text(string(b)))
		}
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if !lines {
			enc.SetIndent("", "  ")
		}
		if err := enc.Encode(s.walk(v, false)); err != nil {
			return []byte(s.Text(string(b)))
		}
	}
	return out.Bytes()
}

// walk returns v without secrets. hidden is true within something whose name says
// that it holds some.
func (s *Secrets) walk(v any, hidden bool) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, x := range v {
			out[s.Text(name)] = s.walk(x, hidden || sensitiveName.MatchString(name))
		}
		return out
	case []any:
		for i := range v {
			v[i] = s.walk(v[i], hidden)
		}
		return v
	case string:
		if hidden && v != "" {
			return Removed
		}
		return s.Text(v)
	case json.Number:
		if hidden && len(v) >= 4 { // such as a PIN
			return Removed
		}
	}
	return v
}
