// SPDX-License-Identifier: Apache-2.0

package console

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Who has confirmed waits until the other box has been told so too.
func TestPairingWaitsForTheOtherSide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		b.pairs(false)
		half := args{"phase": "code", "code": "123456", "peer": "left", "confirmed_here": true}
		b.eng.answers["ha.pair.confirm"], b.eng.answers["ha.pair.show"] = half, half
		b.begin(t)
		b.types(loggedIn("16\r", "3\r", "1\r", "y\r")...)
		time.Sleep(5 * time.Second)
		if out := b.shown(); !strings.Contains(out, "Waiting until it is said there too") || strings.Contains(out, "Paired with") {
			t.Errorf("while the other side waits:\n%s", out)
		}
		b.eng.mu.Lock()
		b.eng.answers["ha.pair.show"] = args{"phase": "done", "peer": "left"}
		b.eng.mu.Unlock()
		time.Sleep(5 * time.Second)
		if out := b.shown(); strings.Count(out, "Paired with left.") != 1 {
			t.Errorf("after both sides have confirmed:\n%s", out)
		}
		b.hangUp()
	})
}
