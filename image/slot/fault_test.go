// SPDX-License-Identifier: Apache-2.0

package slot

import (
	"strings"
	"testing"
)

func TestAFaultFitsIntoItsSector(t *testing.T) {
	for _, reason := range []string{"", "the SHA-256 is wrong", strings.Repeat("ä\"", 400), "\xff\x00"} {
		f := Fault{Reason: reason, By: "early", Version: "1.4.0"}
		b := f.encode()
		got, ok := parseFault(b)
		if len(b) != SectorSize || !ok || got.By != "early" || !strings.HasPrefix(strings.ToValidUTF8(reason, "?"), got.Reason) {
			t.Errorf("%q: %d bytes, %+v, %t", reason, len(b), got, ok)
		}
		if len(reason) < 100 && got.Reason != strings.ToValidUTF8(reason, "?") {
			t.Errorf("%q was cut to %q", reason, got.Reason)
		}
	}
}

func FuzzParseFault(f *testing.F) {
	f.Add(Fault{Reason: "broken", By: "early"}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, ok := parseFault(b); ok && len(b) < faultFixed {
			t.Fatal("a fault of nothing")
		}
	})
}
