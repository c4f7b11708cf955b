// SPDX-License-Identifier: Apache-2.0

package match

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// checkCall checks a function call. It reports every mistake in it and returns
// nil if there was one.
func (p *parser) checkCall(e *hclsyntax.FunctionCallExpr, fold bool) *call {
	s := byName[e.Name]
	if s == nil {
		hint := ""
		if near := suggest(e.Name); near != "" {
			hint = fmt.Sprintf("; did you mean %s?", byName[near].example)
		}
		p.fail(e.NameRange, "unknown function %q%s", e.Name, hint)
		return nil
	}
	if e.ExpandFinal {
		p.fail(e.Range(), "%s: \"...\" is not allowed in a rule; write each string", s.name)
		return nil
	}
	if n := len(e.Args); n < s.min || n > s.max {
		p.fail(e.Range(), "%s takes %s, such as %s, not %d", s.name, s.takes(), s.example, n)
		return nil
	}
	c := &call{spec: s, fold: s.folds(fold)}
	ok := true
	for i, arg := range e.Args {
		text, msg := literal(arg)
		if msg == "" {
			text, msg = c.addArg(i, text)
		}
		if msg == "" && s.op == regex && !(s.named && i == 0) {
			msg = p.checkRegex(c, text)
		}
		if msg != "" {
			p.fail(arg.Range(), "%s: %s", s.name, msg)
			ok = false
		}
	}
	if !ok {
		return nil
	}
	return c
}

// literal returns the string that e spells, or what is wrong with it.
func literal(e hclsyntax.Expression) (text, msg string) {
	t, ok := e.(*hclsyntax.TemplateExpr)
	if !ok {
		if _, ok := e.(*hclsyntax.TemplateWrapExpr); ok {
			return "", `"${" is not allowed in a rule; write "$${" for these two characters`
		}
		if v, ok := e.(*hclsyntax.ScopeTraversalExpr); ok && len(v.Traversal) == 1 {
			return "", fmt.Sprintf("a string stands in double quotes: write %q", v.Traversal.RootName())
		}
		return "", "the arguments are strings in double quotes"
	}
	for _, part := range t.Parts {
		lit, ok := part.(*hclsyntax.LiteralValueExpr)
		if !ok || lit.Val.IsNull() || lit.Val.Type() != cty.String {
			return "", `"${" and "%{" are not allowed in a rule; ` +
				`write "$${" and "%%{" for these characters`
		}
		text += lit.Val.AsString()
	}
	return text, ""
}

// addArg checks argument i of c and adds its canonical form.
func (c *call) addArg(i int, text string) (canonical, msg string) {
	s := c.spec
	for _, b := range []byte(text) {
		if b < ' ' || b == 0x7f {
			return "", "the string has a control character; requests never do"
		}
	}
	if s.named && i == 0 {
		c.name, msg = checkName(s.subject, text)
		return c.name, msg
	}
	if s.op == regex {
		c.args = append(c.args, text)
		return text, ""
	}
	if canonical, msg = checkValue(s, text); msg != "" {
		return "", msg
	}
	if c.fold {
		canonical = lowered(canonical)
	}
	c.args = append(c.args, canonical)
	return canonical, ""
}

// checkName checks the name of a field, cookie or parameter. Field names are
// compared in lower case.
func checkName(s subject, name string) (canonical, msg string) {
	switch {
	case name == "":
		return "", "the name is empty"
	case s == param:
		return name, ""
	case !isToken(name):
		return "", fmt.Sprintf("%q is not a name: letters, digits and !#$%%&'*+-.^_`|~ only", name)
	case s == header:
		return lowered(name), ""
	}
	return name, ""
}

// isToken reports whether s is a token (RFC 9110 section 5.6.2).
func isToken(s string) bool {
	for _, c := range []byte(s) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// checkValue checks a string that a function compares with and returns it in
// the form in which the subject is compared.
func checkValue(s *spec, v string) (canonical, msg string) {
	switch s.subject {
	case host, hostLabel, hostRest, sni, sniLabel, sniRest:
		return checkHost(s, v)
	case path, dir, file:
		return checkPath(s, v)
	case method:
		return checkMethod(v)
	case client:
		return checkNet(v)
	case tlsVersion:
		return checkTLSVersion(v)
	case certPrint:
		return checkFingerprint(v)
	case certName:
		return checkSAN(s, v)
	}
	if v == "" && s.op != equal && s.subject != nothing {
		return "", "the string is empty, which fits everything"
	}
	switch s.subject {
	case certSubject, certIssuer:
		return checkDN(s, v)
	case header, cookie:
		return checkBlanks(s, v)
	}
	return v, ""
}

// checkBlanks checks a string that is compared with the value of a field or
// cookie.
func checkBlanks(s *spec, v string) (canonical, msg string) {
	if s.subject == cookie && strings.Contains(v, ";") {
		return "", `a ";" ends the value of a cookie, so this is never true`
	}
	front, back := strings.TrimLeft(v, " "), strings.TrimRight(v, " ")
	if front != v && (s.op == equal || s.op == prefix) || back != v && (s.op == equal || s.op == suffix) {
		return "", fmt.Sprintf("blanks around a value are no part of it: write %q", strings.TrimSpace(v))
	}
	return v, ""
}

// checkMethod checks a method; methods are case-sensitive.
func checkMethod(m string) (canonical, msg string) {
	if !isToken(m) {
		return "", fmt.Sprintf("%q is not a method", m)
	}
	switch up := strings.ToUpper(m); up {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT":
		if up != m {
			return "", fmt.Sprintf("methods are case-sensitive: write %q", up)
		}
	}
	return m, ""
}
