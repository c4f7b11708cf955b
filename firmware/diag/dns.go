// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// A Lookup asks a name server.
type Lookup struct {
	Name   string // or an address, whose name is asked for
	Type   string // one of LookupTypes; A, and PTR for an address
	Server string // address, with a port if it is not 53; the first of the system's that answers
	File   string // /etc/resolv.conf
}

// LookupTypes are the types of records that can be asked for.
func LookupTypes() []string {
	return []string{"A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT", "CAA"}
}

// A Record is a line of an answer.
type Record struct {
	Name  string
	Type  string
	TTL   time.Duration
	Value string
}

// An Answer is what a name server says.
type Answer struct {
	Server    string
	Question  string // name and type
	Code      string // NOERROR, NXDOMAIN and so on
	Records   []Record
	Authority []Record
	TCP       bool // the answer was too long for a datagram
	Took      time.Duration
}

// dnsTime bounds the wait for one server.
const dnsTime = 3 * time.Second

// question returns what to ask.
func (l Lookup) question() (*dns.Msg, error) {
	name, kind := l.Name, strings.ToUpper(l.Type)
	if a, err := netip.ParseAddr(name); err == nil && (kind == "" || kind == "PTR") {
		kind = "PTR"
		if name, err = dns.ReverseAddr(a.Unmap().WithZone("").String()); err != nil {
			return nil, ArgumentError(err.Error())
		}
	}
	if kind == "" {
		kind = "A"
	}
	if !slices.Contains(LookupTypes(), kind) {
		return nil, ArgumentError(fmt.Sprintf("type must be one of %s, not %q", strings.Join(LookupTypes(), ", "), l.Type))
	}
	if _, ok := dns.IsDomainName(name); !ok || name == "" {
		return nil, ArgumentError(fmt.Sprintf("name must be one such as www.example.com, or an address, not %q", l.Name))
	}
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), dns.StringToType[kind])
	m.SetEdns0(1232, false)
	return m, nil
}

// servers returns whom to ask, in order.
func (l Lookup) servers() ([]string, error) {
	if l.Server != "" {
		if a, err := netip.ParseAddr(l.Server); err == nil {
			return []string{netip.AddrPortFrom(a, 53).String()}, nil
		}
		a, err := netip.ParseAddrPort(l.Server)
		if err != nil || a.Port() == 0 {
			return nil, ArgumentError(fmt.Sprintf("server must be an address such as 192.0.2.53 or 192.0.2.53:5353, not %q", l.Server))
		}
		return []string{a.String()}, nil
	}
	file := l.File
	if file == "" {
		file = "/etc/resolv.conf"
	}
	c, err := dns.ClientConfigFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("find the system's name servers: %w", err)
	}
	var out []string
	for _, s := range c.Servers {
		out = append(out, net.JoinHostPort(s, c.Port))
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s names no name server; give one", file)
	}
	return out, nil
}

// Do asks one server after the other until one answers; tell hears of those that do
// not.
func (l Lookup) Do(ctx context.Context, tell func(server string, err error)) (Answer, error) {
	m, err := l.question()
	if err != nil {
		return Answer{}, err
	}
	servers, err := l.servers()
	if err != nil {
		return Answer{}, err
	}
	var failed []error
	for _, s := range servers {
		a, err := exchange(ctx, m, s)
		if err == nil {
			return a, nil
		}
		if ctx.Err() != nil {
			return Answer{}, ctx.Err()
		}
		tell(s, err)
		failed = append(failed, fmt.Errorf("ask %s: %w", s, err))
	}
	return Answer{}, errors.Join(failed...)
}

func exchange(ctx context.Context, m *dns.Msg, server string) (Answer, error) {
	begin := time.Now()
	c := &dns.Client{Timeout: dnsTime}
	r, _, err := c.ExchangeContext(ctx, m, server)
	out := Answer{Server: server}
	if err == nil && r.Truncated {
		out.TCP, c.Net = true, "tcp"
		r, _, err = c.ExchangeContext(ctx, m, server)
	}
	if err != nil {
		return out, err
	}
	q := m.Question[0]
	out.Question = q.Name + " " + dns.TypeToString[q.Qtype]
	out.Code, out.Took = dns.RcodeToString[r.Rcode], time.Since(begin)
	out.Records, out.Authority = records(r.Answer), records(r.Ns)
	return out, nil
}

// maxRecords bounds what is shown of an answer.
const maxRecords = 200

func records(list []dns.RR) []Record {
	out := []Record{}
	for _, r := range list[:min(len(list), maxRecords)] {
		h := r.Header()
		out = append(out, Record{Name: h.Name, Type: dns.TypeToString[h.Rrtype], TTL: time.Duration(h.Ttl) * time.Second,
			Value: strings.TrimPrefix(r.String(), h.String())})
	}
	return out
}
