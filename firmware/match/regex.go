// SPDX-License-Identifier: Apache-2.0

package match

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// Limits on regular expressions: one may be long and there may be many, but
// each costs memory and every one that is tried costs time.
const (
	maxRegexLen = 1000
	maxRegexes  = 256 // in a set; Request.known has a bit for each
)

// checkRegex compiles a regular expression of c and says what is wrong with it.
func (p *parser) checkRegex(c *call, text string) string {
	if text == "" {
		return "the regular expression is empty, which fits everything"
	}
	if len(text) > maxRegexLen {
		return fmt.Sprintf("the regular expression has %d characters; the most is %d", len(text), maxRegexLen)
	}
	if _, err := regexp.Compile(text); err != nil {
		var e *syntax.Error
		if errors.As(err, &e) {
			return fmt.Sprintf("regular expression: %s in %q", e.Code, e.Expr)
		}
		return err.Error()
	}
	use := fmt.Sprintf("%s %q %v %q", c.spec.name, c.name, c.fold, text)
	if p.asked[use] {
		return ""
	}
	if len(p.asked) == maxRegexes {
		return fmt.Sprintf("there are more than %d regular expressions in these rules; "+
			"functions without _regex are unlimited and cheaper", maxRegexes)
	}
	p.asked[use] = true
	return ""
}

// regex returns the compiled form of text, which checkRegex has seen.
func (p *parser) regex(text string, fold bool) *regexp.Regexp {
	if fold {
		text = "(?i)" + text
	}
	re := p.regexes[text]
	if re == nil {
		re = regexp.MustCompile(text)
		p.regexes[text] = re
	}
	return re
}
