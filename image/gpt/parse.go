// SPDX-License-Identifier: Apache-2.0

package gpt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"unicode/utf16"
)

// Limits on what other programs' tables may say of their entries.
const (
	maxEntries   = 1024
	maxEntrySize = 4096
	maxArray     = 1 << 20 // bytes
)

// ErrNoTable is what Parse returns, wrapped, of a disk that holds no partition table.
var ErrNoTable = errors.New("no GUID partition table")

// Parse reads the table of a disk of size bytes. If the primary table is damaged it
// takes the backup at the disk's end and says so in Recovered. A table that was made
// for a smaller disk is read as well; its Sectors then say how large that was, and
// Grow fits it to this one.
func Parse(r io.ReaderAt, size int64) (*Table, error) {
	sectors := uint64(max(size, 0)) / SectorSize
	if sectors < minSectors {
		return nil, fmt.Errorf("disk of %d bytes is too small: %w", size, ErrNoTable)
	}
	t, err := readTable(r, 1, sectors)
	if err == nil {
		return t, nil
	}
	backup, berr := readTable(r, sectors-1, sectors)
	if berr != nil {
		if hasLargeSectors(r) {
			return nil, errors.New("the disk's partition table is for sectors of 4096 bytes; they must have 512")
		}
		return nil, fmt.Errorf("primary: %w; backup: %w", err, berr)
	}
	backup.Recovered = fmt.Sprintf("the primary partition table is damaged (%v); its backup was used", err)
	return backup, nil
}

// A header is what counts of a header's fields.
type header struct {
	other     uint64
	id        GUID
	arrayAt   uint64
	count     uint32
	size      uint32
	arrayHash uint32
}

func readTable(r io.ReaderAt, at, sectors uint64) (*Table, error) {
	b := make([]byte, SectorSize)
	if err := readFull(r, b, at); err != nil {
		return nil, err
	}
	h, err := parseHeader(b, at)
	if err != nil {
		return nil, err
	}
	length := uint64(h.count) * uint64(h.size)
	if h.arrayAt >= sectors || length > (sectors-h.arrayAt)*SectorSize {
		return nil, errors.New("its entries lie outside of the disk")
	}
	array := make([]byte, length)
	if err := readFull(r, array, h.arrayAt); err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(array) != h.arrayHash {
		return nil, errors.New("its entries have a wrong checksum")
	}
	t := &Table{ID: h.id, Sectors: max(at, h.other) + 1}
	if t.Sectors > sectors {
		return nil, fmt.Errorf("it is for a disk of %d bytes, this one has only %d", t.Sectors*SectorSize, sectors*SectorSize)
	}
	if err := t.parseEntries(array, int(h.size)); err != nil {
		return nil, err
	}
	return t, t.Check()
}

func parseHeader(b []byte, at uint64) (header, error) {
	le := binary.LittleEndian
	if !bytes.Equal(b[:8], signature) {
		return header{}, ErrNoTable
	}
	size := le.Uint32(b[12:])
	if size < headerSize || size > SectorSize {
		return header{}, fmt.Errorf("its header claims %d bytes", size)
	}
	sum := bytes.Clone(b[:size])
	clear(sum[16:20])
	if crc32.ChecksumIEEE(sum) != le.Uint32(b[16:]) {
		return header{}, errors.New("its header has a wrong checksum")
	}
	if self := le.Uint64(b[24:]); self != at {
		return header{}, fmt.Errorf("its header says it is sector %d, not %d", self, at)
	}
	h := header{
		other:     le.Uint64(b[32:]),
		id:        GUID(b[56:72]),
		arrayAt:   le.Uint64(b[72:]),
		count:     le.Uint32(b[80:]),
		size:      le.Uint32(b[84:]),
		arrayHash: le.Uint32(b[88:]),
	}
	switch {
	case h.count < 1 || h.count > maxEntries, h.size < entrySize || h.size > maxEntrySize,
		h.count*h.size > maxArray:
		return header{}, fmt.Errorf("it claims %d entries of %d bytes", h.count, h.size)
	case h.other >= 1<<54:
		return header{}, fmt.Errorf("it claims that the other table is in sector %d", h.other)
	}
	return h, nil
}

func (t *Table) parseEntries(array []byte, size int) error {
	le := binary.LittleEndian
	for i, e := range slices.Collect(slices.Chunk(array, size)) {
		p := Partition{
			Number:     i + 1,
			Type:       GUID(e[:16]),
			ID:         GUID(e[16:32]),
			First:      le.Uint64(e[32:]),
			Last:       le.Uint64(e[40:]),
			Attributes: le.Uint64(e[48:]),
		}
		if p.Type == (GUID{}) {
			continue
		}
		if p.Number > entries {
			return fmt.Errorf("it uses entry %d; at most %d are supported", p.Number, entries)
		}
		var units []uint16
		for j := range labelUnits {
			u := le.Uint16(e[56+2*j:])
			if u == 0 {
				break
			}
			units = append(units, u)
		}
		p.Label = string(utf16.Decode(units))
		t.Partitions = append(t.Partitions, p)
	}
	return nil
}

// hasLargeSectors reports whether a header stands where a disk with sectors of 4 KiB
// has it.
func hasLargeSectors(r io.ReaderAt) bool {
	b := make([]byte, len(signature))
	_, err := r.ReadAt(b, 4096)
	return err == nil && bytes.Equal(b, signature)
}

// readFull fills b from a sector; a disk that ends in it is an error.
func readFull(r io.ReaderAt, b []byte, sector uint64) error {
	n, err := r.ReadAt(b, int64(sector)*SectorSize)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read sector %d: %w", sector, err)
}
