// SPDX-License-Identifier: Apache-2.0

package message

import "encoding/binary"

// maxFieldName is the length of the longest known field name that a fieldName
// has room for.
const maxFieldName = 24

// A fieldName is a known name, cut by words, and for each word the bits that are
// set before comparing: the 0x20 of each letter, which is all that its two cases
// differ in.
type fieldName struct {
	first, last, middle             uint64
	foldFirst, foldLast, foldMiddle uint64
	len                             int
	next                            FieldID // another name in the same slot
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
		k.first, k.last, k.middle = words(name)
		k.foldFirst, k.foldLast, k.foldMiddle = words(folds)
		slot := slotOf(name)
		k.next, index[slot] = index[slot], id
	}
	return index, known
}()

// slotOf hashes the length and the two ends of a name, in any case of letters.
// The factors are such that only two known names meet, X-Forwarded-Host and
// X-Forwarded-Port, which are alike in all three.
func slotOf(b []byte) uint {
	first, last := uint(b[0]|0x20), uint(b[len(b)-1]|0x20)
	return (7*first + 9*last + uint(len(b))) % fieldSlots
}

// words cuts b, which has 1 to 24 bytes, into its first eight, its last eight
// and those between. Together they hold every byte of b; they overlap, and
// those that a short name does not need are 0.
func words(b []byte) (first, last, middle uint64) {
	n := len(b)
	switch {
	case n > 16:
		middle = binary.LittleEndian.Uint64(b[8:])
		fallthrough
	case n > 8:
		last = binary.LittleEndian.Uint64(b[n-8:])
		fallthrough
	case n == 8:
		first = binary.LittleEndian.Uint64(b)
	case n >= 4:
		lo, hi := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[n-4:])
		first = uint64(lo) | uint64(hi)<<32
	default:
		first = uint64(b[0]) | uint64(b[n/2])<<8 | uint64(b[n-1])<<16
	}
	return first, last, middle
}

// FieldOf returns the FieldID of the name b, in any case of letters.
func FieldOf(b []byte) FieldID {
	if len(b) > maxFieldName || len(b) == 0 {
		return OtherField
	}
	id := fieldIndex[slotOf(b)]
	if id == OtherField {
		return id
	}
	first, last, middle := words(b)
	for id != OtherField {
		k := &knownFields[id]
		if k.len == len(b) && first|k.foldFirst == k.first &&
			last|k.foldLast == k.last && middle|k.foldMiddle == k.middle {
			return id
		}
		id = k.next
	}
	return OtherField
}

// FieldByName is FieldOf for a string.
func FieldByName(name string) FieldID { return FieldOf([]byte(name)) }
