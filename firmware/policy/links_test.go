// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

var (
	mdLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	mdHeading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	mdFence   = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	mdCode    = regexp.MustCompile("`[^`\n]*`")
)

// TestLinksLeadSomewhere follows every link between our own pages, to the file
// and to the heading.
func TestLinksLeadSomewhere(t *testing.T) {
	exists, anchors := map[string]bool{}, map[string]map[string]bool{}
	pages := map[string]string{}
	for _, f := range files(t, func(string) bool { return true }) {
		for dir := f.name; dir != "."; dir = path.Dir(dir) {
			exists[dir] = true
		}
		if strings.HasSuffix(f.name, ".md") && !strings.Contains(f.name, "testdata/") {
			pages[f.name] = mdFence.ReplaceAllString(string(f.text), "")
			anchors[f.name] = anchorsOf(pages[f.name])
		}
	}
	followed := 0
	for name, text := range pages {
		for _, m := range mdLink.FindAllStringSubmatch(mdCode.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			followed++
			file, anchor, _ := strings.Cut(m[1], "#")
			target := name
			if file != "" {
				target = path.Join(path.Dir(name), file)
			}
			switch {
			case !exists[target]:
				t.Errorf("%s: the link %s leads nowhere", name, m[1])
			case anchor != "" && !anchors[target][anchor]:
				t.Errorf("%s: the link %s leads to no heading of %s", name, m[1], target)
			}
		}
	}
	if followed < 50 {
		t.Fatalf("only %d links were followed; does the test still read the pages?", followed)
	}
}

// anchorsOf returns the names that the headings of a page are linked by: lower
// case, spaces as hyphens, without punctuation.
func anchorsOf(text string) map[string]bool {
	anchors := map[string]bool{}
	for _, m := range mdHeading.FindAllStringSubmatch(text, -1) {
		anchors[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 127:
				return r
			}
			return -1
		}, strings.ToLower(m[1]))] = true
	}
	return anchors
}
