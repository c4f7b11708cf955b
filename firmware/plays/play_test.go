// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a play may take before what it waits for is taken not to
// come. A play that succeeds waits for nothing that long.
const patience = 10 * time.Second

// A play is one file while it is played.
type play struct {
	root *node
	box  *box

	ctx      context.Context // ends when the play does, or when something is wrong
	fail     context.CancelCauseFunc
	patience time.Duration
	ends     time.Time      // when patience ends
	wg       sync.WaitGroup // connections of servers
	vault    *vault
	sessions tls.ClientSessionCache // of TLS, of clients that resume

	servers []*server
	listens map[string]netip.AddrPort

	mu      sync.Mutex // guards what follows
	vars    map[string]string
	signals map[string]chan struct{}
}

// perform plays a file and returns what is wrong with it first. A play that waits
// for longer than patience is wrong.
func perform(root *node, patience time.Duration) (err error) {
	v := newVault()
	box, err := startBox(v)
	if err != nil {
		return err
	}
	p := &play{root: root, box: box, patience: patience, ends: time.Now().Add(patience), listens: map[string]netip.AddrPort{},
		vars: map[string]string{}, signals: map[string]chan struct{}{},
		vault: v, sessions: tls.NewLRUClientSessionCache(10)}
	p.ctx, p.fail = context.WithCancelCause(context.Background())
	defer func() {
		if e := box.stop(); e != nil {
			p.fail(e)
		}
		for _, s := range p.servers {
			s.close()
		}
		p.wg.Wait() // servers see the end of what the box had open
		p.fail(errOver)
		if cause := context.Cause(p.ctx); cause != errOver {
			err = cause
		}
	}()
	if err := p.startServers(); err != nil {
		p.fail(err)
		return err
	}
	if err := p.sections(); err != nil {
		p.fail(err)
		return context.Cause(p.ctx)
	}
	return nil
}

// errOver ends a play with which nothing is wrong.
var errOver = fmt.Errorf("the play is over")

func (p *play) startServers() error {
	for _, n := range p.root.kids {
		if n.word(0) != "server" {
			continue
		}
		s, err := p.newServer(n)
		if err != nil {
			return n.errorf("%v", err)
		}
		p.servers = append(p.servers, s)
		p.vars[s.name] = s.addr.String()
	}
	return nil
}

// sections plays what is not a server, in the order of the text, and then waits
// for all that runs.
func (p *play) sections() error {
	var clients sync.WaitGroup
	for _, n := range p.root.kids {
		if p.ctx.Err() != nil {
			break
		}
		var err error
		switch n.word(0) {
		case "server":
		case "config":
			err = p.configure(n)
		case "certificate":
			err = p.importCertificate(n)
		case "box":
			err = (&actor{p: p, speech: mute{}}).run(n.kids)
		case "client":
			var c *client
			if c, err = p.newClient(n); err != nil {
				break
			}
			if !c.background {
				err = c.act()
				break
			}
			clients.Go(func() {
				if err := c.act(); err != nil {
					p.fail(err)
				}
			})
		default:
			err = n.errorf("a play has server, certificate, config, client and box")
		}
		if err != nil {
			p.fail(err)
		}
	}
	clients.Wait()
	for _, s := range p.servers {
		if p.ctx.Err() == nil {
			s.awaitScripts()
		}
	}
	return context.Cause(p.ctx)
}

var atName = regexp.MustCompile(`@([a-z][a-z0-9]*)(\.port)?`)

// configure serves the configuration in n. @name stands for the address of a
// server, or of a listener, which it makes.
func (p *play) configure(n *node) error {
	var probing time.Duration
	if n.word(1) == "probing" {
		var err error
		if probing, err = time.ParseDuration(n.word(2)); err != nil || len(n.words) != 3 {
			return n.errorf("want: config [probing DURATION]")
		}
	} else if len(n.words) > 1 {
		return n.errorf("want: config [probing DURATION]")
	}
	var failed error
	text := atName.ReplaceAllStringFunc(string(n.raw), func(s string) string {
		m := atName.FindStringSubmatch(s)
		addr, err := p.address(m[1])
		if err != nil {
			failed = err
		}
		if m[2] != "" {
			return fmt.Sprint(addr.Port())
		}
		return addr.String()
	})
	if failed != nil {
		return n.errorf("%v", failed)
	}
	if err := p.box.apply(n.file, text+p.assumed(text), probing); err != nil {
		return n.errorf("%v", err)
	}
	return nil
}

