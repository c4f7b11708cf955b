// SPDX-License-Identifier: Apache-2.0

package fat

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	unitsPerEntry = 13 // UTF-16 code units of a long name that one entry holds
	maxUnits      = 255
)

// Where an entry of a long name holds its code units.
var unitPlaces = [unitsPerEntry]int{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30}

// checkName refuses what cannot be a name in a folder.
func checkName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return fmt.Errorf("name %q is none", name)
	case !utf8.ValidString(name):
		return fmt.Errorf("name %q is not valid UTF-8", name)
	case len(utf16.Encode([]rune(name))) > maxUnits:
		return fmt.Errorf("name %q is longer than %d characters", name, maxUnits)
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
		return fmt.Errorf("name %q must not end in a dot or space", name)
	}
	for _, r := range name {
		if r < 0x20 || r == 0x7f || strings.ContainsRune(`"*/:<>?\|`, r) {
			return fmt.Errorf("name %q must not hold %q", name, r)
		}
	}
	return nil
}

// shortName gives the 11 bytes of a name that needs no long one, with the flags of
// its case of letters.
func shortName(name string) (short [11]byte, flags byte, ok bool) {
	base, ext, dot := strings.Cut(name, ".")
	if base == "" || len(base) > 8 || len(ext) > 3 || (dot && ext == "") {
		return short, 0, false
	}
	for _, part := range []struct {
		s    string
		at   int
		flag byte
	}{{base, 0, lowerBase}, {ext, 8, lowerExt}} {
		upper := strings.ToUpper(part.s)
		switch part.s {
		case upper:
		case strings.ToLower(part.s):
			flags |= part.flag
		default:
			return short, 0, false
		}
		for _, c := range []byte(upper) {
			if !shortByte(c) {
				return short, 0, false
			}
		}
		copy(short[part.at:], upper)
	}
	return padded(short), flags, true
}

// shortByte reports whether a short name may hold c.
func shortByte(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'()-@^_`{}~", c) >= 0
}

// aliasOf makes the short name that stands beside a long one, such as RELEAS~1.TXT;
// taken are those that the folder has already.
func aliasOf(name string, taken map[[11]byte]bool) [11]byte {
	base, ext := name, ""
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		base, ext = name[:i], name[i+1:]
	}
	keep := func(s string, n int) string {
		var b []byte
		for _, c := range []byte(strings.ToUpper(s)) {
			if shortByte(c) && len(b) < n {
				b = append(b, c)
			}
		}
		return string(b)
	}
	for n := 1; ; n++ {
		tail := fmt.Sprintf("~%d", n)
		var short [11]byte
		copy(short[:8], keep(base, 8-len(tail))+tail)
		copy(short[8:], keep(ext, 3))
		if short = padded(short); !taken[short] {
			return short
		}
	}
}

func padded(short [11]byte) [11]byte {
	for i, c := range short {
		if c == 0 {
			short[i] = ' '
		}
	}
	return short
}

// longEntries makes the entries that stand before the short one and hold a long
// name, its last part first.
func longEntries(name string, short [11]byte) []byte {
	units := utf16.Encode([]rune(name))
	count := (len(units) + unitsPerEntry - 1) / unitsPerEntry
	var out []byte
	for n := count; n > 0; n-- {
		e := make([]byte, entrySize)
		e[0] = byte(n)
		if n == count {
			e[0] |= 0x40
		}
		e[11] = attrLong
		e[13] = checksum(short)
		for i, place := range unitPlaces {
			u := uint16(0xffff)
			if at := (n-1)*unitsPerEntry + i; at < len(units) {
				u = units[at]
			} else if at == len(units) {
				u = 0
			}
			binary.LittleEndian.PutUint16(e[place:], u)
		}
		out = append(out, e...)
	}
	return out
}

// checksum ties the entries of a long name to their short one.
func checksum(short [11]byte) byte {
	var sum byte
	for _, c := range short {
		sum = sum<<7 | sum>>1
		sum += c
	}
	return sum
}
