// SPDX-License-Identifier: Apache-2.0

package gpt

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// A GUID names a table, a partition or a partition's type. The bytes stand as on
// the disk: the first three groups of the text form are little-endian (UEFI 2.10
// appendix A).
type GUID [16]byte

// Types of partitions.
var (
	BIOSBoot  = must("21686148-6449-6e6f-744e-656564454649") // GRUB's core image
	EFISystem = must("c12a7328-f81f-11d2-ba4b-00a0c93ec93b") // FAT with the boot loader
	LinuxData = must("0fc63daf-8483-4772-8e79-3d69d8477de4") // whatever Linux finds in it
)

// ParseGUID reads the text form, in either case of letters.
func ParseGUID(s string) (GUID, error) {
	var g GUID
	wrong := fmt.Errorf("GUID %q: must look like c12a7328-f81f-11d2-ba4b-00a0c93ec93b", s)
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return g, wrong
	}
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(b) != len(g) {
		return g, wrong
	}
	copy(g[:], b)
	return g.swapped(), nil
}

// NewGUID draws a random GUID (version 4).
func NewGUID() GUID {
	var g GUID
	rand.Read(g[:])
	return g.stamped(4)
}

// DeriveGUID makes the GUID that belongs to these names: the same for the same
// names, another one for any others (version 8 of RFC 9562).
func DeriveGUID(names ...string) GUID {
	h := sha256.New()
	for _, n := range names {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(n)))
		h.Write(size[:])
		h.Write([]byte(n))
	}
	var g GUID
	copy(g[:], h.Sum(nil))
	return g.stamped(8)
}

// String returns the text form in lower case, as Linux writes PARTUUID= and GRUB
// `probe --part-uuid`.
func (g GUID) String() string {
	b := g.swapped()
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// swapped exchanges the byte orders of text and disk.
func (g GUID) swapped() GUID {
	g[0], g[1], g[2], g[3] = g[3], g[2], g[1], g[0]
	g[4], g[5] = g[5], g[4]
	g[6], g[7] = g[7], g[6]
	return g
}

// stamped sets version and variant (RFC 9562 section 4); the version stands in the
// third group, whose bytes are swapped on the disk.
func (g GUID) stamped(version byte) GUID {
	g[7] = g[7]&0x0f | version<<4
	g[8] = g[8]&0x3f | 0x80
	return g
}

func must(s string) GUID {
	g, err := ParseGUID(s)
	if err != nil {
		panic(err)
	}
	return g
}
