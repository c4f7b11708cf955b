// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"strconv"
	"strings"
	"testing"
)

func TestNegotiate(t *testing.T) {
	all := Preferred[:]
	only := func(c ...Coding) []Coding { return c }
	for _, tc := range []struct {
		name, value string
		offers      []Coding
		want        Coding
	}{
		{"no field", "", all, Identity},
		{"nothing wanted", " ", all, Identity},
		{"only commas", ", ,,", all, Identity},
		{"a browser", "gzip, deflate, br, zstd", all, Zstd},
		{"our order decides between equals", "gzip, deflate, br, zstd", only(Brotli, Zstd, Gzip), Brotli},
		{"only gzip offered", "gzip, deflate, br, zstd", only(Gzip), Gzip},
		{"nothing offered", "gzip", nil, Identity},
		{"nothing in common", "deflate, compress", all, Identity},
		{"old name", "x-gzip", all, Gzip},
		{"old name refused", "x-gzip;q=0", all, Identity},
		{"capitals", "GZip;Q=0.5", all, Gzip},
		{"weights decide", "zstd;q=0.5, br;q=0.6, gzip;q=0.55", all, Brotli},
		{"three digits", "zstd;q=0.123, gzip;q=0.124", all, Gzip},
		{"0.5 is 0.500", "gzip;q=0.5, zstd;q=0.500", all, Zstd},
		{"refused", "gzip;q=0", all, Identity},
		{"refused with digits", "gzip;q=0.000", all, Identity},
		{"hardly wanted", "gzip;q=0.001", all, Gzip},
		{"1.", "gzip;q=1.", all, Gzip},
		{"0.", "gzip;q=0.", all, Identity},
		{"1.000", "gzip;q=1.000", all, Gzip},
		{"spaces and tabs", "\t gzip \t;\t q=0.5 \t,\tbr ; q=0.4 ", all, Gzip},
		{"empty elements", ",gzip,,br;q=0.1,", all, Gzip},
		{"any", "*", all, Zstd},
		{"any, one refused", "*, zstd;q=0", all, Brotli},
		{"any but gzip offered", "gzip;q=0, *;q=0.5", only(Gzip), Identity},
		{"none", "*;q=0", all, Identity},
		{"none but one", "*;q=0, br;q=0.1", all, Brotli},
		{"identity is better", "identity, gzip;q=0.5", all, Identity},
		{"identity is as good", "identity, gzip", all, Gzip},
		{"identity is worse", "identity;q=0.5, gzip", all, Gzip},
		{"identity is better by the star", "gzip;q=0.2, *;q=0.8", only(Gzip), Identity},
		{"identity unlisted is no rival", "gzip;q=0.001", all, Gzip},
		{"identity refused", "identity;q=0, gzip;q=0.1", all, Gzip},
		{"identity refused, nothing else taken", "identity;q=0", all, Identity},
		{"all refused", "identity;q=0, *;q=0", all, Identity},
		{"star refuses identity", "*;q=0, gzip", all, Gzip},
		{"twice, the lower holds", "gzip, gzip;q=0", all, Identity},
		{"twice, the lower holds in any order", "gzip;q=0, gzip", all, Identity},
		{"two names of one", "gzip, x-gzip;q=0", all, Identity},
		{"like br", "brx, b", all, Identity},
		{"like a star", "*gzip", all, Identity},
		{"q 1.001", "gzip;q=1.001", all, Identity},
		{"q 2", "gzip;q=2", all, Identity},
		{"q of four digits", "gzip;q=0.1234", all, Identity},
		{"q 1.0000", "gzip;q=1.0000", all, Identity},
		{"q .5", "gzip;q=.5", all, Identity},
		{"q empty", "gzip;q=", all, Identity},
		{"q missing", "gzip;", all, Identity},
		{"q -1", "gzip;q=-1", all, Identity},
		{"space in q", "gzip;q =1", all, Identity},
		{"quoted q", `gzip;q="1"`, all, Identity},
		{"another parameter", "gzip;level=9", all, Identity},
		{"a parameter after q", "gzip;q=1;a=b", all, Identity},
		{"two words", "gzip br", all, Identity},
		{"no name", ";q=1, gzip", all, Identity},
		{"quoted", `"gzip"`, all, Identity},
		{"malformed behind valid", "gzip, br;q=x", all, Identity},
		{"malformed before valid", "@, gzip", all, Identity},
		{"not ASCII", "gzip\xc3\xa9", all, Identity},
	} {
		if got := Negotiate([]byte(tc.value), tc.offers); got != tc.want {
			t.Errorf("%s: Negotiate(%q, %v) = %v, want %v", tc.name, tc.value, tc.offers, got, tc.want)
		}
	}
}

