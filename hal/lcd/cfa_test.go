// SPDX-License-Identifier: Apache-2.0

package lcd_test

import (
	"testing"

	"evener/hal/lcd"
	"evener/hal/lcd/lcdtest"
)

func cfaRig(driver string, speed int) *lcdtest.Rig {
	display := lcdtest.NewCFA(driver)
	r := lcdtest.SerialRig(driver, lcd.Options{Speed: speed}, display)
	r.Answers, r.Overhead, r.Keys = true, 6, display.Keys()
	return r
}

func TestCFAConforms(t *testing.T) {
	for _, m := range []struct {
		driver string
		speed  int
	}{{"cfa631", 115200}, {"cfa633", 19200}, {"cfa635", 115200}, {"cfa635", 19200}} {
		t.Run(m.driver, func(t *testing.T) {
			lcdtest.Conform(t, func() *lcdtest.Rig { return cfaRig(m.driver, m.speed) })
		})
	}
}

func TestCFAWorksOnATTY(t *testing.T) {
	display := lcdtest.NewCFA("cfa635")
	r := lcdtest.PtyRig(t, "cfa635", lcd.Options{}, display)
	r.Keys = display.Keys()
	lcdtest.Smoke(t, r)
}
