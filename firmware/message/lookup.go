// SPDX-License-Identifier: Apache-2.0

package message

import "encoding/binary"

// maxFieldName is the length of the longest known field name that a fieldName
// has room for.
const maxFieldName = 24

// A fieldName is a known name, cut into words as [word] cuts them, and for each
// word the bits that are set before comparing: the 0x20 of each letter, which
// is all that its two cases differ in.
type fieldName struct {
	word, fold [3]uint64
	len        int
	next       FieldID // another name in the same slot
}

const fieldSlots = 128

// fieldIndex holds in each slot the first of the names that slotOf sends there;
// knownFields are the names by their number.
var fieldIndex, knownFields = func() (index [fieldSlots]FieldID, known [numFields]fieldName) {
	for id := FieldID(1); id < numFields; id++ {
		name := []byte(fieldNames[id])
		if len(name) > maxFieldName {
			panic("message: no room for " + string(name))
		}
		folds := make([]byte, len(name))
		for i, c := range name {
			if 'a' <= c && c <= 'z' {
				folds[i] = 0x20
			}
		}
		k := &known[id]
		k.len = len(name)
		for i := range k.word {
			k.word[i], k.fold[i] = word(name, i), word(folds, i)
		}
		slot := slotOf(name)
		k.next, index[slot] = index[slot], id
	}
	return index, known
}()

// slotOf hashes the length and the two ends of a name, in any case of letters.
// The factors are such that only two known names meet, X-Forwarded-Host and
// X-Forwarded-Port, which are alike in all three.
func slotOf(b []byte) int {
	first, last := int(b[0]|0x20), int(b[len(b)-1]|0x20)
	return (7*first + 9*last + len(b)) % fieldSlots
}

// word returns eight bytes of b, which is not empty. All words of b together
// hold every byte of it; they overlap where its length is no multiple of 8.
func word(b []byte, i int) uint64 {
	n := len(b)
	switch {
	case n >= 8:
		return binary.LittleEndian.Uint64(b[min(8*i, n-8):])
	case n >= 4:
		lo, hi := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[n-4:])
		return uint64(lo) | uint64(hi)<<32
	}
	return uint64(b[0]) | uint64(b[n/2])<<8 | uint64(b[n-1])<<16
}

// FieldOf returns the FieldID of the name b, in any case of letters.
func FieldOf(b []byte) FieldID {
	if len(b) > maxFieldName || len(b) == 0 {
		return OtherField
	}
	id := fieldIndex[slotOf(b)]
	for id != OtherField {
		k := &knownFields[id]
		if k.len == len(b) && k.equal(b) {
			return id
		}
		id = k.next
	}
	return OtherField
}

// equal compares a name as long as k with it.
func (k *fieldName) equal(b []byte) bool {
	for i := 0; ; {
		if word(b, i)|k.fold[i] != k.word[i] {
			return false
		}
		if i++; 8*i >= len(b) {
			return true
		}
	}
}

// FieldByName is FieldOf for a string.
func FieldByName(name string) FieldID { return FieldOf([]byte(name)) }
