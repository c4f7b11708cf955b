// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"strings"
)

// redirectWords are what a "$" in a redirect can begin, beside a digit.
var redirectWords = []string{"$", "host", "path", "query"}

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
	for rest := s; ; {
		_, after, found := strings.Cut(rest, "$")
		if !found {
			return nil
		}
		if !replaced(after) {
			return errors.New(`must have "$" only before a digit, "host", "path", "query" or another "$"`)
		}
		rest = strings.TrimPrefix(after, "$")
	}
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
	for _, after := range strings.Split(strings.ReplaceAll(s, "$$", ""), "$")[1:] {
		if after != "" && after[0] >= '0' && after[0] <= '9' {
			highest = max(highest, int(after[0]-'0'))
		}
	}
	return highest
}
