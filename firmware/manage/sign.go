// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"fmt"
	"time"

	"evener/firmware/stats"
	"evener/firmware/store"
)

// Of the attempts at a member so many a second, and such a share, must fail
// before that is a sign of something.
const (
	failingRate  = 0.5
	failingShare = 0.1
)

// signs lists what a person who looks should see though status calls the box sound:
// what may become a problem, and what the box has done by itself.
func (b *Box) signs(now time.Time) (out []Problem) {
	for _, p := range b.cfg.Balancer.Pools() {
		for _, m := range p.Members {
			if m.State == "down" {
				continue
			}
			if r, ok := b.rateOf(stats.Series{Kind: stats.MemberKind, Name: p.Name, Server: m.Name}, now); ok {
				if s, bad := failingSign(p.Name, m.Name, r); bad {
					out = append(out, s)
				}
			}
		}
	}
	if rev, ok := takenBack(b.cfg.Store.History()); ok {
		out = append(out, revertSign(rev))
	}
	b.signed.date(out, now)
	tell(out)
	return out
}

// failingSign tells of a member whose probes are content while requests fail.
func failingSign(pool, member string, r Rate) (Problem, bool) {
	share := r.Errors / max(r.Requests, r.Errors, failingRate)
	percent := int(share*100 + 0.5)
	return Problem{Kind: "member.failing", Severity: severityWarning, Object: "pool/" + pool + "/member/" + member,
		Args: map[string]any{"pool": pool, "member": member, "percent": percent},
		Text: fmt.Sprintf("%s/%s: %d %% of the attempts fail, though its probes are not against it yet", pool, member, percent),
	}, r.Errors >= failingRate && share >= failingShare
}

// revertSign tells that the newest revision does not run. It goes with the next
// commit.
func revertSign(rev store.Revision) Problem {
	who := rev.Settled.Author
	if who == "" {
		who = "the box"
	}
	return Problem{Kind: "config.taken_back", Severity: severityWarning, Object: "config", Since: rev.Settled.Time,
		Args: map[string]any{"revision": rev.Number, "author": rev.Author, "by": who, "why": rev.Settled.Why},
		Text: fmt.Sprintf("revision %d by %s was taken back by %s: %s", rev.Number, rev.Author, who, rev.Settled.Why)}
}
