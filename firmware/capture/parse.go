// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

const (
	maxFilter = 4096 // bytes of a filter's text
	maxNested = 32   // parentheses and nots in each other
)

// A FilterError is a mistake in a filter. Its text says what would be right.
type FilterError struct {
	At  int // byte of the text at which it lies, from 0
	Msg string
}

// Error returns the message with the place, counted from 1.
func (e *FilterError) Error() string {
	return fmt.Sprintf("filter, character %d: %s", e.At+1, e.Msg)
}

// ParseFilter reads a filter such as
//
//	host 192.0.2.1 and (tcp port 80 or icmp)
//
// It returns nil for a text without words: every packet. Its words are those that
// pcap-filter(7) made customary; what is not understood is an error.
func ParseFilter(text string) (Expr, error) {
	if len(text) > maxFilter {
		return nil, &FilterError{0, fmt.Sprintf("a filter has %d bytes at most, not %d", maxFilter, len(text))}
	}
	p := parser{text: text}
	p.next()
	if p.word == "" {
		return nil, nil
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.word != "" {
		return nil, p.errorf("expected and, or, or the end, not %q", p.word)
	}
	return e, nil
}

// A parser reads words; word is the one that is looked at, "" at the end.
type parser struct {
	text  string
	at    int // where word begins
	end   int // and ends
	word  string
	depth int
}

func (p *parser) errorf(format string, args ...any) error {
	return &FilterError{p.at, fmt.Sprintf(format, args...)}
}

func (p *parser) next() {
	p.at = p.end
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	p.end = p.at
	if p.at == len(p.text) {
		p.word = ""
		return
	}
	switch rest := p.text[p.at:]; {
	case strings.IndexByte("()!", rest[0]) >= 0:
		p.end++
	case strings.HasPrefix(rest, "&&"), strings.HasPrefix(rest, "||"):
		p.end += 2
	default:
		n := strings.IndexAny(rest, " \t\r\n()!&|")
		if n < 0 {
			n = len(rest)
		}
		p.end += max(n, 1)
	}
	p.word = p.text[p.at:p.end]
}

// take goes on behind the word if it is one of these.
func (p *parser) take(words ...string) bool {
	if !slices.Contains(words, p.word) {
		return false
	}
	p.next()
	return true
}

func (p *parser) or() (Expr, error) {
	e, err := p.and()
	for err == nil && p.take("or", "||") {
		var b Expr
		b, err = p.and()
		e = or{e, b}
	}
	return e, err
}

func (p *parser) and() (Expr, error) {
	e, err := p.term()
	for err == nil && p.take("and", "&&") {
		var b Expr
		b, err = p.term()
		e = and{e, b}
	}
	return e, err
}

func (p *parser) term() (Expr, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxNested {
		return nil, p.errorf("more than %d parentheses and nots in each other", maxNested)
	}
	if p.take("not", "!") {
		e, err := p.term()
		return not{e}, err
	}
	if !p.take("(") {
		return p.primitive()
	}
	e, err := p.or()
	if err == nil && !p.take(")") {
		err = p.errorf("expected ) before %q", p.word)
	}
	return e, err
}

const wanted = "expected host, net, port, portrange, src, dst, vlan, ip, ip6, arp, tcp, udp, icmp, icmp6, not or (, not %q"

func (p *parser) primitive() (Expr, error) {
	e := Primitive{}
	start := p.at
	if i := slices.Index(protoNames[1:], p.word); i >= 0 {
		e.Proto = Proto(i + 1)
		p.next()
	}
	dir := p.direction(&e)
	var err error
	switch {
	case p.take("host"):
		err = p.host(&e)
	case p.take("net"):
		err = p.network(&e)
	case p.take("port"):
		err = p.ports(&e, false)
	case p.take("portrange"):
		err = p.ports(&e, true)
	case e.Proto == 0 && !dir && p.take("vlan"):
		return p.vlan()
	case dir:
		err = p.host(&e) // "src 192.0.2.1"
	case e.Proto == 0:
		return nil, p.errorf(wanted, p.word)
	}
	if err == nil {
		if why := e.conflict(); why != "" {
			err = &FilterError{start, why}
		}
	}
	return e, err
}

// direction reads src, dst, "src or dst" and "src and dst".
func (p *parser) direction(e *Primitive) bool {
	first := p.word
	if !p.take("src", "dst") {
		return false
	}
	e.Dir = Src
	if first == "dst" {
		e.Dir = Dst
	}
	back := *p
	join := p.word
	if p.take("or", "and") && p.word != first && p.take("src", "dst") {
		e.Dir = Either
		if join == "and" {
			e.Dir = Both
		}
		return true
	}
	*p = back
	return true
}

func (p *parser) host(e *Primitive) error {
	a, err := netip.ParseAddr(p.word)
	if err != nil || a.Zone() != "" {
		return p.errorf("expected an address such as 192.0.2.1 or 2001:db8::1, not %q", p.word)
	}
	a = a.Unmap()
	e.Kind, e.Net = Net, netip.PrefixFrom(a, a.BitLen())
	p.next()
	return nil
}

func (p *parser) network(e *Primitive) error {
	n, err := netip.ParsePrefix(p.word)
	if err != nil || n.Addr().Is4In6() {
		return p.errorf("expected a network such as 192.0.2.0/24 or 2001:db8::/32, not %q", p.word)
	}
	if n != n.Masked() {
		return p.errorf("%s is an address in the network %s; write that", n, n.Masked())
	}
	e.Kind, e.Net = Net, n
	p.next()
	return nil
}

func (p *parser) ports(e *Primitive, pair bool) error {
	low, high, ok := p.word, p.word, true
	if pair {
		low, high, ok = strings.Cut(p.word, "-")
	}
	a, err1 := strconv.ParseUint(low, 10, 16)
	b, err2 := strconv.ParseUint(high, 10, 16)
	switch {
	case (!ok || err1 != nil || err2 != nil) && pair:
		return p.errorf("expected two ports such as 8000-8080, not %q", p.word)
	case err1 != nil:
		return p.errorf("expected a port from 0 to 65535, not %q", p.word)
	case a > b:
		return p.errorf("the range %s is empty: the lower port comes first", p.word)
	}
	e.Kind, e.Low, e.High = Port, uint16(a), uint16(b)
	p.next()
	return nil
}

// vlan reads an id, which may be missing.
func (p *parser) vlan() (Expr, error) {
	e := Primitive{Kind: VLAN, High: 4095}
	if p.word == "" || p.word[0] < '0' || p.word[0] > '9' {
		return e, nil
	}
	id, err := strconv.ParseUint(p.word, 10, 16)
	if err != nil || id > 4095 {
		return nil, p.errorf("expected a VLAN from 0 to 4095, not %q", p.word)
	}
	e.Low, e.High = uint16(id), uint16(id)
	p.next()
	return e, nil
}

// conflict says why no packet can pass, "" if one can.
func (p Primitive) conflict() string {
	switch {
	case p.Kind == Port && (p.Proto == ICMP || p.Proto == ICMP6 || p.Proto == ARP):
		return fmt.Sprintf("%s has no ports", protoNames[p.Proto])
	case p.Kind == Net && p.Net.Addr().Is4() && (p.Proto == IP6 || p.Proto == ICMP6):
		return fmt.Sprintf("%s has no address of IPv4", protoNames[p.Proto])
	case p.Kind == Net && p.Net.Addr().Is6() && (p.Proto == IP || p.Proto == ARP || p.Proto == ICMP):
		return fmt.Sprintf("%s has no address of IPv6", protoNames[p.Proto])
	}
	return ""
}
