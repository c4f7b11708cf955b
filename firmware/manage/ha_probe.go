// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"evener/firmware/api"
	"evener/firmware/config"
)

const (
	probeEvery   = 10 * time.Millisecond
	probeTimeout = 2 * time.Second // without an answer: failed
	probesOpen   = 256             // at a time; beyond that a request counts as failed
	probeLife    = 5 * time.Minute // then a loss probe ends by itself
)

// A lossTarget is what a loss probe asks.
type lossTarget struct {
	Address string `json:"address"` // ADDRESS:PORT
	TLS     bool   `json:"tls"`
	Host    string `json:"host"` // of HTTP
	Path    string `json:"path"` // of HTTP; "": a TCP connection is all that is wanted
}

// String returns the target for people.
func (t lossTarget) String() string {
	switch {
	case t.Path == "":
		return "tcp " + t.Address
	case t.TLS:
		return "GET https://" + t.Address + t.Path
	}
	return "GET http://" + t.Address + t.Path
}

// targetOf returns what to ask of a group: an address of it that a cluster listens
// on.
func targetOf(cfg *config.Config, g *config.Group, path, host string) (lossTarget, error) {
	if path != "" && !strings.HasPrefix(path, "/") {
		return lossTarget{}, api.Errorf(api.CodeParams, "params.path", "a path begins with /, such as /health, not %q", path)
	}
	var other string
	for _, c := range cfg.Followers(g) {
		http := c.Protocol == config.HTTP || c.Protocol == config.HTTPS
		if c.Disabled || c.Protocol == config.UDP || path != "" && !http {
			other = c.Name
			continue
		}
		for _, l := range c.Listen {
			if g.Has(l.Addr.Addr()) {
				return lossTarget{Address: l.Addr.String(), TLS: c.Protocol == config.HTTPS, Path: path, Host: host}, nil
			}
		}
	}
	switch {
	case other != "" && path != "":
		return lossTarget{}, api.Errorf(api.CodeConflict, "ha.target", "no cluster of %s speaks HTTP: leave path out", g.Name)
	case other != "":
		return lossTarget{}, api.Errorf(api.CodeConflict, "ha.target", "cluster %s of %s cannot be asked: it is disabled, or of UDP", other, g.Name)
	}
	return lossTarget{}, api.Errorf(api.CodeConflict, "ha.target", "no cluster listens on an address of %s: there is nothing to ask", g.Name)
}

// A lossProbe asks again and again, and counts.
type lossProbe struct {
	target lossTarget
	client *http.Client
	stop   context.CancelFunc
	done   chan struct{}
	held   []*heldConn // open from before

	mu     sync.Mutex // guards what follows
	leg    HARehearsalLeg
	last   time.Time // answer; zero: none yet
	streak int       // answers since the last failure
	err    error     // the last
	open   int
}

// startLoss begins to ask, and holds connections open where that is wanted. It ends
// by itself after some minutes.
func startLoss(ctx context.Context, t lossTarget, holds bool) *lossProbe {
	ctx, cancel := context.WithTimeout(ctx, probeLife)
	dialer := &net.Dialer{Timeout: probeTimeout}
	p := &lossProbe{target: t, stop: cancel, done: make(chan struct{}), client: &http.Client{
		Timeout:       probeTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, t.Address)
		}, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: t.Host}}, // what answers is asked, not who
	}}
	if holds {
		p.held = hold(ctx, t)
	}
	go p.run(ctx)
	return p
}

func (p *lossProbe) run(ctx context.Context) {
	defer close(p.done)
	var wg sync.WaitGroup
	defer wg.Wait()
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		p.mu.Lock()
		full := p.open >= probesOpen
		if p.leg.Asked++; full {
			p.leg.Failed++
		} else {
			p.open++
		}
		p.mu.Unlock()
		if !full {
			wg.Go(func() { p.ask(ctx) })
		}
	}
}

// ask asks once. What is under way when the probe is stopped does not count.
func (p *lossProbe) ask(ctx context.Context) {
	err := p.once(ctx)
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	switch {
	case err == nil:
		if !p.last.IsZero() {
			p.leg.Gap = max(p.leg.Gap, api.Duration(now.Sub(p.last)))
		}
		p.last = now
		p.streak++
	case ctx.Err() != nil:
		p.leg.Asked--
	default:
		p.leg.Failed++
		p.streak, p.err = 0, err
	}
}

func (p *lossProbe) once(ctx context.Context) error {
	if p.target.Path == "" {
		c, err := (&net.Dialer{Timeout: probeTimeout}).DialContext(ctx, "tcp", p.target.Address)
		if err == nil {
			c.Close()
		}
		return err
	}
	scheme := "http://"
	if p.target.TLS {
		scheme = "https://"
	}
	host := p.target.Host
	if host == "" {
		host = p.target.Address
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+host+p.target.Path, nil)
	if err != nil {
		return err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)); err != nil {
		return err
	}
	if resp.StatusCode >= 500 {
		return fmt.Errorf("the answer was %s", resp.Status)
	}
	return nil
}

// steady tells whether the last n requests were answered, and the last error.
func (p *lossProbe) steady(n int) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil && p.last.IsZero() {
		return false, errors.New("nothing has been answered yet")
	}
	return p.streak >= n, p.err
}

// end stops asking and returns what was counted. A silence that goes on is a gap too.
func (p *lossProbe) end() HARehearsalLeg {
	p.mu.Lock()
	if !p.last.IsZero() {
		p.leg.Gap = max(p.leg.Gap, api.Duration(time.Since(p.last)))
	}
	p.mu.Unlock()
	p.stop()
	<-p.done
	kept, broken := release(p.held, p.target)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leg.Kept, p.leg.Broken = kept, broken
	return p.leg
}
