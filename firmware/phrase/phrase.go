// SPDX-License-Identifier: Apache-2.0

// Package phrase knows the sentences that the box says to people, and gives each
// of them a stable kind and its arguments: what programs test, and what the
// console translates.
//
// A sentence is made where its cause is found, deep in a state machine or in
// another process, and then travels as text: in the journal of updates, in
// verdicts of members, in what another box of another version tells. So it is told
// apart where it leaves the box, by its form, and what made it knows nothing of
// translations. Package phrase does not know who says what, or in which languages.
// A test reads the source and holds the catalogue, the source and the console's
// texts together.
package phrase

import (
	"cmp"
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A Said is a sentence with what it consists of.
type Said struct {
	Kind string         `json:"kind" doc:"stable and dotted, such as probe.no_connection"`
	Args map[string]any `json:"args,omitempty" doc:"the values inside the text: strings, and objects of this form where a value is a sentence itself"`
	Text string         `json:"text,omitempty" doc:"of a sentence inside another: in English"`
}

// Words has the sentences of an object by the names of the fields that hold them.
type Words map[string]Said

// A Phrase is one form of a sentence.
type Phrase struct {
	Kind    string
	Pattern string // English, with arguments in braces; {*why} is a sentence itself
	// Strict: the pattern says so little that it counts only where all sentences in
	// it are known.
	Strict bool
	// Foreign: words of the operating system or of Go, which our source does not have.
	Foreign bool
	// Parts of the pattern, where several places of the source put it together.
	Parts []string

	literals []string // around the arguments, one more than those
	args     []arg
	weight   int    // bytes of literals: the heavier of two that fit is meant
	domain   string // what it is looked for in: did, was, mistake, or everything else
}

type arg struct {
	name     string
	sentence bool
	optional bool // it may be nothing
}

// Most sentences are told apart from all others. Those of three kinds are looked for
// only where they stand: what was done and how things were before and after, in the
// audit log, and mistakes in a configuration. They are many, and short or made of parts.
const (
	done    = "did"
	was     = "was"
	mistake = "mistake"
)

//go:embed catalogue/*.txt
var files embed.FS

// The catalogue is read when the first text is looked at: most processes of this
// program never look at one.
var (
	phrases = sync.OnceValue(load)
	byStart = sync.OnceValue(func() map[string]table { return domains(phrases()) })
)

// All returns the catalogue, in the order of its files.
func All() []Phrase { return slices.Clone(phrases()) }

// Args names the arguments of the pattern.
func (p *Phrase) Args() []string {
	var out []string
	for _, a := range p.args {
		out = append(out, a.name)
	}
	return out
}

// load reads the catalogue: a line is a kind, a blank, and a pattern. A mark before
// the kind is ! for Foreign and ? for Strict; a | stands between Parts, and \| is that
// sign. An argument {*why} is a sentence itself, and {~hint} one or nothing.
func load() []Phrase {
	dir, err := files.ReadDir("catalogue")
	if err != nil {
		panic(err)
	}
	var out []Phrase
	for _, f := range dir {
		text, err := files.ReadFile("catalogue/" + f.Name())
		if err != nil {
			panic(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			kind, pattern, ok := strings.Cut(line, " ")
			if !ok {
				panic(fmt.Sprintf("phrase: %s: a line is a kind and a pattern, not %q", f.Name(), line))
			}
			out = append(out, parse(kind, pattern))
		}
	}
	return out
}

var argument = regexp.MustCompile(`\{([*~]?)([a-z_0-9]+)\}`)

func parse(kind, pattern string) Phrase {
	p := Phrase{Kind: strings.TrimLeft(kind, "!?"), Foreign: kind[0] == '!', Strict: kind[0] == '?'}
	const bar = "\x00"
	if pattern = strings.ReplaceAll(pattern, `\|`, bar); strings.Contains(pattern, "|") {
		for _, part := range strings.Split(pattern, "|") {
			p.Parts = append(p.Parts, strings.ReplaceAll(part, bar, "|"))
		}
		pattern = strings.Join(p.Parts, "")
	}
	pattern = strings.ReplaceAll(pattern, bar, "|")
	p.Pattern = pattern
	if domain, _, _ := strings.Cut(p.Kind, "."); domain == done || domain == was || domain == mistake {
		p.domain = domain
	}
	from := 0
	for _, m := range argument.FindAllStringSubmatchIndex(pattern, -1) {
		p.literals = append(p.literals, pattern[from:m[0]])
		p.args = append(p.args, arg{name: pattern[m[4]:m[5]], sentence: m[2] < m[3], optional: pattern[m[2]:m[3]] == "~"})
		from = m[1]
	}
	p.literals = append(p.literals, pattern[from:])
	for _, l := range p.literals {
		p.weight += len(l)
	}
	for i := range p.args { // what somebody wrote may be nothing
		quoted := strings.HasSuffix(p.literals[i], `"`) && strings.HasPrefix(p.literals[i+1], `"`)
		p.args[i].optional = p.args[i].optional || quoted && p.domain == mistake
	}
	return p
}

// start is how many bytes of a text the index looks at.
const start = 4

// A table has phrases by how they start, the heaviest first; under "" are those that
// start with less.
type table map[string][]*Phrase

// domains makes a table of each domain.
func domains(list []Phrase) map[string]table {
	of := map[string][]*Phrase{}
	for i := range list {
		of[list[i].domain] = append(of[list[i].domain], &list[i])
	}
	out := map[string]table{}
	for domain, list := range of {
		out[domain] = index(list)
	}
	return out
}

func index(list []*Phrase) table {
	out := table{}
	for _, p := range list {
		key := ""
		if len(p.literals[0]) >= start {
			key = p.literals[0][:start]
		}
		out[key] = append(out[key], p)
	}
	for _, list := range out {
		slices.SortStableFunc(list, func(a, b *Phrase) int { return cmp.Compare(b.weight, a.weight) })
	}
	return out
}
