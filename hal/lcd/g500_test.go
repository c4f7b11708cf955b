// SPDX-License-Identifier: Apache-2.0

package lcd_test

import (
	"maps"
	"slices"
	"testing"

	"evener/hal/lcd"
	"evener/hal/lcd/lcdtest"
)

// g500Letters is the order of keys on one box, and g500Keys what its board says
// of it.
var (
	g500Letters = map[lcd.Key]byte{lcd.Up: 'B', lcd.Down: 'E', lcd.Left: 'C', lcd.Right: 'D', lcd.Enter: 'A', lcd.Escape: 'G'}
	g500Keys    = map[string]string{"B": "up", "E": "down", "C": "left", "D": "right", "A": "enter", "G": "escape"}
)

func g500Rig(o lcd.Options) *lcdtest.Rig {
	o.Speed = 115200
	r := lcdtest.SerialRig("ezio-g500", o, lcdtest.NewG500(g500Letters, false))
	r.Overhead, r.Keys = 1026, slices.Sorted(maps.Keys(g500Letters))
	return r
}

func TestG500Conforms(t *testing.T) {
	lcdtest.Conform(t, func() *lcdtest.Rig { return g500Rig(lcd.Options{Keys: g500Keys}) })
}

func TestG500WorksOnATTY(t *testing.T) {
	r := lcdtest.PtyRig(t, "ezio-g500", lcd.Options{Keys: g500Keys}, lcdtest.NewG500(g500Letters, true))
	r.Keys = []lcd.Key{lcd.Enter}
	lcdtest.Smoke(t, r)
}
