// SPDX-License-Identifier: Apache-2.0

package match

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"evener/firmware/message"
)

// A RuleTrace is how one rule fared. Reached is false for a disabled rule and
// for those after the first that matched.
type RuleTrace struct {
	Rule     int // index
	Name     string
	Disabled bool
	Reached  bool
	Matched  bool
	Conds    []Cond // in the order of the text
}

// A Verdict is what became of a condition.
type Verdict uint8

const (
	NotEvaluated Verdict = iota // what stood before it had already decided
	False
	True
)

// String returns "true", "false" or "not evaluated".
func (v Verdict) String() string {
	return [...]string{"not evaluated", "false", "true"}[v]
}

// A Cond is one function call of a rule: its text, where it stands, the value
// of the request that it was compared with, and the outcome of the call itself,
// before any "!".
type Cond struct {
	Source     string // spelt anew from the parsed expression
	Range      hcl.Range
	Value      string // of several cookies or parameters: joined by ", "
	Missing    bool   // the request has no such thing, which makes the call false
	IgnoreCase bool   // the call compares letters without regard to case
	Verdict    Verdict
}

// Trace says of every rule whether r meets it and why. It evaluates the
// expressions as they were written, one after the other, with none of Match's
// structures; its first rule with Matched is the one that Match returns. It is
// for people who ask why, and slow. It leaves r.Debug alone.
func (s *Set) Trace(r *Request) []RuleTrace {
	out := make([]RuleTrace, len(s.rules))
	done := false
	for i, rule := range s.rules {
		t := &out[i]
		t.Rule, t.Name, t.Disabled = i, rule.Name, rule.Disabled
		t.Reached = !rule.Disabled && !done
		w := walker{r: r}
		t.Matched = w.walk(rule.When.(hclsyntax.Expression), rule.IgnoreCase, t.Reached)
		t.Conds = w.conds
		done = done || t.Matched
	}
	return out
}

// A walker evaluates one expression and notes what it sees.
type walker struct {
	r     *Request
	conds []Cond
}

// walk evaluates e; if live is false it only notes its conditions.
func (w *walker) walk(e hclsyntax.Expression, fold, live bool) bool {
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return w.walk(e.Expression, fold, live)
	case *hclsyntax.UnaryOpExpr:
		return live && !w.walk(e.Val, fold, live) || !live && w.walk(e.Val, fold, false)
	case *hclsyntax.BinaryOpExpr:
		and := e.Op == hclsyntax.OpLogicalAnd
		terms := chain(e)
		for _, t := range terms {
			if and && isCase(t) {
				fold = t.(*hclsyntax.FunctionCallExpr).Name == fnIgnoreCase
			}
		}
		result := and
		for _, t := range terms {
			open := live && result == and // no term has decided yet
			if v := w.walk(t, fold, open); open {
				result = v
			}
		}
		return live && result
	case *hclsyntax.FunctionCallExpr:
		c := Cond{Source: sourceOf(e), Range: e.Range()}
		if live {
			w.try(e, fold, &c)
		}
		w.conds = append(w.conds, c)
		return c.Verdict == True
	}
	return false
}

// sourceOf spells a call.
func sourceOf(e *hclsyntax.FunctionCallExpr) string {
	var b strings.Builder
	b.WriteString(e.Name + "(")
	for i, a := range e.Args {
		if i > 0 {
			b.WriteString(", ")
		}
		text, _ := literal(a)
		b.WriteString(quote(text))
	}
	return b.String() + ")"
}

