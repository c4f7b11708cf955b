// SPDX-License-Identifier: Apache-2.0

package phrase

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	maxText  = 4096 // longer ones are no sentences
	maxTexts = 32   // that are looked at for one, with those inside it
)

// Of finds out what a text says; ok is false if no phrase is known that it could be.
func Of(text string) (said Said, ok bool) {
	m := lately.of(text, find)
	return m.said, m.ok
}

var lately memory // what was asked of Of

func find(text string) (out meaning) {
	if lines := strings.Split(text, "\n"); len(lines) > 1 && len(lines) <= maxTexts/2 && len(text) <= maxText {
		if said, known := findLines(lines); known > 0 {
			return meaning{said, true}
		}
	}
	m := matcher{tables: []table{byStart()[""]}, left: maxTexts}
	out.said, _, out.ok = m.of(text)
	return out
}

// both is how two sentences are put together.
const both = "join.two"

// findLines finds out what errors say that were found together and stand in lines of
// their own. Those that are not known stay among the others as they are.
func findLines(lines []string) (out Said, known int) {
	var rest any
	for i, line := range slices.Backward(lines) {
		m := matcher{tables: []table{byStart()[""]}, left: maxTexts}
		var first any = line
		if s, _, ok := m.of(line); ok {
			s.Text, first = line, s
			known++
		}
		if rest == nil {
			rest = first
			continue
		}
		out = Said{Kind: both, Args: map[string]any{"first": first, "then": rest}}
		inner := out
		inner.Text = strings.Join(lines[i:], "; ")
		rest = inner
	}
	return out, known
}

// Did finds out what a record of the audit log says was done.
func Did(text string) (said Said, ok bool) {
	m := matcher{tables: []table{byStart()[done], byStart()[""]}, left: maxTexts}
	said, _, ok = m.of(text)
	return said, ok
}

// Mistake finds out what a mistake in a configuration says: text, of the block where,
// such as pool "shop", or of none. It says what the field message says.
func Mistake(where, text string) Words {
	m := matcher{tables: []table{byStart()[mistake], byStart()[""]}, left: 4 * maxTexts, whole: true}
	said, _, ok := m.of(text)
	if !ok {
		return nil
	}
	if where != "" {
		said.Text = text
		said = Said{Kind: place, Args: map[string]any{"where": where, "why": said}}
	}
	return Words{"message": said}
}

// A matcher looks at one text and at those inside it. It gives up before a text that
// somebody has made for it costs much.
type matcher struct {
	tables []table
	left   int
	// whole: of two phrases that fit, the one is meant that explains more with the
	// sentences in it. A mistake is made of parts, and several could be the first.
	whole bool
	// inside: the text stands in the middle of another.
	inside bool
}

// What stands before a mistake: the block or function, or the keyword. They say so
// little that they would be found in the middle of any sentence, so they count at the
// beginning alone, and where a new block is spoken of.
const (
	place    = "mistake.at"
	keyword  = "mistake.of"
	newBlock = "mistake.new_block"
)

