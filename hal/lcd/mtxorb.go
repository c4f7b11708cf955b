// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"context"

	"evener/hal/serial"
)

// A mtxorb is a text display of Matrix Orbital (LCD, LK, VFD, VK, PK) at a
// serial line or a USB adapter.
type mtxorb struct {
	moLink
	info Info
	kind moKind
}

// attachMtxorb is the driver "mtxorb". Keys are reported as capital letters.
func attachMtxorb(ctx context.Context, port serial.Port, o Options) (Device, error) {
	m := &mtxorb{}
	m.start(port, o.Speed)
	if err := m.setup(ctx, o); err != nil {
		m.end()
		return nil, err
	}
	return m, nil
}

func (m *mtxorb) setup(ctx context.Context, o Options) error {
	id, version, err := m.identify(ctx)
	if err != nil {
		return err
	}
	model, err := moIdentify(moModels, glkModels, id, o)
	if err != nil {
		return err
	}
	keys, err := o.letterMap(model.keys)
	if err != nil {
		return err
	}
	m.setLetters(keys)
	m.kind = model.kind
	m.info = Info{Model: model.name, Firmware: moVersion(version), Rows: model.rows, Cols: model.cols,
		LEDs: model.lamps, Glyphs: 8, Backlight: true, Contrast: model.kind == moLCD, Releases: true}
	out := []byte{moCommand, moClear, moCommand, moWrapOff, moCommand, moScrollOff,
		moCommand, moUnderOff, moCommand, moBlinkOff, moCommand, moLightOn, 0}
	out = append(out, lampsOff(model.lamps)...)
	return m.settle(append(out, moCommand, moKeyMode, 1, moCommand, moAutoKeysOn)...)
}

func (m *mtxorb) Info() Info { return m.info }

func (m *mtxorb) Encode(r rune) (byte, bool) { return A00.Encode(r) }

func (m *mtxorb) Write(row, col int, text []byte) error {
	if err := checkPlace(m.info, row, col, len(text)); err != nil {
		return err
	}
	out := []byte{moCommand, moGoto, byte(col + 1), byte(row + 1)}
	for _, c := range text {
		out = append(out, sendable(c))
	}
	return m.send(out...)
}

// sendable returns a code that the display takes for text: a command's first
// byte never is, nor are the controls between glyphs and ASCII.
func sendable(c byte) byte {
	if c == moCommand || c >= 8 && c < ' ' {
		return ' '
	}
	return c
}

func (m *mtxorb) Cursor(row, col int, on bool) error {
	if !on {
		return m.send(moCommand, moBlinkOff)
	}
	if err := checkPlace(m.info, row, col, 1); err != nil {
		return err
	}
	return m.send(moCommand, moGoto, byte(col+1), byte(row+1), moCommand, moBlinkOn)
}

func (m *mtxorb) Define(n int, glyph [8]byte) error {
	if err := checkGlyph(m.info, n); err != nil {
		return err
	}
	out := []byte{moCommand, moDefine, byte(n)}
	for _, row := range glyph {
		out = append(out, row&0x1F)
	}
	return m.send(out...)
}

// Backlight dims a LED or, in four steps, a fluorescent display; 0 is dark.
func (m *mtxorb) Backlight(percent int) error {
	if err := checkPercent("backlight", percent); err != nil {
		return err
	}
	if percent == 0 {
		return m.send(moCommand, moLightOff)
	}
	if m.kind == moVFD {
		return m.send(moCommand, moLightOn, 0, moCommand, moVFDLight, byte((100-percent)*3/99))
	}
	return m.send(moCommand, moLightOn, 0, moCommand, moBrightness, byte(percent*255/100))
}

func (m *mtxorb) Contrast(percent int) error {
	if err := checkPercent("contrast", percent); err != nil {
		return err
	}
	if !m.info.Contrast {
		return unsupported(m.info.Model, "contrast")
	}
	return m.send(moCommand, moContrast, byte(percent*255/100))
}

func (m *mtxorb) LED(n int, c Colour) error {
	if m.info.LEDs == 0 {
		return unsupported(m.info.Model, "lamps")
	}
	if err := checkLED(m.info, n, c); err != nil {
		return err
	}
	return m.send(lamp(n, c)...)
}
