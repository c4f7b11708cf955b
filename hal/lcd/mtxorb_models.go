// SPDX-License-Identifier: Apache-2.0

package lcd

import "fmt"

// A moModel is what a Matrix Orbital module is, by the byte with which it
// answers "read module type". The numbers are those of the manuals' tables and
// of public drivers that were used with the modules.
type moModel struct {
	name       string
	rows, cols int
	kind       moKind
	lamps      int // lamps on the module, each on two of its outputs
	keys       map[string]Key
}

// moKind is how a module shows things.
type moKind uint8

const (
	moLCD moKind = iota
	moVFD        // vacuum fluorescent: four steps of brightness, no contrast
	moPLED
)

// moKeypad is a keypad of six keys at a text display, in the order that LCDproc
// has in its sample; moSeven are the seven keys of the 1U modules, of which G,
// lower left, is not used.
var (
	moKeypad = map[string]Key{"A": Left, "B": Right, "C": Up, "D": Down, "E": Enter, "F": Escape}
	moSeven  = map[string]Key{"A": Escape, "B": Up, "C": Right, "D": Left, "E": Enter, "H": Down}
)

// moModels are the text modules.
var moModels = map[byte]moModel{
	0x01: {name: "LCD0821", rows: 2, cols: 8},
	0x02: {name: "LCD2021", rows: 2, cols: 20},
	0x05: {name: "LCD2041", rows: 4, cols: 20},
	0x06: {name: "LCD4021", rows: 2, cols: 40},
	0x07: {name: "LCD4041", rows: 4, cols: 40},
	0x08: {name: "LK202-25", rows: 2, cols: 20},
	0x09: {name: "LK204-25", rows: 4, cols: 20},
	0x0A: {name: "LK404-55", rows: 4, cols: 40},
	0x0B: {name: "VFD2021", rows: 2, cols: 20, kind: moVFD},
	0x0C: {name: "VFD2041", rows: 4, cols: 20, kind: moVFD},
	0x0D: {name: "VFD4021", rows: 2, cols: 40, kind: moVFD},
	0x0E: {name: "VK202-25", rows: 2, cols: 20, kind: moVFD},
	0x0F: {name: "VK204-25", rows: 4, cols: 20, kind: moVFD},
	0x2B: {name: "LK204-7T-1U", rows: 4, cols: 20, lamps: 3, keys: moSeven},
	0x2C: {name: "LK204-7T-1U-USB", rows: 4, cols: 20, lamps: 3, keys: moSeven},
	0x31: {name: "LK404-AT", rows: 4, cols: 40},
	0x33: {name: "LK402-12", rows: 2, cols: 40},
	0x34: {name: "LK162-12", rows: 2, cols: 16},
	0x35: {name: "LK204-25PC", rows: 4, cols: 20},
	0x36: {name: "LK202-24-USB", rows: 2, cols: 20},
	0x37: {name: "VK202-24-USB", rows: 2, cols: 20, kind: moVFD},
	0x38: {name: "LK204-24-USB", rows: 4, cols: 20},
	0x39: {name: "VK204-24-USB", rows: 4, cols: 20, kind: moVFD},
	0x3A: {name: "PK162-12", rows: 2, cols: 16, kind: moPLED},
	0x3B: {name: "VK162-12", rows: 2, cols: 16, kind: moVFD},
	0x3C: {name: "LK162-4T", rows: 2, cols: 16},
	0x3D: {name: "PK202-25", rows: 2, cols: 20, kind: moPLED},
	0x42: {name: "PK202-24-USB", rows: 2, cols: 20, kind: moPLED},
	0x48: {name: "LK082-12", rows: 2, cols: 8},
	0x49: {name: "VK402-12", rows: 2, cols: 40, kind: moVFD},
	0x4A: {name: "VK404-55", rows: 4, cols: 40, kind: moVFD},
	0x4B: {name: "LK402-25", rows: 2, cols: 40},
	0x4C: {name: "VK402-25", rows: 2, cols: 40, kind: moVFD},
	0x4D: {name: "PK204-25", rows: 4, cols: 20, kind: moPLED},
	0x55: {name: "LK202-25-USB", rows: 2, cols: 20},
	0x56: {name: "VK202-25-USB", rows: 2, cols: 20, kind: moVFD},
	0x57: {name: "LK204-25-USB", rows: 4, cols: 20},
	0x58: {name: "VK204-25-USB", rows: 4, cols: 20, kind: moVFD},
	0x59: {name: "LK204-25-422", rows: 4, cols: 20},
	0x5B: {name: "LK162-12-TC", rows: 2, cols: 16},
	0x73: {name: "LK404-25", rows: 4, cols: 40},
	0x74: {name: "VK404-25", rows: 4, cols: 40, kind: moVFD},
}

// glkModels are the graphic modules, their size in cells of 6 by 8 pixels.
var glkModels = map[byte]moModel{
	0x10: {name: "GLC12232", rows: 4, cols: 20},
	0x11: {name: "GLC12864", rows: 8, cols: 21},
	0x12: {name: "GLC128128", rows: 16, cols: 21},
	0x13: {name: "GLC24064", rows: 8, cols: 40},
	0x14: {name: "GLK12864-25", rows: 8, cols: 21},
	0x15: {name: "GLK24064-25", rows: 8, cols: 40},
	0x21: {name: "GLK128128-25", rows: 16, cols: 21},
	0x22: {name: "GLK12232-25", rows: 4, cols: 20},
	0x23: {name: "GLK12232-25-SM", rows: 4, cols: 20},
	0x24: {name: "GLK12232-25-SM", rows: 4, cols: 20},
	0x25: {name: "GLK24064-16-1U-USB", rows: 8, cols: 40},
	0x26: {name: "GLK24064-16-1U", rows: 8, cols: 40},
	0x27: {name: "GLK19264-7T-1U-USB", rows: 8, cols: 32, lamps: 3, keys: moSeven},
	0x28: {name: "GLK12232-16", rows: 4, cols: 20},
	0x29: {name: "GLK12232-16-SM", rows: 4, cols: 20},
	0x2A: {name: "GLK19264-7T-1U", rows: 8, cols: 32, lamps: 3, keys: moSeven},
	0x72: {name: "GLK240128-25", rows: 16, cols: 40},
}

// moIdentify returns what a module is. One that is not in the table gets the
// size that the board names, or the usual four rows of twenty.
func moIdentify(models, others map[byte]moModel, id byte, o Options) (moModel, error) {
	m, ok := models[id]
	if other, wrong := others[id]; wrong {
		return m, fmt.Errorf("the display is a %s, which needs the other of the drivers mtxorb (text) and glk (graphic)", other.name)
	}
	if !ok {
		m = moModel{name: fmt.Sprintf("Matrix Orbital type %02x", id), rows: 4, cols: 20}
	}
	if o.Rows != 0 {
		m.rows = o.Rows
	}
	if o.Cols != 0 {
		m.cols = o.Cols
	}
	if m.keys == nil {
		m.keys = moKeypad
	}
	return m, nil
}
