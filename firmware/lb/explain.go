// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"evener/firmware/certs"
	"evener/firmware/config"
	"evener/firmware/l7"
)

// A Question describes a request to Explain.
type Question struct {
	Cluster string         // may be empty where there is one http cluster, or one of the URL's scheme, or the URL names its address
	Method  string         // GET
	URL     string         // absolute, or a path
	Fields  []string       // "Name: value"
	Client  netip.AddrPort // 192.0.2.1:40000
	SNI     string         // server name of the TLS handshake, of https clusters only; the host of the request
}

// An Answer tells what would become of the request.
type Answer struct {
	Cluster    string
	Generation uint64      // 0: a candidate
	Words      string      // why it is refused; empty: it is not
	Label      string      // by which the statistics count that
	Trees      []Condition // of the rules in their order: how each part of a condition fared
	l7.Explanation
}

// A QuestionError says why a Question describes no request.
type QuestionError struct{ msg string }

func (e *QuestionError) Error() string { return e.msg }

// Explain asks the running configuration, or with cfg set that one, what it
// would do with a request. Nothing changes by it.
func (b *Balancer) Explain(q Question, cfg *config.Config) (Answer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	gen, err := b.asked(cfg)
	if err != nil {
		return Answer{}, err
	}
	return b.explain(gen, q)
}

// asked returns the running generation or, with cfg set, one of it that serves
// nobody.
func (b *Balancer) asked(cfg *config.Config) (*generation, error) {
	gen := b.cur
	if cfg != nil {
		var err error
		if gen, err = b.try(cfg); err != nil {
			return nil, err
		}
		b.restoreAdmin(gen)
	}
	if gen == nil {
		return nil, fmt.Errorf("no configuration is served yet")
	}
	return gen, nil
}

// explain asks one generation.
func (b *Balancer) explain(gen *generation, q Question) (Answer, error) {
	name, err := clusterFor(gen, q)
	if err != nil {
		return Answer{}, err
	}
	raw, err := q.head()
	if err != nil {
		return Answer{}, err
	}
	if !q.Client.IsValid() {
		q.Client = netip.MustParseAddrPort("192.0.2.1:40000")
	}
	sni, err := q.serverName(gen.services[name])
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Cluster: name, Generation: gen.number}
	done := make(chan struct{})
	u := b.loops[0]
	u.loop.Post(func() {
		a.Explanation = u.http.Explain(gen.services[name], raw, q.Client, sni)
		close(done)
	})
	select {
	case <-done:
		a.Words, a.Label = refusal(&a.Explanation)
		a.tellLostCookie(q.Fields)
	case <-time.After(5 * time.Second):
		return Answer{}, fmt.Errorf("the event loop did not answer within 5s")
	}
	for _, c := range gen.cfg.Clusters {
		if c.Name == name {
			a.Trees = conditionTrees(c.Rules, a.Rules)
		}
	}
	return a, nil
}

// serverName returns the name that the client's handshake asks for, "" where it
// names none of its own.
func (q Question) serverName(svc *l7.Service) (string, error) {
	switch {
	case q.SNI == "":
		return "", nil
	case svc.TLS == nil:
		return "", &QuestionError{"sni is of TLS: the cluster speaks http"}
	}
	name, err := certs.CanonicalName(q.SNI)
	if err != nil {
		return "", &QuestionError{"sni: " + err.Error()}
	}
	return name, nil
}

// clusterFor finds the http cluster that the question is about.
func clusterFor(gen *generation, q Question) (string, error) {
	var names, fitting []string // all, and those of the URL's scheme
	scheme, _, _ := strings.Cut(q.URL, "://")
	for _, c := range gen.cfg.Clusters {
		if !c.Protocol.Exchanges() {
			continue
		}
		if names = append(names, c.Name); scheme == string(c.Protocol) {
			fitting = append(fitting, c.Name)
		}
	}
	if q.Cluster != "" {
		if gen.services[q.Cluster] == nil {
			return "", &NotFoundError{Kind: "http cluster", Name: q.Cluster, Have: names}
		}
		return q.Cluster, nil
	}
	if len(names) == 1 {
		return names[0], nil
	}
	host, _ := q.split()
	for _, c := range gen.cfg.Clusters {
		for _, l := range c.Listen {
			if c.Protocol.Exchanges() && l.Addr.String() == host {
				return c.Name, nil
			}
		}
	}
	switch len(fitting) {
	case 0:
		fitting = names // a URL of another scheme, or of none
	case 1:
		return fitting[0], nil
	}
	return "", &NotFoundError{Kind: "http cluster", Name: "", Have: fitting}
}

// head writes the request's head as a client would send it.
func (q Question) head() ([]byte, error) {
	host, target := q.split()
	if strings.ContainsAny(q.URL+q.Method, "\r\n") {
		return nil, &QuestionError{"a request line has no line breaks"}
	}
	if host == "" {
		host = "localhost"
	}
	method := q.Method
	if method == "" {
		method = "GET"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, target)
	if !hasHost(q.Fields) {
		fmt.Fprintf(&b, "Host: %s\r\n", host)
	}
	for _, f := range q.Fields {
		name, value, ok := strings.Cut(f, ":")
		if !ok || strings.ContainsAny(f, "\r\n") {
			return nil, &QuestionError{fmt.Sprintf("field %q must be written \"Name: value\"", f)}
		}
		fmt.Fprintf(&b, "%s: %s\r\n", name, strings.TrimSpace(value))
	}
	b.WriteString("\r\n")
	return []byte(b.String()), nil
}

// split takes the URL apart into host, empty for a path, and target. It mends
// nothing: whether the target is one is for the answer to say.
func (q Question) split() (host, target string) {
	scheme, rest, ok := strings.Cut(q.URL, "://")
	if !ok || strings.ContainsAny(scheme, "/?") {
		return "", q.URL
	}
	i := strings.IndexAny(rest, "/?")
	if i < 0 {
		return rest, "/"
	}
	host, target = rest[:i], rest[i:]
	if target[0] == '?' {
		target = "/" + target
	}
	return host, target
}

func hasHost(fields []string) bool {
	for _, f := range fields {
		if name, _, _ := strings.Cut(f, ":"); strings.EqualFold(strings.TrimSpace(name), "host") {
			return true
		}
	}
	return false
}

// TestResponder returns what the responder of that name answers to a request.
func (b *Balancer) TestResponder(name string, q Question) (string, error) {
	cfg := b.Config()
	if cfg == nil {
		return "", fmt.Errorf("no configuration is served yet")
	}
	c := cfg.Responder(name)
	if c == nil {
		e := &NotFoundError{Kind: "responder", Name: name}
		for _, r := range cfg.Responders {
			e.Have = append(e.Have, r.Name)
		}
		return "", e
	}
	r, err := newResponder(c)
	if err != nil {
		return "", err
	}
	raw, err := q.head()
	if err != nil {
		return "", err
	}
	return r.Answer(raw, []byte(b.now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")))
}
