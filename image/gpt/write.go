// SPDX-License-Identifier: Apache-2.0

package gpt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"unicode/utf16"
)

// Places in the MBR (UEFI 2.10 table 5-3).
const (
	bootCode   = 440 // bytes of boot code that Write leaves alone
	mbrEntry   = 446
	mbrSign    = 510
	protective = 0xee // type of the one entry
)

const headerSize = 92

var signature = []byte("EFI PART")

// Write checks the table and writes all of it: first the backup, then the primary
// table, so that at every moment one of both is whole. The first 440 bytes of the
// disk, a BIOS's boot code, stay as they are. If d can be synced (Sync), that is done
// after each of the two.
func (t *Table) Write(d Device) error {
	if err := t.Check(); err != nil {
		return fmt.Errorf("write partition table: %w", err)
	}
	var code [bootCode]byte
	if _, err := d.ReadAt(code[:], 0); err != nil {
		return fmt.Errorf("read boot code: %w", err)
	}
	array := t.encodeEntries()
	last := t.Sectors - 1
	backup := append(bytes.Clone(array), t.encodeHeader(array, last, 1, last-tableSectors)...)
	if err := put(d, backup, last-tableSectors); err != nil {
		return fmt.Errorf("write backup of the partition table: %w", err)
	}
	head := append(t.encodeMBR(code), t.encodeHeader(array, 1, last, 2)...)
	if err := put(d, append(head, array...), 0); err != nil {
		return fmt.Errorf("write partition table: %w", err)
	}
	return nil
}

// put writes b at a sector and waits until the disk has it.
func put(d Device, b []byte, sector uint64) error {
	if _, err := d.WriteAt(b, int64(sector)*SectorSize); err != nil {
		return err
	}
	if s, ok := d.(interface{ Sync() error }); ok {
		return s.Sync()
	}
	return nil
}

func (t *Table) encodeMBR(code [bootCode]byte) []byte {
	b := make([]byte, SectorSize)
	copy(b, code[:])
	e := b[mbrEntry:]
	copy(e[1:], []byte{0x00, 0x02, 0x00}) // sector 1 as cylinder, head, sector
	e[4] = protective
	copy(e[5:], []byte{0xff, 0xff, 0xff})
	binary.LittleEndian.PutUint32(e[8:], 1)
	binary.LittleEndian.PutUint32(e[12:], uint32(min(t.Sectors-1, 0xffffffff)))
	b[mbrSign], b[mbrSign+1] = 0x55, 0xaa
	return b
}

// encodeHeader makes the sector of a header that stands at self (UEFI 2.10 table
// 5-5).
func (t *Table) encodeHeader(array []byte, self, other, arrayAt uint64) []byte {
	b := make([]byte, SectorSize)
	copy(b, signature)
	le := binary.LittleEndian
	le.PutUint32(b[8:], 0x00010000)
	le.PutUint32(b[12:], headerSize)
	le.PutUint64(b[24:], self)
	le.PutUint64(b[32:], other)
	le.PutUint64(b[40:], firstUsable)
	le.PutUint64(b[48:], t.LastUsable())
	copy(b[56:], t.ID[:])
	le.PutUint64(b[72:], arrayAt)
	le.PutUint32(b[80:], entries)
	le.PutUint32(b[84:], entrySize)
	le.PutUint32(b[88:], crc32.ChecksumIEEE(array))
	le.PutUint32(b[16:], crc32.ChecksumIEEE(b[:headerSize]))
	return b
}

func (t *Table) encodeEntries() []byte {
	b := make([]byte, entries*entrySize)
	for _, p := range t.Partitions {
		e := b[(p.Number-1)*entrySize:][:entrySize]
		copy(e, p.Type[:])
		copy(e[16:], p.ID[:])
		binary.LittleEndian.PutUint64(e[32:], p.First)
		binary.LittleEndian.PutUint64(e[40:], p.Last)
		binary.LittleEndian.PutUint64(e[48:], p.Attributes)
		for i, u := range utf16.Encode([]rune(p.Label)) {
			binary.LittleEndian.PutUint16(e[56+2*i:], u)
		}
	}
	return b
}
