// SPDX-License-Identifier: Apache-2.0

// Package kmodtest makes files that look like kernel modules, as far as anybody
// but a kernel looks.
package kmodtest

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// Module returns a relocatable ELF file for x86-64 that has only the section
// .modinfo, with these entries ("name=igb", "depends=dca").
func Module(entries ...string) []byte {
	const names = "\x00.modinfo\x00.shstrtab\x00"
	info := strings.Join(entries, "\x00") + "\x00"
	data := uint64(64)
	strs := data + uint64(len(info))
	table := strs + uint64(len(names))
	var b bytes.Buffer
	put := func(fields ...any) {
		for _, f := range fields {
			if err := binary.Write(&b, binary.LittleEndian, f); err != nil {
				panic(err) // all fields have a fixed size
			}
		}
	}
	b.WriteString("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9)) // 64 bits, little endian
	put(uint16(1), uint16(62), uint32(1), uint64(0), uint64(0), table, uint32(0), uint16(64), uint16(0), uint16(0), uint16(64), uint16(3), uint16(2))
	b.WriteString(info + names)
	section := func(name, kind uint32, at, size uint64) {
		put(name, kind, uint64(0), uint64(0), at, size, uint32(0), uint32(0), uint64(1), uint64(0))
	}
	section(0, 0, 0, 0)
	section(1, 1, data, uint64(len(info)))
	section(10, 3, strs, uint64(len(names)))
	return b.Bytes()
}
