// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"evener/firmware/pool"
)

// tableSize is the number of places of a Maglev table: a prime, and more than a
// hundred times the number of members of any sensible pool.
const tableSize = 65537

// A filler is a member that takes places of a Maglev table in an order of its
// own: offset, offset+skip, ... modulo tableSize.
type filler struct {
	member       uint16
	share        pool.Share
	credit       pool.Share // share collected toward the next place
	name         uint64
	offset, skip uint32
}

// maglev fills a table. The members take turns, each taking the first place of
// its order that is still free; a member with half the largest share takes every
// other turn. Turns go by the hash of the name, not by position, so that adding a
// member in front of others moves no more keys than adding it behind them.
func maglev(s *pool.Snapshot, shares []pool.Share) []uint16 {
	fillers, largest := fillersOf(s, shares)
	if len(fillers) == 0 {
		return nil
	}
	table := make([]uint16, tableSize)
	taken := make([]bool, tableSize)
	for left := tableSize; left > 0; {
		for i := range fillers {
			f := &fillers[i]
			f.credit += f.share
			if f.credit < largest {
				continue
			}
			f.credit -= largest
			for taken[f.offset] {
				f.advance()
			}
			taken[f.offset], table[f.offset] = true, f.member
			if left--; left == 0 {
				break
			}
		}
	}
	return table
}

func (f *filler) advance() {
	f.offset += f.skip
	if f.offset >= tableSize {
		f.offset -= tableSize
	}
}

func fillersOf(s *pool.Snapshot, shares []pool.Share) (fillers []filler, largest pool.Share) {
	for i, share := range shares {
		if share <= 0 {
			continue
		}
		h := Hash([]byte(s.Members[i].Name))
		fillers = append(fillers, filler{
			member: uint16(i),
			share:  share,
			name:   h,
			offset: uint32(scale(h, tableSize)),
			skip:   uint32(scale(mix(h+1), tableSize-1)) + 1,
		})
		largest = max(largest, share)
	}
	slices.SortFunc(fillers, func(a, b filler) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.member, b.member))
	})
	return fillers, largest
}

// scale maps a random h to 0..n-1.
func scale(h uint64, n int) int {
	hi, _ := bits.Mul64(h, uint64(n))
	return int(hi)
}

// mix spreads the bits of a number (the finaliser of splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Hash returns a key for Pick from bytes such as a request target or an address.
// It is the same on every box and in every release, because keys decide where
// caches are warm. It does not allocate.
func Hash(b []byte) uint64 {
	const k0, k1 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db
	h := uint64(len(b)) ^ k0
	for len(b) >= 8 {
		h = fold(h^binary.LittleEndian.Uint64(b), k1)
		b = b[8:]
	}
	tail := uint64(0)
	for i, c := range b {
		tail |= uint64(c) << (8 * i)
	}
	return mix(fold(h^tail, k0))
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
