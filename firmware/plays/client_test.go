// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
)

// A client is one connection to the box.
type client struct {
	p          *play
	n          *node
	to         string
	opts       options
	background bool
	actor      *actor
}

// options are the words behind the name of a server or client.
type options map[string]string

// parseOptions takes words of which known lists those that may be there; a known
// word that ends in = has a value.
func parseOptions(words []string, known ...string) (options, error) {
	o := options{}
	for _, w := range words {
		name, value, valued := strings.Cut(w, "=")
		if valued {
			name += "="
		}
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("%q is not known here; there are %s", w, strings.Join(known, " "))
		}
		o[strings.TrimSuffix(name, "=")] = value
	}
	return o, nil
}

func (o options) has(name string) bool { _, ok := o[name]; return ok }

// newClient connects the client that n describes:
//
//	client [to=LISTENER] [from=ADDRESS] [background] [udp] [tls[=VERSION] ...] [h2]
func (p *play) newClient(n *node) (*client, error) {
	opts, err := parseOptions(n.words[1:], slices.Concat(tlsOptions,
		[]string{"to=", "from=", "background", "udp", "shown=", "cert=", "by=", "resume", "alert="})...)
	if err != nil {
		return nil, n.errorf("%v", err)
	}
	c := &client{p: p, n: n, to: opts["to"], opts: opts, background: opts.has("background")}
	if c.to == "" && len(p.listens) == 1 {
		for c.to = range p.listens {
		}
	}
	addr, ok := p.listens[c.to]
	if !ok {
		return nil, n.errorf("say to=LISTENER; the configuration has %d of them, none is %q", len(p.listens), c.to)
	}
	d := net.Dialer{Deadline: p.ends}
	if from := opts["from"]; from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	network := "tcp"
	if opts.has("udp") {
		network = "udp"
	}
	conn, err := d.DialContext(p.ctx, network, addr.String())
	if errors.Is(err, syscall.ECONNRESET) && n.expectsReset() {
		return c, nil // so early that it was never seen to stand
	}
	if err != nil {
		return nil, n.errorf("%v", err)
	}
	_ = conn.SetDeadline(p.ends)
	context.AfterFunc(p.ctx, func() { conn.Close() })
	c.actor = &actor{p: p, wire: newWire(conn)}
	return c, nil
}

// expectsReset reports whether a script has nothing else than that.
func (n *node) expectsReset() bool {
	return len(n.kids) == 1 && (n.kids[0].text == "expect reset" || n.kids[0].text == "expect closed")
}

// act follows the script and closes the connection. What came and was not
// expected is a fault.
func (c *client) act() error {
	if c.actor == nil {
		return nil
	}
	err := c.follow()
	if err != nil {
		c.p.fail(err) // before the end of the connection leads to more
	}
	c.actor.Close()
	return err
}

func (c *client) follow() error {
	var err error
	if c.actor.speech, err = c.opts.connect(c.actor); err != nil {
		return c.n.errorf("%v", err)
	}
	if err := c.actor.run(c.n.kids); err != nil || c.actor.done {
		return err
	}
	if quiet, err := c.actor.quiet(); err == nil && !quiet {
		return c.n.errorf("behind the script came %s", c.actor.left(c.actor))
	}
	return nil
}
