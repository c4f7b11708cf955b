// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"strings"
)

// redirectWords are what a "$" in a redirect can begin, beside a digit.
var redirectWords = []string{"host", "path", "query"}

// checkRedirect checks the URL of a redirect: printable, with a scheme or from
// the root, and no "$" but those that are replaced.
func checkRedirect(s string) error {
	if !visible(s) || s == "" {
		return errors.New("must be a URL without spaces and other than ASCII characters")
	}
	starts := false
	for _, p := range []string{"http://", "https://", "/", "$"} {
		starts = starts || strings.HasPrefix(s, p)
	}
	if !starts {
		return errors.New(`must begin with "http://", "https://", "/" or "$"`)
	}
	for i := strings.IndexByte(s, '$'); i >= 0; {
		rest := s[i+1:]
		if !replaced(rest) {
			return errors.New(`must have "$" only before a digit, "host", "path" or "query"; write "%24" for the character`)
		}
		next := strings.IndexByte(rest, '$')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return nil
}

// replaced reports whether rest, which follows a "$", begins with what is
// replaced.
func replaced(rest string) bool {
	for _, w := range redirectWords {
		if strings.HasPrefix(rest, w) {
			return true
		}
	}
	return rest != "" && rest[0] >= '0' && rest[0] <= '9'
}

// highestCapture returns the largest n of the $n in a redirect, or -1.
func highestCapture(s string) int {
	highest := -1
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '$' && s[i+1] >= '0' && s[i+1] <= '9' {
			highest = max(highest, int(s[i+1]-'0'))
		}
	}
	return highest
}