var (
	certificateNames = regexp.MustCompile(`\bcertificates?\s*=\s*\[?([^\]\n]*)`)
	trustNames       = regexp.MustCompile(`\b(?:ca|client_ca|crl)\s*=\s*\[([^\]\n]*)`)
	name             = regexp.MustCompile(`"([^"]*)"`)
)

// assumed returns blocks for what a configuration names and does not have:
// servers, certificates, and trusts. Https clusters have a certificate of the
// play for defaultHost.
func (p *play) assumed(text string) string {
	var out strings.Builder
	block := func(kind, name, body string) {
		if head := fmt.Sprintf("%s %q ", kind, name); !strings.Contains(text+out.String(), head) {
			fmt.Fprintf(&out, "%s{%s}\n", head, body)
		}
	}
	for _, s := range p.servers {
		block("server", s.name, fmt.Sprintf(" address = %q ", s.addr))
	}
	for kind, form := range map[string]*regexp.Regexp{"certificate": certificateNames, "trust": trustNames} {
		for _, list := range form.FindAllStringSubmatch(text, -1) {
			for _, n := range name.FindAllStringSubmatch(list[1], -1) {
				block(kind, n[1], "")
			}
		}
	}
	if strings.Contains(text, `"https"`) {
		block("certificate", "box", "")
	}
	return out.String()
}

// address returns the address that a name stands for in a configuration.
func (p *play) address(name string) (netip.AddrPort, error) {
	for _, s := range p.servers {
		if s.name == name {
			return s.addr, nil
		}
	}
	if addr, ok := p.listens[name]; ok {
		return addr, nil
	}
	addr, err := p.box.sockets.reserve()
	if err == nil {
		p.listens[name] = addr
		p.set(name, addr.String())
	}
	return addr, err
}

// set gives a name a value, for $(name) in data.
func (p *play) set(name, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.vars[name] = value
}

var variable = regexp.MustCompile(`\$\(([a-z][a-z0-9]*)(\.accept)?\)`)

// fill puts values in the place of $(name), and of $(name.accept) what answers
// that key of a WebSocket (RFC 6455 section 4.2.2).
func (p *play) fill(n *node, data string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var unknown []string
	out := variable.ReplaceAllStringFunc(data, func(s string) string {
		m := variable.FindStringSubmatch(s)
		v, ok := p.vars[m[1]]
		if !ok {
			unknown = append(unknown, s)
		}
		if m[2] != "" {
			sum := sha1.Sum([]byte(v + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
			v = base64.StdEncoding.EncodeToString(sum[:])
		}
		return v
	})
	if unknown != nil {
		return "", n.errorf("%s has no value", strings.Join(unknown, ", "))
	}
	return out, nil
}

// signal returns the channel of that name, which is closed when it is given.
func (p *play) signal(name string) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	ch := p.signals[name]
	if ch == nil {
		ch = make(chan struct{})
		p.signals[name] = ch
	}
	return ch
}

// playBugs reports whether to play what shows known faults, and only that.
func playBugs() bool { return os.Getenv("EVENER_PLAYS") == "bugs" }

// TestPlays plays every file of testdata. Those with a line "# BUG:" show a fault
// that is known and not mended: they are played with EVENER_PLAYS=bugs.
func TestPlays(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.play")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no plays: %v", err)
	}
	slices.Sort(files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bug := strings.Contains(string(text), "\n# BUG:"); bug != playBugs() {
			continue
		}
		name := strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".play")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, err := parseTree(file, text)
			if err == nil {
				err = perform(root, patience)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}
