// SPDX-License-Identifier: Apache-2.0

package lcd

import "strings"

// A Charset is the characters that a display has burnt in: the code of each
// rune. Runes of ASCII have their own code unless the display shows something
// else there.
type Charset struct {
	name  string
	codes map[rune]byte
	not   string // runes of ASCII that the display lacks
}

func (c *Charset) String() string { return c.name }

// Encode returns the code that shows r, and whether the display has r.
func (c *Charset) Encode(r rune) (byte, bool) {
	if code, ok := c.codes[r]; ok {
		return code, true
	}
	if r >= ' ' && r < 0x7F && !strings.ContainsRune(c.not, r) {
		return byte(r), true
	}
	return 0, false
}

// The character sets of the displays that have a driver.
var (
	// ASCII is what every display shows.
	ASCII = &Charset{name: "ASCII"}

	// A00 is the ROM of the HD44780 that nearly all clones have (Hitachi HD44780U
	// data sheet, table 4): ASCII but for backslash and tilde, half-width kana,
	// some Greek and German letters. CrystalFontz 533 and 633 have it too.
	A00 = &Charset{name: "HD44780 A00", not: `\~`, codes: a00}

	// CFA635 is the ROM of CrystalFontz 631 and 635 (data sheet of the CFA-635,
	// "character generator ROM"): the letters of GSM 03.38 at the places where
	// ASCII has brackets, and most of western Europe in the upper half.
	CFA635 = &Charset{name: "CFA-635", not: "`", codes: cfa635}
)

var a00 = map[rune]byte{
	'→': 0x7E, '←': 0x7F, '¥': 0x5C,
	'。': 0xA1, '「': 0xA2, '」': 0xA3, '、': 0xA4, '·': 0xA5, '°': 0xDF,
	'α': 0xE0, 'ä': 0xE1, 'β': 0xE2, 'ß': 0xE2, 'ε': 0xE3, 'µ': 0xE4, 'μ': 0xE4,
	'σ': 0xE5, 'ρ': 0xE6, '√': 0xE8, '¢': 0xEC, 'ñ': 0xEE, 'ö': 0xEF,
	'θ': 0xF2, '∞': 0xF3, 'Ω': 0xF4, 'ü': 0xF5, 'Σ': 0xF6, 'π': 0xF7, '÷': 0xFD,
	'█': 0xFF,
}

var cfa635 = map[rune]byte{
	// ASCII that lies elsewhere
	'$': 0xA2, '@': 0xA0, '[': 0xFA, '\\': 0xFB, ']': 0xFC, '^': 0x1D, '_': 0xC4,
	'{': 0xFD, '|': 0xFE, '}': 0xFF, '~': 0xCE,
	// what lies at those places
	'¤': 0x24, '¡': 0x40, 'Ä': 0x5B, 'Ö': 0x5C, 'Ñ': 0x5D, 'Ü': 0x5E, '§': 0x5F,
	'¿': 0x60, 'ä': 0x7B, 'ö': 0x7C, 'ñ': 0x7D, 'ü': 0x7E, 'à': 0x7F,
	'▶': 0x10, '◀': 0x11, '«': 0x14, '»': 0x15,
	'°': 0x80, '¹': 0x81, '²': 0x82, '³': 0x83, '½': 0x8A, '¼': 0x8B, '±': 0x8C, 'µ': 0x8F,
	'£': 0xA1, '¥': 0xA3, 'è': 0xA4, 'é': 0xA5, 'ù': 0xA6, 'ì': 0xA7, 'ò': 0xA8,
	'Ç': 0xA9, 'Ø': 0xAB, 'ø': 0xAC, 'Å': 0xAE, 'å': 0xAF, '¢': 0xB1,
	'Æ': 0xBC, 'æ': 0xBD, 'ß': 0xBE, 'É': 0xBF,
	'Ê': 0xC6, 'ê': 0xC7, 'ç': 0xC8, 'È': 0xC5,
	'█': 0xD6, '↑': 0xDE, '→': 0xDF, '↓': 0xE0, '←': 0xE1,
	'Á': 0xE2, 'Í': 0xE3, 'Ó': 0xE4, 'Ú': 0xE5, 'Ý': 0xE6,
	'á': 0xE7, 'í': 0xE8, 'ó': 0xE9, 'ú': 0xEA, 'ý': 0xEB, 'Ô': 0xEC, 'ô': 0xED,
}

// Fold returns the nearest rune of ASCII for one that a display lacks, always a
// single one so that columns stay where they are; '?' when there is none.
func Fold(r rune) rune {
	if r >= ' ' && r < 0x7F {
		if f, ok := plain[r]; ok {
			return f
		}
		return r
	}
	for _, f := range folds {
		if strings.ContainsRune(f.from, r) {
			return f.to
		}
	}
	return '?'
}

// plain are stand-ins for the few runes of ASCII that a ROM may lack.
var plain = map[rune]rune{'\\': '/', '~': '-', '`': '\'', '{': '(', '}': ')', '[': '(', ']': ')', '|': '!', '^': '\'', '_': '-'}

var folds = []struct {
	to   rune
	from string
}{
	{'A', "ÀÁÂÃÄÅĀĂĄÆΑА"}, {'a', "àáâãäåāăąæαа"}, {'B', "ΒВ"}, {'b', "þ"},
	{'C', "ÇĆĈĊČС"}, {'c', "çćĉċčс¢"}, {'D', "ÐĎĐ"}, {'d', "ðďđ"},
	{'E', "ÈÉÊËĒĔĖĘĚ€ΕЕ"}, {'e', "èéêëēĕėęěεе"}, {'G', "ĜĞĠĢ"}, {'g', "ĝğġģ"},
	{'H', "ĤĦ"}, {'h', "ĥħ"}, {'I', "ÌÍÎÏĨĪĬĮİ"}, {'i', "ìíîïĩīĭįı"},
	{'J', "Ĵ"}, {'j', "ĵ"}, {'K', "Ķ"}, {'k', "ķ"}, {'L', "ĹĻĽŁ£"}, {'l', "ĺļľł"},
	{'N', "ÑŃŅŇ"}, {'n', "ñńņň"}, {'O', "ÒÓÔÕÖØŌŎŐŒΩ"}, {'o', "òóôõöøōŏőœ°º"},
	{'P', "Þ"}, {'R', "ŔŖŘ"}, {'r', "ŕŗř"}, {'S', "ŚŜŞŠȘ§ẞΣ"}, {'s', "śŝşšșß"},
	{'T', "ŢŤŦȚ"}, {'t', "ţťŧț"}, {'U', "ÙÚÛÜŨŪŬŮŰŲ"}, {'u', "ùúûüũūŭůűųµμ"},
	{'W', "Ŵ"}, {'w', "ŵ"}, {'Y', "ÝŸŶ¥"}, {'y', "ýÿŷ"}, {'Z', "ŹŻŽ"}, {'z', "źżž"},
	{'x', "×✗✘"}, {'1', "¹"}, {'2', "²"}, {'3', "³"},
	{'\'', "‘’‚´ʹ"}, {'"', "“”„«»¨"}, {'-', "‐‑‒–—−─━"}, {'.', "…·•"}, {'+', "±✓✔┼"},
	{'>', "→▶►›"}, {'<', "←◀◄‹"}, {'^', "↑▲"}, {'v', "↓▼"}, {'|', "│┃¦"}, {'#', "█▓▒░■"},
	{'*', "★☆●○"}, {':', "÷"}, {'!', "¡⚠"}, {' ', "\u00A0\u2007\u2009\u202F\t"},
	{',', "、，"}, {'.', "。"},
}
