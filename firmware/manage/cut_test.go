// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"strings"
	"testing"
)

// What is to be cut is shown with the member, in the notes and in the audit log.
func TestDrainShowsThatItCuts(t *testing.T) {
	d := newDesk(t, drainText)
	ann := by("ann")
	a := must[Acted](d, ann, "server.drain", args{"member": "shop/web1", "deadline": "1h", "cut": true})
	if !a.Cut || a.Until.IsZero() {
		t.Errorf("drained = %+v, want a cut at its end", a.Member)
	}
	status := d.memberStatus("shop", "web1")
	if text := orderWords(status); !strings.Contains(text, ", then cut") {
		t.Errorf("for the audit log it is %q", text)
	}
	if notes := handNotes("shop", *status); !strings.Contains(notes[0], "cut off at") {
		t.Errorf("notes = %q", notes)
	}
	if p := must[Previewed](d, ann, "server.preview", args{"member": "shop/web1"}); !p.Effects[0].Cut {
		t.Errorf("preview = %+v, want the cut", p.Effects[0])
	}
	if a = must[Acted](d, ann, "server.drain", args{"member": "shop/web1", "deadline": "1h"}); a.Cut {
		t.Error("a drain without a cut has kept that of the one before")
	}
}

// Renaming a pool and a server by forms leaves them drained and weighed.
func TestRenameKeepsWhatWasOrdered(t *testing.T) {
	d := newDesk(t, drainText)
	ann := by("ann")
	must[Acted](d, ann, "server.drain", args{"member": "shop/web1", "deadline": "1h", "reason": "new disk"})
	must[Member](d, ann, "server.weight", args{"member": "shop/web2", "weight": 7})
	draft := must[Draft](d, ann, "config.rename", args{"base": 1, "path": "pool/shop", "name": "store"})
	draft = must[Draft](d, ann, "config.rename", args{"version": draft.Version, "path": "server/web1", "name": "w1"})
	must[Committed](d, ann, "config.commit", args{"version": draft.Version})
	check := func(when, pool, server string) {
		t.Helper()
		m, other := d.memberStatus(pool, server), d.memberStatus(pool, "web2")
		if m == nil || m.Admin.String() != "quiesced" || m.Until.IsZero() || m.AdminReason != "new disk" || other.Hand == nil || other.Hand.Weight != 7 {
			t.Errorf("%s: %s/%s is %+v, web2 has %+v; want it drained, and web2 with weight 7", when, pool, server, m, other.Hand)
		}
	}
	check("after the rename", "store", "w1")
	must[Acted](d, ann, "server.cancel", args{"member": "store/w1"})
	must[Acted](d, ann, "server.drain", args{"member": "store/w1", "deadline": "1h", "reason": "new disk"})
	must[Committed](d, ann, "config.rollback", args{"revision": 1})
	check("after the rollback", "shop", "web1")
}
