// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// concurrentTests bounds the probes of all calls of Test, over and above
// Config.Concurrent.
const concurrentTests = 16

// An Exchange is one probe that was made for a person to look at.
type Exchange struct {
	Probe    string         `json:"probe"`
	Type     Type           `json:"type"`
	Addr     netip.AddrPort `json:"addr"`
	Sent     string         `json:"sent"` // printable, at most 2 KiB before escaping
	Received string         `json:"received"`
	// Sent and Received may show only the first of these bytes. What tls probes say
	// is in the notes.
	SentBytes     int           `json:"sent_bytes"`
	ReceivedBytes int           `json:"received_bytes"`
	Notes         []string      `json:"notes"`      // events of the exchange, in order
	Connect       time.Duration `json:"connect"`    // until the connection stood; 0: it never did
	FirstByte     time.Duration `json:"first_byte"` // until the answer began; 0: it never did
	Result        Result        `json:"result"`
	Verdict       Verdict       `json:"verdict"`  // what the probe would say if this result counted
	Deciding      bool          `json:"deciding"` // the probe's verdict counts for the member
}

// Test asks every probe of a member now and returns what was said, in the order
// of the probes. The results change no state and no counter. Test returns nil if
// there is no such member; it works without Run.
func (c *Checker) Test(ctx context.Context, pool, member string) []Exchange {
	c.mu.Lock()
	m := c.members[key{pool, member}]
	if m == nil {
		c.mu.Unlock()
		return nil
	}
	out := make([]Exchange, len(m.probes))
	probers := make([]prober, len(m.probes))
	configs := make([]ProbeConfig, len(m.probes))
	judges := make([]Judge, len(m.probes))
	counts := deciding(m.votes())
	for i, p := range m.probes {
		probers[i], configs[i], judges[i] = p.prober, p.ProbeConfig, p.judge
		out[i] = Exchange{Probe: p.Name, Type: p.Type, Addr: p.addr(m.addr), Deciding: counts[i]}
	}
	c.mu.Unlock()

	var wg sync.WaitGroup
	for i := range out {
		wg.Go(func() {
			c.tests <- struct{}{}
			defer func() { <-c.tests }()
			t := newTranscript()
			out[i].Result = ask(ctx, probers[i], configs[i], t)
			out[i].Verdict = judges[i].Step(out[i].Result)
			t.fill(&out[i])
		})
	}
	wg.Wait()
	return out
}
