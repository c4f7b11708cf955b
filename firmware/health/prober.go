// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"time"
)

// retryPause lies between two tries of one probe; without it the tries of a
// refused connection would all end within the same millisecond.
const retryPause = 100 * time.Millisecond

// A prober asks one question once. It returns soon after ctx ends, holds at most
// one socket while it asks, and none afterwards. Calls may overlap.
type prober interface {
	// probe returns a Result without At, Took and Tries.
	probe(ctx context.Context, t *transcript) Result
}

// newProber returns the prober for p, which Check has approved of.
func newProber(p ProbeConfig, addr netip.AddrPort, roots *x509.CertPool) prober {
	q := question{ProbeConfig: p, to: netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()), roots: roots}
	switch p.Type {
	case ICMP:
		return &icmpProber{question: q, open: openEcho}
	case TCP:
		return tcpProber{q}
	case TLS:
		return tlsProber{q}
	case HTTP:
		return httpProber{question: q, want: newExpectation(p)}
	case GRPC:
		return grpcProber{q}
	case ACV:
		return acvProber{question: q, want: newExpectation(p)}
	case Agent:
		return agentProber{q}
	case Simple:
		return simpleProber{q}
	}
	panic(fmt.Sprintf("health: probe type %q has not been checked", p.Type))
}

// ask lets p ask as often as cfg.Tries allows, until it gets an answer that is
// not bad, within cfg.Timeout.
func ask(ctx context.Context, p prober, cfg ProbeConfig, t *transcript) Result {
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	begin := time.Now()
	var r Result
	for try := 1; ; try++ {
		if try > 1 {
			t.notef("try %d", try)
		}
		r = p.probe(ctx, t)
		r.Tries = try
		if r.Outcome == Good || r.Outcome == Unavailable || try >= cfg.Tries || !pause(ctx) {
			break
		}
		t.notef("%s", r.Detail)
	}
	r.At, r.Took = begin, time.Since(begin)
	r.Detail = line(r.Detail)
	return r
}

// pause waits for retryPause; it returns false if ctx ended before.
func pause(ctx context.Context) bool {
	timer := time.NewTimer(retryPause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
