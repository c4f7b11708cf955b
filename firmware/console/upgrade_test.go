// SPDX-License-Identifier: Apache-2.0

package console

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A bundle that the box fetches is offered once it is written, and only then.
func TestAFetchedBundleIsOffered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		b.slots()
		written := b.eng.answers["upgrade.fetch"]
		b.eng.answers["upgrade.fetch"] = args{}
		going := args{"available": true, "running": args{"slot": "A", "version": "1.3.0"}, "progress": args{"step": "take", "done": 50, "total": 100}}
		b.begin(t)
		b.types(loggedIn("18\r", "3\r", "http://192.0.2.1/x.evb\r")...)
		b.eng.mu.Lock()
		b.eng.answers["upgrade.show"] = going
		b.eng.mu.Unlock()
		time.Sleep(5 * time.Second)
		if out := b.shown(); !strings.Contains(out, "take 50 %") || strings.Contains(out, "read back and whole") {
			t.Errorf("while it comes:\n%s", out)
		}
		b.eng.mu.Lock()
		written.(func(args) any)(nil)
		b.eng.mu.Unlock()
		time.Sleep(5 * time.Second)
		b.types("start\r", "downgrade\r")
		time.Sleep(time.Second)
		if out := b.shown(); !strings.Contains(out, "It is in slot B, read back and whole.") || !strings.Contains(out, "The box restarts now.") {
			t.Errorf("after it has come:\n%s", out)
		}
		b.hangUp()
	})
}
