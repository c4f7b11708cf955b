// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// The contenders.
const (
	evener  = "evener"
	haproxy = "haproxy"
	nginx   = "nginx"
)

// A lab is where one case is measured: the proxies that are up.
type lab struct {
	ctx context.Context
	options
	origin   *origin
	identity *identity
	progress io.Writer
	proxies  []*proxy
	broken   string // why Evener could not be measured
}

// A proxy is a contender that serves. Its label tells two of a kind apart.
type proxy struct {
	*process
	label  string
	kind   string
	port   int
	secure bool   // clients speak TLS
	state  string // of Evener
}

func (p *proxy) addr() string { return fmt.Sprintf("127.0.0.1:%d", p.port) }

func (p *proxy) url(path string) string {
	if p.secure {
		return "https://" + p.addr() + path
	}
	return "http://" + p.addr() + path
}

// addAll adds contenders under their own names.
func (l *lab) addAll(s setup, kinds ...string) error {
	for _, kind := range kinds {
		if err := l.add(kind, kind, s); err != nil {
			return err
		}
	}
	return nil
}

// add starts a contender and waits until it serves. That Evener does not is a
// result; that a peer does not is an error.
func (l *lab) add(label, kind string, s setup) error {
	p, err := l.start(label, kind, s)
	if err != nil && kind == evener && l.ctx.Err() == nil {
		l.broken = err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	l.proxies = append(l.proxies, p)
	return nil
}

func (l *lab) start(label, kind string, s setup) (*proxy, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	s.listen, s.metrics = ports[0], ports[1]
	dir, err := os.MkdirTemp(l.dir, kind+"-")
	if err != nil {
		return nil, err
	}
	command, err := l.command(kind, s, dir)
	if err != nil {
		return nil, err
	}
	running, err := startOn(l.ctx, proxyCPU, command[0], command[1:]...)
	if err != nil {
		return nil, err
	}
	p := &proxy{process: running, label: label, kind: kind, port: s.listen, secure: s.identity != nil, state: stateIn(dir)}
	if kind == evener && s.identity != nil {
		err = l.giveIdentity(p, s.identity, stateIn(dir))
	}
	if err == nil {
		err = l.await(p, s.check())
	}
	if err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// stateIn is where Evener keeps what the configuration in dir does not have.
func stateIn(dir string) string { return filepath.Join(dir, "state") }

// giveIdentity imports the identity: Evener has no private keys in its
// configuration.
func (l *lab) giveIdentity(p *proxy, id *identity, state string) error {
	return l.until(p, "does not take a certificate", func() error {
		out, err := exec.CommandContext(l.ctx, l.evener, "certificate", "import", "--state", state, certificateName, id.file).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err
	})
}

// command writes the configuration of a contender and returns how it is started.
func (l *lab) command(kind string, s setup, dir string) ([]string, error) {
	file := filepath.Join(dir, "config")
	var text string
	var command []string
	switch kind {
	case haproxy:
		text, command = haproxyConfig(s), []string{"haproxy", "-db", "-f", file}
		if s.identity != nil {
			command = append([]string{"env", "OPENSSL_CONF=" + s.identity.openssl}, command...)
		}
	case nginx:
		text, command = nginxConfig(s, dir), []string{"nginx", "-p", dir, "-c", file, "-e", "stderr"}
	case evener:
		text, command = evenerConfig(s), []string{l.evener, "run", "--board", "host",
			"--state", stateIn(dir), "--config", file}
	}
	return command, os.WriteFile(file, []byte(text), 0o644)
}

// await returns when the proxy serves what the origin has.
func (l *lab) await(p *proxy, check func(addr string) error) error {
	return l.until(p, "does not serve", func() error { return check(p.addr()) })
}

// until tries until it succeeds, for a while.
func (l *lab) until(p *proxy, complaint string, try func() error) error {
	var err error
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err := errors.Join(p.died(), l.ctx.Err()); err != nil {
			return err
		}
		if err = try(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s %s after 15s: %w", p.kind, complaint, err)
}

func checkHTTP(addr string) error {
	client := http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://" + addr + "/")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != 200 || string(body) != smallBody) {
		err = fmt.Errorf("GET / = %s %.40q, want 200 %q", resp.Status, body, smallBody)
	}
	return err
}

func (l *lab) close() {
	for _, p := range l.proxies {
		p.stop()
	}
	l.proxies = nil
}

// freePorts returns ports of 127.0.0.1 on which nobody listens.
func freePorts(n int) (ports []int, err error) {
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer ln.Close() // after the last, so that they differ
		ports = append(ports, ln.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
