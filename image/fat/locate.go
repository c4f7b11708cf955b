// SPDX-License-Identifier: Apache-2.0

package fat

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"unicode/utf16"
)

// maxFolder bounds the folders that Locate reads, as the specification does: 65536
// entries.
const maxFolder = 65536 * entrySize

// Locate finds a file by its slash-separated path, in either case of letters, and
// says where its bytes lie: in the order of the file, as few runs as there are, the
// last one cut to the file's length. An empty file has none. The error wraps
// fs.ErrNotExist if there is no such file.
func Locate(r io.ReaderAt, path string) ([]Extent, error) {
	g, err := readGeometry(r)
	if err != nil {
		return nil, err
	}
	at := found{first: g.root, folder: true}
	for part := range strings.SplitSeq(path, "/") {
		if !at.folder || part == "" {
			return nil, fmt.Errorf("find %q: %w", path, fs.ErrNotExist)
		}
		list, err := g.extents(r, at.first, maxFolder, true)
		if err != nil {
			return nil, fmt.Errorf("find %q: folder: %w", path, err)
		}
		if at, err = lookUp(r, list, part); err != nil {
			return nil, fmt.Errorf("find %q: %w", path, err)
		}
		if at.folder && at.first == 0 {
			at.first = g.root
		}
	}
	if at.folder {
		return nil, fmt.Errorf("find %q: is a folder", path)
	}
	list, err := g.extents(r, at.first, at.size, false)
	if err != nil {
		return nil, fmt.Errorf("find %q: %w", path, err)
	}
	return list, nil
}

// readGeometry reads the boot sector and believes only what fits together.
func readGeometry(r io.ReaderAt) (geometry, error) {
	b := make([]byte, sectorSize)
	if err := readFull(r, b, 0); err != nil {
		return geometry{}, fmt.Errorf("read boot sector: %w", err)
	}
	le := binary.LittleEndian
	g := geometry{
		sectors:    le.Uint32(b[32:]),
		reserved:   uint32(le.Uint16(b[14:])),
		fatSectors: le.Uint32(b[36:]),
		fats:       uint32(b[16]),
		perCluster: uint32(b[13]),
		root:       le.Uint32(b[44:]),
	}
	switch {
	case b[510] != 0x55 || b[511] != 0xaa || le.Uint16(b[17:]) != 0 || le.Uint16(b[22:]) != 0:
		return g, errors.New("no FAT32 file system")
	case le.Uint16(b[11:]) != sectorSize:
		return g, fmt.Errorf("FAT32 with sectors of %d bytes: must be %d", le.Uint16(b[11:]), sectorSize)
	case g.perCluster == 0 || g.perCluster&(g.perCluster-1) != 0 || g.fats < 1 || g.fats > 2 || g.reserved == 0:
		return g, errors.New("FAT32 with a boot sector that makes no sense")
	}
	before := uint64(g.reserved) + uint64(g.fats)*uint64(g.fatSectors)
	if before >= uint64(g.sectors) {
		return g, errors.New("FAT32 whose tables are larger than the whole")
	}
	g.clusters = (g.sectors - uint32(before)) / g.perCluster
	if uint64(g.clusters)+2 > uint64(g.fatSectors)*sectorSize/4 || !g.holds(g.root) {
		return g, errors.New("FAT32 whose table is too small for its clusters")
	}
	return g, nil
}

// extents follows the chain from cluster first and collects limit bytes of it; of
// a folder (toEnd) whatever the chain has, but not more than limit.
func (g geometry) extents(r io.ReaderAt, first uint32, limit int64, toEnd bool) ([]Extent, error) {
	var list []Extent
	var next [4]byte
	for n, got, steps := first, int64(0), uint32(0); got < limit; steps++ {
		if steps > g.clusters {
			return nil, errors.New("its clusters go round in a circle")
		}
		if !g.holds(n) {
			return nil, fmt.Errorf("cluster %d does not exist", n)
		}
		length := min(g.clusterSize(), limit-got)
		got += length
		if at := g.offset(n); len(list) > 0 && list[len(list)-1].Offset+list[len(list)-1].Length == at {
			list[len(list)-1].Length += length
		} else {
			list = append(list, Extent{at, length})
		}
		if err := readFull(r, next[:], g.fatOffset()+int64(n)*4); err != nil {
			return nil, fmt.Errorf("read FAT: %w", err)
		}
		n = binary.LittleEndian.Uint32(next[:]) & clusterMask
		if n > badCluster {
			if got < limit && !toEnd {
				return nil, errors.New("its clusters end before the file does")
			}
			break
		}
	}
	return list, nil
}

// found is what an entry says.
type found struct {
	first  uint32
	size   int64
	folder bool
}

// lookUp searches a folder for a name.
func lookUp(r io.ReaderAt, folder []Extent, name string) (found, error) {
	var long longName
	for _, x := range folder {
		b := make([]byte, x.Length)
		if err := readFull(r, b, x.Offset); err != nil {
			return found{}, fmt.Errorf("read folder: %w", err)
		}
		for ; len(b) >= entrySize; b = b[entrySize:] {
			e := b[:entrySize]
			switch {
			case e[0] == 0:
				return found{}, fs.ErrNotExist
			case e[0] == 0xe5:
				long = longName{}
			case e[11]&0x3f == attrLong:
				long.add(e)
			case e[11]&attrVolume != 0:
				long = longName{}
			default:
				short := [11]byte(e[:11])
				if strings.EqualFold(long.of(short), name) || strings.EqualFold(shortText(short), name) {
					return decode(e), nil
				}
				long = longName{}
			}
		}
	}
	return found{}, fs.ErrNotExist
}

func decode(e []byte) found {
	le := binary.LittleEndian
	return found{
		first:  uint32(le.Uint16(e[20:]))<<16 | uint32(le.Uint16(e[26:])),
		size:   int64(le.Uint32(e[28:])),
		folder: e[11]&attrFolder != 0,
	}
}

// shortText writes 11 bytes as a name with a dot.
func shortText(short [11]byte) string {
	base := string(bytes.TrimRight(short[:8], " "))
	ext := string(bytes.TrimRight(short[8:], " "))
	if ext == "" {
		return base
	}
	return base + "." + ext
}

// A longName is put together from the entries before a short one.
type longName struct {
	units []uint16
	want  int // number of the next entry
	sum   byte
}

func (l *longName) add(e []byte) {
	n := int(e[0] &^ 0x40)
	if e[0]&0x40 != 0 {
		*l = longName{want: n, sum: e[13]}
	}
	if n == 0 || n > 20 || n != l.want || e[13] != l.sum {
		*l = longName{}
		return
	}
	l.want--
	part := make([]uint16, 0, unitsPerEntry)
	for _, place := range unitPlaces {
		u := binary.LittleEndian.Uint16(e[place:])
		if u == 0 {
			break
		}
		part = append(part, u)
	}
	l.units = append(part, l.units...)
}

// of returns the name if it is whole and belongs to the short one, else nothing.
func (l *longName) of(short [11]byte) string {
	if l.want != 0 || len(l.units) == 0 || l.sum != checksum(short) {
		return ""
	}
	return string(utf16.Decode(l.units))
}

func readFull(r io.ReaderAt, b []byte, offset int64) error {
	n, err := r.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
