// SPDX-License-Identifier: Apache-2.0

package lcd_test

import (
	"testing"

	"evener/hal/lcd"
	"evener/hal/lcd/lcdtest"
)

func ezioRig(driver string) *lcdtest.Rig {
	display := lcdtest.NewEzio(driver, false)
	r := lcdtest.SerialRig(driver, lcd.Options{Speed: 2400}, display)
	r.Overhead, r.Keys = 8, display.Keys()
	return r
}

func TestEzioConforms(t *testing.T) {
	for _, driver := range []string{"ezio100", "ezio300", "ezio340"} {
		t.Run(driver, func(t *testing.T) {
			lcdtest.Conform(t, func() *lcdtest.Rig { return ezioRig(driver) })
		})
	}
}

// TestEzioTakesTheModelThatAnswers has a board that means another model.
func TestEzioTakesTheModelThatAnswers(t *testing.T) {
	lcdtest.Conform(t, func() *lcdtest.Rig {
		display := lcdtest.NewEzio("ezio300", false)
		r := lcdtest.SerialRig("ezio100", lcd.Options{Speed: 2400}, display)
		r.Overhead, r.Keys = 8, display.Keys()
		return r
	})
}

func TestEzioWorksOnATTY(t *testing.T) {
	display := lcdtest.NewEzio("ezio300", true)
	r := lcdtest.PtyRig(t, "ezio300", lcd.Options{}, display)
	r.Keys = display.Keys()
	lcdtest.Smoke(t, r)
}