// Some phrases say so little, or so little between two quotes, that they count only where
// the whole text has a form: lists of words, of names in the language and of what a
// parameter may be, what is wrong with one, certificates by their names, what stands
// before a weight, and numbers, names and addresses without blanks.
var only = map[string]*regexp.Regexp{
	"mistake.or_words":   regexp.MustCompile(`^[a-z_]+(, [a-z_]+)* or [a-z_]+$`),
	"list.or":            regexp.MustCompile(`^[\w.-]+(, [\w.-]+)* or [\w.-]+$`),
	"param.be":           parameter,
	"param.choice":       parameter,
	"param.choice_meant": parameter,
	"param.integer":      parameter,
	"param.more":         parameter,
	"param.less":         parameter,
	"net.dial":           regexp.MustCompile(`^dial \w+ \S+: `),
	"vrrp.lowered":       regexp.MustCompile(`^\w+, not \w+: `),
	"order.reason":       ordered,
	"order.reason_to":    ordered,
	"order.not_seen":     regexp.MustCompile(`^\S+ is not seen `),
	"cert.title":         regexp.MustCompile(`^the certificate "[^"]*"$`),
	"cert.titles":        regexp.MustCompile(`^the certificate "[^"]*"(, the certificate "[^"]*")+$`),
	"tester.kept":        regexp.MustCompile(`^the client is kept on \S+ by its \w+$`),
	"cause.port":         cause,
	"cause.pool":         cause,
	"cause.route":        cause,
	"cause.custom":       cause,
	"capture.in_network": noBlank,
	"capture.no_ipv4":    noBlank,
	"capture.no_ipv6":    noBlank,
	"was.draining":       regexp.MustCompile(`^draining until [^,]*$`),
	"was.draining_cut":   regexp.MustCompile(`^draining until [^,]*, then cut$`),
}

var (
	parameter = regexp.MustCompile(`^("[^"]*"|\w+) must be `)
	ordered   = regexp.MustCompile(`^[\w() ]+ by `)
	noBlank   = regexp.MustCompile(`^\S+ (is an|has no) address `)
	cause     = regexp.MustCompile(`^(port|pool|default route|custom) \S+$`)
)

// Fields finds out what the texts of an object say: pairs of a field's name and its
// text. Those that are not known are left out; nil is none.
func Fields(pairs ...string) Words {
	var w Words
	for i := 0; i+1 < len(pairs); i += 2 {
		w = w.With(pairs[i], pairs[i+1])
	}
	return w
}

// With returns w with what the text of one more field says.
func (w Words) With(field, text string) Words {
	s, ok := Of(text)
	return w.with(field, s, ok)
}

// WithDid is With for a field of the audit log that says what was done.
func (w Words) WithDid(field, text string) Words {
	s, ok := Did(text)
	return w.with(field, s, ok)
}

// WithWas is With for a field of the audit log that says how something was. Of several
// things, such as shop/web1: enabled, weight 5; shop/web2: disabled, weight 5, what
// stands behind each is called by its place, as those of a list.
func (w Words) WithWas(field, text string) Words {
	if s, ok := state(text); ok {
		return w.with(field, s, ok)
	}
	if len(text) > maxText {
		return w
	}
	for i, part := range strings.Split(text, "; ") {
		_, how, _ := strings.Cut(part, ": ")
		s, ok := state(how)
		w = w.with(field+"."+strconv.Itoa(i), s, ok)
	}
	return w
}

func state(text string) (said Said, ok bool) {
	m := matcher{tables: []table{byStart()[was]}, left: maxTexts}
	said, _, ok = m.of(text)
	return said, ok
}

func (w Words) with(field string, s Said, ok bool) Words {
	if !ok {
		return w
	}
	if w == nil {
		w = Words{}
	}
	w[field] = s
	return w
}

// Args finds out what the sentences among the arguments of a problem or an event say.
// A name may look like one: a user may be called start, but has no blanks.
func Args(args map[string]any) Words {
	var w Words
	for _, name := range []string{"detail", "error", "problem", "reason", "text", "why"} {
		if text, ok := args[name].(string); ok {
			w = w.With(name, text)
		}
	}
	for _, name := range []string{"by", "user"} {
		if text, ok := args[name].(string); ok && strings.Contains(text, " ") {
			w = w.With(name, text)
		}
	}
	if text, ok := args["comment"].(string); ok { // somebody's own, but where nobody has given one
		s, _ := Of(text)
		w = w.with("comment", s, s.Kind == "store.no_comment" || s.Kind == "store.confirm_within")
	}
	return w
}

