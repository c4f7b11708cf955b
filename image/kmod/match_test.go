// SPDX-License-Identifier: Apache-2.0

package kmod

import (
	"path"
	"strings"
	"testing"
	"testing/quick"
)

func TestMatchFollowsFnmatch(t *testing.T) {
	const igb = "pci:v00008086d00001533sv*sd*bc*sc*i*"
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "a/b.c", true}, // without flags, * takes slashes and dots
		{"a*c*e", "abcde", true},
		{"a*c*e", "abcdef", false},
		{"a*b", "aab", true},
		{"a**b", "ab", true},
		{"?", "", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"[a-c]x", "bx", true},
		{"[a-c]x", "dx", false},
		{"[!a-c]x", "dx", true},
		{"[^a-c]x", "bx", false},
		{"[]]", "]", true},
		{"[!]]", "]", false},
		{"[a-]", "-", true},
		{"[]-a]", "^", true}, // the range from ] to a
		{"[ab", "[ab", true}, // not closed
		{"[ab", "a", false},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{`[\]]`, "]", true},
		{`a\`, `a\`, true},
		{igb, "pci:v00008086d00001533sv00008086sd00000001bc02sc00i00", true},
		{igb, "pci:v00008086d00001534sv00008086sd00000001bc02sc00i00", false},
		{"acpi*:PNP0501:*", "acpi:PNP0501:", true},
		{"usb:v0403p6001d*dc*dsc*dp*ic*isc*ip*in*", "usb:v0403p6001d0600dc00dsc00dp00icFFiscFFipFFin00", true},
		{"dmi*:svn[A-D]*:*", "dmi:bvnX:svnCompany:pn1:", true},
		{"of:N*T*Cmarvell,armada_3700_neta", "of:NethernetT(null)Cmarvell,armada_3700_neta", true},
	} {
		if got := Match(tt.pattern, tt.name); got != tt.want {
			t.Errorf("Match(%q, %q) = %v, want %v", tt.pattern, tt.name, got, tt.want)
		}
	}
}

// slowMatch is Match without clever steps back.
func slowMatch(pattern, name string) bool {
	if pattern == "" {
		return name == ""
	}
	if pattern[0] == '*' {
		for i := range len(name) + 1 {
			if slowMatch(pattern[1:], name[i:]) {
				return true
			}
		}
		return false
	}
	if name == "" {
		return false
	}
	next, ok := matchByte(pattern, 0, name[0])
	return ok && slowMatch(pattern[next:], name[1:])
}

func TestMatchAgreesWithTheSlowWay(t *testing.T) {
	word := func(seed uint64, letters string, n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(letters[seed%uint64(len(letters))])
			seed /= uint64(len(letters))
		}
		return b.String()
	}
	same := func(p, n uint64, pl, nl uint8) bool {
		pattern, name := word(p, "ab*?*", int(pl%9)), word(n, "ab", int(nl%12))
		if got, want := Match(pattern, name), slowMatch(pattern, name); got != want {
			t.Logf("Match(%q, %q) = %v, want %v", pattern, name, got, want)
			return false
		}
		return true
	}
	if err := quick.Check(same, &quick.Config{MaxCount: 50_000}); err != nil {
		t.Error(err)
	}
}

// TestMatchIsNotSlowForStars guards against a step back for every star.
func TestMatchIsNotSlowForStars(t *testing.T) {
	if Match(strings.Repeat("a*", 40)+"b", strings.Repeat("a", 4000)) {
		t.Error("a name of a's fits a pattern that ends with b")
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("pci:v*d*", "pci:v1d2")
	f.Add("[!a-z]*?\\", "0ab")
	f.Add("[]-]", "-")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		got := Match(pattern, name)
		if len(pattern) < 12 && len(name) < 12 && got != slowMatch(pattern, name) {
			t.Errorf("Match(%q, %q) = %v, the slow way says otherwise", pattern, name, got)
		}
		// Go's own matcher knows the same language but for slashes, ! and bad sets.
		if !strings.ContainsAny(pattern, `[]\/`) && !strings.Contains(name, "/") && isASCII(pattern+name) {
			if want, err := path.Match(pattern, name); err == nil && got != want {
				t.Errorf("Match(%q, %q) = %v, path.Match says %v", pattern, name, got, want)
			}
		}
	})
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0
}
