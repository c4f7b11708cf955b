// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"golang.org/x/text/unicode/norm"
)

// A Step names one block within another.
type Step struct {
	Block string // its type: "pool"
	Label string // its label; empty if it has none; of two, both with a byte 0 between
	Index int    // which of several with the same type and label, from 0
}

// A Path leads from the top of a configuration to a block.
type Path []Step

// labelGap stands between two labels in the Label of a Step.
const labelGap = "\x00"

// String returns p as diagnostics have it: `pool "shop" member "web1"`.
func (p Path) String() string {
	words := make([]string, 0, len(p))
	for _, s := range p {
		w := s.Block
		if s.Label != "" {
			for l := range strings.SplitSeq(s.Label, labelGap) {
				w += " " + strconv.Quote(l)
			}
		}
		if s.Index > 0 {
			w += fmt.Sprintf(" #%d", s.Index+1)
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

// ParsePath reads the short form of the command line: the types and labels of
// blocks between slashes, as in "cluster/shop/timeouts" or
// "pool/shop/probe/http#2", where #2 is the second of that type and label.
func ParsePath(s string) (Path, error) {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return nil, fmt.Errorf("path %q: it holds bytes that are no text; a name is text in UTF-8, without control characters", s)
	}
	s = norm.NFC.String(s) // as the language has its texts
	var p Path
	parent := ""
	words := strings.Split(s, "/")
	for i := 0; i < len(words); i++ {
		b := blockIn(parent, words[i])
		if b == nil {
			var known []string
			for _, k := range blocksIn(parent) {
				known = append(known, k.Name)
			}
			return nil, fmt.Errorf("path %q: no block %q stands there%s", s, words[i], didYouMean(words[i], known))
		}
		step := Step{Block: b.Name}
		if b.Label != "" {
			if i++; i == len(words) || words[i] == "" {
				return nil, fmt.Errorf("path %q: the %s of the %s is missing, as in %s/NAME", s, b.Label, b.Name, s)
			}
			if b.Second != "" {
				if i++; i == len(words) || words[i] == "" {
					return nil, fmt.Errorf("path %q: the %s of the %s is missing, as in %s/%s/NAME", s, b.Second, b.Name, b.Name, b.Labels[0])
				}
				step.Label = labelUnescapes.Replace(words[i-1]) + labelGap
			}
			label, index, found := strings.Cut(words[i], "#")
			step.Label += labelUnescapes.Replace(label)
			n, err := strconv.Atoi(index)
			if found && (err != nil || n < 1) {
				return nil, fmt.Errorf("path %q: after # comes a number from 1", s)
			}
			step.Index = max(n-1, 0)
		}
		p = append(p, step)
		parent = b.Name
	}
	return p, nil
}

// is reports whether b is of the type and label of s.
func (s Step) is(b *hclsyntax.Block) bool {
	return b.Type == s.Block && strings.Join(b.Labels, labelGap) == s.Label
}

// find returns the block that s means in body, or nil.
func (s Step) find(body *hclsyntax.Body) *hclsyntax.Block {
	n := s.Index
	for _, b := range body.Blocks {
		if !s.is(b) {
			continue
		}
		if n == 0 {
			return b
		}
		n--
	}
	return nil
}
