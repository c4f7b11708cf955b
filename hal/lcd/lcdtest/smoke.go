// SPDX-License-Identifier: Apache-2.0

package lcdtest

import (
	"testing"

	"evener/hal/lcd"
)

// Smoke drives a panel on a display in real time: text, a key, the plug pulled
// and put back. It is for a rig of PtyRig, where the driver opens a real tty;
// Conform, in virtual time, is thorough.
func Smoke(t *testing.T, r *Rig) {
	defer r.Close()
	p := startPanel(t, r)
	info := wantConnected(t, p, true)
	p.Show(lcd.Frame{Lines: []string{"evener", "on a tty"}, Backlight: 100})
	wantScreen(t, r, info, "evener", "on a tty")

	k := r.Keys[0]
	r.Press(k)
	if got := nextKey(t, p.Keys()); got != (lcd.KeyEvent{Key: k, Down: true}) {
		t.Errorf("pressed %v, got %+v", k, got)
	}
	r.Release(k)
	if got := nextKey(t, p.Keys()); got != (lcd.KeyEvent{Key: k}) {
		t.Errorf("released %v, got %+v", k, got)
	}

	r.Unplug()
	wantConnected(t, p, false)
	p.Show(lcd.Frame{Lines: []string{"it is back"}, Backlight: 100})
	r.Replug()
	wantConnected(t, p, true)
	wantScreen(t, r, info, "it is back")
}
