// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"evener/board"
)

func TestTerminalsSpeakAsFastAsBoardsDo(t *testing.T) {
	for _, b := range board.All() {
		if _, ok := ttySpeeds[b.Console.Speed]; !ok && len(b.Console.Devices) > 0 {
			t.Errorf("%s: a terminal cannot speak at %d bit/s", b.Name, b.Console.Speed)
		}
	}
}
