// SPDX-License-Identifier: Apache-2.0

package message

import (
	"strings"
	"testing"
)

// TestEndOfValue puts every byte at every place of short texts.
func TestEndOfValue(t *testing.T) {
	for c := range 256 {
		for n := range 26 {
			for at := range n {
				b := []byte(strings.Repeat("\x80", n))
				b[at] = byte(c)
				want := n
				if c < ' ' && c != '\t' || c == 0x7f {
					want = at
				}
				if got := EndOfValue(b, 0); got != want {
					t.Fatalf("EndOfValue(%q) = %d, want %d", b, got, want)
				}
				if at > 0 {
					b[at-1] = 0xff // whose carry must not hide or fake a fault
					if got := EndOfValue(b, 0); got != want {
						t.Fatalf("EndOfValue(%q) = %d, want %d", b, got, want)
					}
				}
				for _, second := range []byte{0, '\r', 0x7f} {
					b[n-1] = second
					if got := EndOfValue(b, 0); got != min(want, n-1) {
						t.Fatalf("EndOfValue(%q) = %d, want %d", b, got, min(want, n-1))
					}
				}
			}
		}
	}
}
