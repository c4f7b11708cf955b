// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"evener/firmware/api"
)

// Who presses Ctrl-C while a simulated box goes down to start anew wants it to end.
func TestASignalEndsABoxThatStartsAnew(t *testing.T) {
	b := startSim(t, "", "10s")
	if err := b.ask(api.SupervisorSocket, "power.reboot", struct{}{}, nil); err != nil {
		t.Fatal(err)
	}
	// What follows is what every test does at its end: a signal, and a wait for the box.
}
