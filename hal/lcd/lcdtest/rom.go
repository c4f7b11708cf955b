// SPDX-License-Identifier: Apache-2.0

package lcdtest

// A rom is what a display shows for each code: 256 runes, � where this test
// does not know or care. Codes 0 to 7, and 8 to 15 once more, are what the host
// defined.
type rom []rune

// romA00 is the ROM of the HD44780U, code A00 (data sheet, table 4), in rows of
// 32 codes.
var romA00 = rom("" +
	"����������������" + "����������������" +
	" !\"#$%&'()*+,-./" + "0123456789:;<=>?" +
	"@ABCDEFGHIJKLMNO" + "PQRSTUVWXYZ[¥]^_" +
	"`abcdefghijklmno" + "pqrstuvwxyz{|}→←" +
	"����������������" + "����������������" +
	" 。「」、·ヲァィゥェォャュョッ" + "ーアイウエオカキクケコサシスセソ" +
	"タチツテトナニヌネノハヒフヘホマ" + "ミムメモヤユヨラリルレロワン゛°" +
	"αäßεµσρg√�j�¢�ñö" + "pqθ∞ΩüΣπ�y千万円÷ █")

// romCFA635 is the ROM of the CrystalFontz 631 and 635.
var romCFA635 = rom("" +
	"����������������" + "▶◀��«»�������^��" +
	" !\"#¤%&'()*+,-./" + "0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNO" + "PQRSTUVWXYZÄÖÑÜ§" +
	"¿abcdefghijklmno" + "pqrstuvwxyzäöñüà" +
	"°¹²³������½¼±��µ" + "����������������" +
	"@£$¥èéùìòÇ�Øø�Åå" + "�¢����������ÆæßÉ" +
	"����_ÈÊêç�����~�" + "������█�������↑→" +
	"↓←ÁÍÓÚÝáíóúýÔô��" + "����������[\\]{|}")

// show returns what a cell shows.
func (r rom) show(code byte) rune {
	if code < 16 {
		return Glyph(int(code & 7))
	}
	return r[code]
}

// glass turns the codes of cells into what a person reads.
func (r rom) glass(rows [][]byte) []string {
	var lines []string
	for _, row := range rows {
		var line []rune
		for _, code := range row {
			line = append(line, r.show(code))
		}
		lines = append(lines, string(line))
	}
	return lines
}