// of returns what text says, and how much of it is explained.
func (m *matcher) of(text string) (best Said, weight int, ok bool) {
	if text == "" || len(text) > maxText || m.left == 0 {
		return Said{}, 0, false
	}
	m.left--
	weight = -1
	try := func(list []*Phrase) {
		for _, p := range list {
			if p.weight <= weight && !m.whole {
				return // the heavier ones come first
			}
			values, fits := p.match(text)
			if form := only[p.Kind]; !fits || form != nil && !form.MatchString(text) || m.inside && (p.Kind == place || p.Kind == keyword) {
				continue
			}
			outer := m.inside
			m.inside = outer || p.Kind != newBlock
			args, inside, known := m.arguments(p, values)
			m.inside = outer
			if p.domain != mistake {
				inside = 0 // of all others, the heaviest is meant here too
			}
			if known && p.weight+inside > weight {
				best, weight, ok = Said{Kind: p.Kind, Args: args}, p.weight+inside, true
			}
		}
	}
	for _, t := range m.tables {
		if len(text) >= start {
			try(t[text[:start]])
		}
		try(t[""])
	}
	return best, weight, ok
}

// match takes text apart. Every argument is as short as it can be, but for the last.
func (p *Phrase) match(text string) ([]string, bool) {
	if p.domain == done {
		return p.matchGaps(text)
	}
	last := len(p.literals) - 1
	rest, ok := strings.CutPrefix(text, p.literals[0])
	if !ok {
		return nil, false
	}
	if last == 0 {
		return nil, rest == ""
	}
	if rest, ok = strings.CutSuffix(rest, p.literals[last]); !ok {
		return nil, false
	}
	var values []string
	for i, l := range p.literals[1:last] {
		value, after, ok := strings.Cut(rest, l)
		if !ok || value == "" && !p.args[i].optional {
			return nil, false
		}
		values, rest = append(values, value), after
	}
	if rest == "" && !p.args[last-1].optional {
		return nil, false
	}
	return append(values, rest), true
}

// matchGaps takes apart what was done. An argument that was not given has left nothing
// there, not even the blank before it.
func (p *Phrase) matchGaps(text string) ([]string, bool) {
	last := len(p.literals) - 1
	rest, ok := strings.CutPrefix(text+" ", p.literals[0])
	if !ok {
		return nil, false
	}
	var values []string
	if last == 0 {
		return nil, rest == " "
	}
	for _, l := range p.literals[1:last] {
		value, after, ok := strings.Cut(rest, l)
		if !ok {
			value = ""
			after, ok = strings.CutPrefix(rest, strings.TrimLeft(l, " "))
		}
		if !ok {
			return nil, false
		}
		values, rest = append(values, strings.TrimSpace(value)), after
	}
	if rest, ok = strings.CutSuffix(strings.TrimRight(rest, " "), p.literals[last]); !ok {
		rest, ok = "", rest == strings.TrimLeft(p.literals[last], " ")
	}
	return append(values, strings.TrimSpace(rest)), ok
}

// arguments finds out which of the values are sentences that are known, and how much
// of them is explained. It is false where they must be, and are not.
func (m *matcher) arguments(p *Phrase, values []string) (out map[string]any, weight int, known bool) {
	if len(values) == 0 {
		return nil, 0, true
	}
	out = make(map[string]any, len(values))
	for i, v := range values {
		a := p.args[i]
		out[a.name] = v
		if !a.sentence || v == "" {
			continue
		}
		if s, inside, ok := m.of(v); ok {
			s.Text = v
			out[a.name] = s
			if m.whole {
				weight += inside
			}
		} else if p.Strict {
			return nil, 0, false
		}
	}
	return out, weight, true
}

// List finds out what the texts of one field say: see [Words.WithList].
func List(field string, texts []string) Words { return Words(nil).WithList(field, texts) }

// WithList returns w with what the texts of one more field say; they are called by its
// name and their place, such as missing.0.
func (w Words) WithList(field string, texts []string) Words {
	for i, text := range texts {
		w = w.With(field+"."+strconv.Itoa(i), text)
	}
	return w
}