func TestAcceptJoinsFieldLines(t *testing.T) {
	for _, tc := range []struct {
		lines []string
		want  Coding
	}{
		{nil, Identity},
		{[]string{"gzip;q=0.5", "br"}, Brotli},
		{[]string{"gzip", "gzip;q=0"}, Identity},
		{[]string{"gzip", "@"}, Identity},
		{[]string{"@", "gzip"}, Identity},
		{[]string{"", "gzip", ""}, Gzip},
	} {
		var a Accept
		for _, line := range tc.lines {
			a.Add([]byte(line))
		}
		if got := a.Choose(Preferred[:]); got != tc.want {
			t.Errorf("%q: Choose = %v, want %v", tc.lines, got, tc.want)
		}
	}
}

func TestAllocNothingToNegotiate(t *testing.T) {
	value := []byte("gzip;q=0.8, deflate, br, zstd;q=0.9, *;q=0.1")
	if n := testing.AllocsPerRun(100, func() { Negotiate(value, Preferred[:]) }); n != 0 {
		t.Errorf("Negotiate allocates %v times, want 0", n)
	}
}

// slowly is Negotiate by splitting strings; "" is malformed.
func slowly(value string, offers []Coding) Coding {
	listed := map[string]float64{}
	for element := range strings.SplitSeq(value, ",") {
		element = strings.Trim(element, " \t")
		if element == "" {
			continue
		}
		name, param, more := strings.Cut(element, ";")
		name = strings.ToLower(strings.TrimRight(name, " \t"))
		q := 1.0
		if more {
			number, ok := strings.CutPrefix(strings.ToLower(strings.TrimLeft(param, " \t")), "q=")
			whole, fraction, _ := strings.Cut(number, ".")
			v, err := strconv.ParseFloat(number, 64)
			if !ok || err != nil || v > 1 || len(fraction) > 3 || (whole != "0" && whole != "1") ||
				strings.Trim(fraction, "0123456789") != "" {
				return Identity
			}
			q = v
		}
		if name == "" || strings.Trim(name, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") != "" {
			return Identity
		}
		name = strings.TrimPrefix(name, map[bool]string{true: "x-"}[name == "x-gzip"])
		if old, ok := listed[name]; !ok || q < old {
			listed[name] = q
		}
	}
	weigh := func(c Coding) float64 {
		if q, ok := listed[c.String()]; ok {
			return q
		}
		return listed["*"]
	}
	best, most := Identity, weigh(Identity)
	for _, c := range offers {
		if q := weigh(c); q > most || (q == most && q > 0 && best == Identity) {
			best, most = c, q
		}
	}
	return best
}

func FuzzNegotiate(f *testing.F) {
	for _, s := range []string{"gzip, deflate, br, zstd", "*;q=0.5, identity;q=0", "x-gzip;q=1.000,,br ;\tQ=0.01", "gzip;q=1.001", "@"} {
		f.Add(s, uint8(7))
	}
	f.Fuzz(func(t *testing.T, value string, which uint8) {
		for _, r := range value {
			if r >= 0x80 {
				return // ToLower knows more letters than HTTP
			}
		}
		var offers []Coding
		for i, c := range Preferred {
			if which>>i&1 == 1 {
				offers = append(offers, c)
			}
		}
		if got, want := Negotiate([]byte(value), offers), slowly(value, offers); got != want {
			t.Errorf("Negotiate(%q, %v) = %v, want %v", value, offers, got, want)
		}
	})
}
