// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"testing"

	"evener/firmware/message"
)

// parse is one of the three functions that read heads, with its options.
type parse func(h *message.Head, buf []byte) (int, error)

// checkSplits reports a prefix of in whose verdict contradicts that of in: it
// has to be the same, or that more is needed. A prefix of a sound head that is
// not the whole head needs more. Up to every step-th prefix is tried.
func checkSplits(t *testing.T, in []byte, step int, f parse) {
	t.Helper()
	var h message.Head
	n, err := f(&h, in)
	whole := outcomeOf(n, err)
	said := describe(&h)
	for k := 0; k <= len(in); k += step {
		var part message.Head
		m, err := f(&part, in[:k:k])
		got := outcomeOf(m, err)
		switch {
		case got == "more" && (k < n || n == 0):
		case got != whole:
			t.Fatalf("%q is %s, but %q is %s", in, whole, in[:k], got)
		case m != n:
			t.Fatalf("%q has a head of %d bytes, but %q one of %d", in, n, in[:k], m)
		case n > 0 && describe(&part) != said:
			t.Fatalf("%q says\n%s, but %q says\n%s", in, said, in[:k], describe(&part))
		}
	}
}

func TestHeadsAnySplit(t *testing.T) {
	for _, tc := range requestRows {
		checkSplits(t, []byte(tc.in), 1, func(h *message.Head, buf []byte) (int, error) {
			return ParseRequest(h, buf, nil)
		})
		tight := Options{MaxHead: 60, MaxField: 20, MaxTarget: 12, MaxFields: 2, Underscore: Reject}
		checkSplits(t, []byte(tc.in), 1, func(h *message.Head, buf []byte) (int, error) {
			return ParseRequest(h, buf, &tight)
		})
	}
	for _, tc := range responseRows {
		checkSplits(t, []byte(tc.in), 1, func(h *message.Head, buf []byte) (int, error) {
			return ParseResponse(h, buf, nil, tc.req)
		})
	}
	checkSplits(t, []byte(typicalRequest+"next"), 1, func(h *message.Head, buf []byte) (int, error) {
		return ParseRequest(h, buf, nil)
	})
}

// TestFaultsAreSeenEarly: what is wrong already is not waited out.
func TestFaultsAreSeenEarly(t *testing.T) {
	for in, want := range map[string]string{
		"\n":                             "400 bare_lf",
		"\x16":                           "400 bad_method",
		"GET /\n":                        "400 bare_lf",
		"GET / HTTQ":                     "400 bad_version",
		"GET / HTTP/1.1\n":               "400 bare_lf",
		"GET / HTTP/1.1\r\n ":            "400 space_before_fields",
		"GET / HTTP/1.1\r\nA ":           "400 space_before_colon",
		"GET / HTTP/1.1\r\nA: \x00":      "400 bad_field_value",
		"GET / HTTP/1.1\r\nA: b\n":       "400 bare_lf",
		"GET / HTTP/1.1\r\nA: b\r\n ":    "400 obs_fold",
		"GET ftp://a HTTP/1.1\r\n":       "400 bad_scheme",
		"GET / HTTP/3.1\r\n":             "505 unsupported_version",
		"GET / HTTP/1.1\r\nA: b\rc":      "400 bare_cr",
		"GET / HTTP/1.1\r\nA: b\r\n\rc":  "400 bare_cr",
		"":                               "more",
		"\r":                             "more",
		"GET / HTTP/1.1\r\nA: b\r":       "more",
		"GET / HTTP/1.1\r\nA: b\r\n\r":   "more",
		"GET / HTTP/1.1\r\nHost: a\r\n":  "more",
		"GET / HTTP/1.1\r\nHost: a\tb\r": "more",
	} {
		if _, got := request(in, nil); got != want {
			t.Errorf("ParseRequest(%q) = %s, want %s", in, got, want)
		}
	}
}
