// SPDX-License-Identifier: Apache-2.0

package lcd_test

import (
	"testing"

	"evener/hal/lcd"
	"evener/hal/lcd/lcdtest"
)

func mtxorbRig(display *lcdtest.MOText) *lcdtest.Rig {
	r := lcdtest.SerialRig("mtxorb", lcd.Options{Speed: 19200}, display)
	r.Overhead, r.Keys = 4, display.Keys()
	return r
}

func TestMtxorbConforms(t *testing.T) {
	for _, m := range []struct {
		name string
		id   byte
	}{{"LK204-25", 0x09}, {"LK202-25", 0x08}, {"LK204-7T-1U", 0x2B}, {"VK204-25", 0x0F}} {
		t.Run(m.name, func(t *testing.T) {
			lcdtest.Conform(t, func() *lcdtest.Rig { return mtxorbRig(lcdtest.NewMOText(m.id)) })
		})
	}
}

func TestMtxorbWorksOnATTY(t *testing.T) {
	display := lcdtest.NewMOText(0x2B)
	r := lcdtest.PtyRig(t, "mtxorb", lcd.Options{}, display)
	r.Keys = display.Keys()
	lcdtest.Smoke(t, r)
}

func glkRig(id, version byte) *lcdtest.Rig {
	display := lcdtest.NewGLK(id, version, true)
	r := lcdtest.SerialRig("glk", lcd.Options{Speed: 19200}, display)
	r.Overhead, r.Keys = 11, display.Keys()
	return r
}

func TestGLKConforms(t *testing.T) {
	for _, m := range []struct {
		name        string
		id, version byte
	}{{"GLK24064-25", 0x15, 0x57}, {"GLK19264-7T-1U", 0x2A, 0x86}} {
		t.Run(m.name, func(t *testing.T) {
			lcdtest.Conform(t, func() *lcdtest.Rig { return glkRig(m.id, m.version) })
		})
	}
}