// quote spells s as an HCL string.
func quote(s string) string {
	return `"` + strings.NewReplacer(
		`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "${", "$${", "%{", "%%{",
	).Replace(s) + `"`
}

// try evaluates a call.
func (w *walker) try(e *hclsyntax.FunctionCallExpr, fold bool, c *Cond) {
	s := byName[e.Name]
	c.IgnoreCase = s.folds(fold)
	args := make([]string, len(e.Args))
	for i, a := range e.Args {
		args[i], _ = literal(a)
	}
	name := ""
	if s.named {
		name, args = args[0], args[1:]
	}
	c.Verdict = False
	values := w.values(s, name)
	c.Value, c.Missing = strings.Join(values, ", "), len(values) == 0
	if s.subject == nothing || s.named && len(args) == 0 && len(values) > 0 {
		c.Verdict, c.Missing = True, false
		return
	}
	for _, v := range values {
		for _, a := range args {
			if fits(s, v, a, c.IgnoreCase) {
				c.Verdict = True
			}
		}
		if truth(s.subject, v) {
			c.Verdict = True
		}
	}
}

// truth reports whether v makes a function true that compares with nothing.
func truth(s subject, v string) bool {
	switch s {
	case version:
		return v == "HTTP/0.9"
	case http2:
		return v == "HTTP/2"
	}
	return s == secure || s == cert
}

// values returns what the request has of s's subject.
func (w *walker) values(s *spec, name string) []string {
	h, hostname, full := w.r.head, string(w.r.Host()), string(w.r.Path())
	label, rest, dotted := strings.Cut(hostname, ".")
	slash := strings.LastIndex(full, "/")
	switch s.subject {
	case host:
		return some(hostname, hostname != "")
	case hostLabel:
		return some(label, hostname != "")
	case hostRest:
		return some(rest, dotted)
	case path:
		return some(full, true)
	case dir:
		return some(full[:slash+1], slash >= 0)
	case file:
		return some(full[slash+1:], slash >= 0)
	case query:
		return some(string(h.Bytes(h.Query)), h.HasQuery)
	case method:
		return some(string(h.Bytes(h.Method)), true)
	case client:
		return some(w.r.client.String(), w.r.client.IsValid())
	case version, http2:
		return some(protocol(h), true)
	case header:
		return w.field(name)
	case cookie:
		return w.cookies(name)
	case param:
		return params(string(h.Bytes(h.Query)), name)
	}
	if w.r.tls == nil {
		return nil
	}
	return tlsValues(s.subject, w.r.tls)
}

// protocol names the version by which h came.
func protocol(h *message.Head) string {
	switch {
	case h.HTTP2:
		return "HTTP/2"
	case h.Minor == 9:
		return "HTTP/0.9"
	}
	return "HTTP/1." + strconv.Itoa(int(h.Minor))
}

// tlsValues returns what t has of s.
func tlsValues(s subject, t *TLS) []string {
	name := strings.TrimSuffix(lowered(t.ServerName), ".")
	label, rest, dotted := strings.Cut(name, ".")
	switch s {
	case secure:
		return some("TLS "+t.Version, true)
	case tlsVersion:
		return some(t.Version, true)
	case sni:
		return some(name, name != "")
	case sniLabel:
		return some(label, name != "")
	case sniRest:
		return some(rest, dotted)
	case cert, certSubject:
		return some(t.Subject, t.Verified)
	case certIssuer:
		return some(t.Issuer, t.Verified)
	case certPrint:
		return some(t.Fingerprint, t.Verified)
	case certName:
		if t.Verified {
			return t.Names
		}
	}
	return nil
}

func some(v string, ok bool) []string {
	if !ok {
		return nil
	}
	return []string{v}
}

// field returns the value of the first field called name; that of Host is the
// authority.
func (w *walker) field(name string) []string {
	h := w.r.head
	if strings.EqualFold(name, "host") {
		return some(string(h.Bytes(h.Authority)), h.Authority.Len > 0)
	}
	for _, f := range h.Fields {
		if strings.EqualFold(string(h.Bytes(f.Name)), name) {
			return some(string(h.Bytes(f.Value)), true)
		}
	}
	return nil
}

// cookies returns the values of all cookies called name.
func (w *walker) cookies(name string) (values []string) {
	h := w.r.head
	for _, f := range h.Fields {
		if f.ID != message.Cookie {
			continue
		}
		for _, crumb := range strings.Split(string(h.Bytes(f.Value)), ";") {
			k, v, ok := strings.Cut(crumb, "=")
			if ok && strings.Trim(k, " \t") == name {
				values = append(values, strings.Trim(v, " \t"))
			}
		}
	}
	return values
}

// params returns the values of all parameters of the query q called name.
func params(q, name string) (values []string) {
	for _, part := range strings.Split(q, "&") {
		k, v, _ := strings.Cut(part, "=")
		if string(appendDecoded(nil, []byte(k))) == name {
			values = append(values, string(appendDecoded(nil, []byte(v))))
		}
	}
	return values
}

// fits compares the value v of a request with the argument a of s.
func fits(s *spec, v, a string, fold bool) bool {
	if s.op == regex {
		if fold {
			a = "(?i)" + a
		}
		return regexp.MustCompile(a).MatchString(v)
	}
	a, _ = checkValue(s, a)
	if s.subject == client {
		ip, err := netip.ParseAddr(v)
		return err == nil && netip.MustParsePrefix(a).Contains(ip)
	}
	if fold {
		v, a = lowered(v), lowered(a)
	}
	switch s.op {
	case prefix:
		return strings.HasPrefix(v, a)
	case suffix:
		return strings.HasSuffix(v, a)
	case substr:
		return strings.Contains(v, a)
	case segments:
		return v != "*" && (v == a || strings.HasPrefix(v, a+"/"))
	case firstParts, lastParts:
		return endsWithParts(cutDN(v, ','), cutDN(a, ','), s.op == firstParts)
	case hostName:
		if parent, ok := strings.CutPrefix(a, "*"); ok {
			return strings.HasSuffix(v, parent) && len(v) > len(parent)
		}
	}
	return v == a
}

// endsWithParts reports whether the parts of a name begin with those of want,
// or, unless first, end with them.
func endsWithParts(parts, want []string, first bool) bool {
	extra := len(parts) - len(want)
	if extra < 0 {
		return false
	}
	if first {
		extra = 0
	}
	return slices.Equal(parts[extra:extra+len(want)], want)
}
