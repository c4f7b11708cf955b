// SPDX-License-Identifier: Apache-2.0

package lcd_test

import (
	"testing"

	"evener/hal/lcd"
	"evener/hal/lcd/lcdtest"
)

func TestHD44780Conforms(t *testing.T) {
	for _, size := range [][2]int{{2, 16}, {4, 20}} {
		lcdtest.Conform(t, func() *lcdtest.Rig {
			r := lcdtest.ExpanderRig(lcd.Options{Rows: size[0], Cols: size[1]}, lcdtest.NewBackpack(size[0], size[1]))
			r.Overhead = 10 // a byte to the display is six states of the pins
			return r
		})
	}
}

func TestCharLCDConforms(t *testing.T) {
	for _, size := range [][2]int{{2, 16}, {4, 20}} {
		lcdtest.Conform(t, func() *lcdtest.Rig {
			r := lcdtest.FileRig(lcd.Options{Rows: size[0], Cols: size[1]}, lcdtest.NewCharLCD(size[0], size[1]))
			r.Overhead = 12
			return r
		})
	}
}
