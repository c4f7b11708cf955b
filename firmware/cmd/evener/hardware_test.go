// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"strings"
	"testing"

	"evener/firmware/manage"
)

// TestARunningBoxKnowsItsHardware goes the whole way: the supervisor asks the engine
// how it is, the engine asks the supervisor for its devices, the CLI asks the engine.
func TestARunningBoxKnowsItsHardware(t *testing.T) {
	b := startLive(t, "")
	var h manage.Hardware
	b.await("the lamps know that the engine answers", func() bool {
		out := b.cli("show", "hardware", "-o", "json")
		h = manage.Hardware{}
		if out.code != 0 || json.Unmarshal([]byte(out.stdout), &h) != nil || h.Machine == nil {
			return false
		}
		// What else is wrong with the machine of the test is its own affair.
		return h.Machine.Level != "alert" && !strings.Contains(h.Machine.Why, "the box starts")
	})
	if h.Board.Name != "host" || h.Machine.Watchdog != nil || len(h.Machine.Bypass) > 0 {
		t.Errorf("hardware.show = %+v", h)
	}
	if out := b.cli("board", "locate", "on"); out.code != 1 || !strings.Contains(out.stderr, "board host has no lamp") {
		t.Errorf("locate on a board without lamps: %+v", out)
	}
	if out := b.cli("board", "locate", "perhaps"); out.code != 2 || !strings.Contains(out.stderr, "on or off") {
		t.Errorf("locate perhaps: %+v", out)
	}
}
