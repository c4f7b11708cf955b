// SPDX-License-Identifier: Apache-2.0

package message

import (
	"strings"
	"testing"
)

// slowFieldOf is FieldOf as one would write it first.
func slowFieldOf(b []byte) FieldID {
	for id := FieldID(1); id < numFields; id++ {
		if EqualFold(b, fieldNames[id]) {
			return id
		}
	}
	return OtherField
}

func TestFieldOfKnowsEveryNameInAnyCase(t *testing.T) {
	for id := FieldID(1); id < numFields; id++ {
		name := id.String()
		if name == "" {
			t.Errorf("field %d has no name", id)
		}
		for _, s := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]} {
			if got := FieldByName(s); got != id {
				t.Errorf("FieldByName(%q) = %v, want %v", s, got, id)
			}
		}
	}
}

// TestFieldOfTellsNearNamesApart changes each byte of each name to every other.
func TestFieldOfTellsNearNamesApart(t *testing.T) {
	for id := FieldID(1); id < numFields; id++ {
		b := []byte(fieldNames[id])
		for i, was := range b {
			for c := range 256 {
				b[i] = byte(c)
				if got, want := FieldOf(b), slowFieldOf(b); got != want {
					t.Fatalf("FieldOf(%q) = %v, want %v", b, got, want)
				}
			}
			b[i] = was
		}
	}
}

func TestFieldOfOfOtherLengths(t *testing.T) {
	for _, s := range []string{"", "h", "hos", "hostt", strings.Repeat("x", 24), strings.Repeat("x", 25)} {
		if got := FieldByName(s); got != OtherField {
			t.Errorf("FieldByName(%q) = %v, want none", s, got)
		}
	}
}

func TestKnownNamesRarelyShareSlots(t *testing.T) {
	for id := range knownFields {
		next := knownFields[id].next
		if next != OtherField && (next != XForwardedHost || FieldID(id) != XForwardedPort) {
			t.Errorf("%v and %v share a slot: choose other factors", FieldID(id), next)
		}
	}
}

func BenchmarkFieldOf(b *testing.B) {
	names := [][]byte{[]byte("Host"), []byte("User-Agent"), []byte("Accept"), []byte("Accept-Language"),
		[]byte("Accept-Encoding"), []byte("Connection"), []byte("Cookie"), []byte("Referer")}
	for b.Loop() {
		for _, n := range names {
			FieldOf(n)
		}
	}
}
