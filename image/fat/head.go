// SPDX-License-Identifier: Apache-2.0

package fat

import (
	"encoding/binary"
	"fmt"
	"io"
)

// writeHead writes the reserved sectors; used is how many clusters the files take.
func writeHead(w io.WriterAt, g geometry, cfg Config, used uint32) error {
	b := make([]byte, g.reserved*sectorSize)
	boot, info := bootSector(g, cfg), infoSectorOf(g, used)
	for _, at := range []int{0, backupSector} {
		copy(b[at*sectorSize:], boot)
		copy(b[(at+infoSector)*sectorSize:], info)
	}
	if _, err := w.WriteAt(b, 0); err != nil {
		return fmt.Errorf("write boot sector: %w", err)
	}
	return nil
}

// bootSector holds the BIOS parameter block. Its code only hangs the machine: nobody
// boots from this sector.
func bootSector(g geometry, cfg Config) []byte {
	b := make([]byte, sectorSize)
	le := binary.LittleEndian
	copy(b, []byte{0xeb, 0x58, 0x90})
	copy(b[3:], "EVENER  ")
	le.PutUint16(b[11:], sectorSize)
	b[13] = byte(g.perCluster)
	le.PutUint16(b[14:], uint16(g.reserved))
	b[16] = byte(g.fats)
	b[21] = 0xf8              // fixed disk
	le.PutUint16(b[24:], 63)  // sectors of a track and
	le.PutUint16(b[26:], 255) // heads, as for a disk that is addressed by sector
	le.PutUint32(b[28:], cfg.Hidden)
	le.PutUint32(b[32:], g.sectors)
	le.PutUint32(b[36:], g.fatSectors)
	le.PutUint32(b[44:], g.root)
	le.PutUint16(b[48:], infoSector)
	le.PutUint16(b[50:], backupSector)
	b[64] = 0x80 // drive of the BIOS
	b[66] = 0x29 // the next three fields are there
	le.PutUint32(b[67:], cfg.VolumeID)
	label := labelBytes("NO NAME")
	if cfg.Label != "" {
		label = labelBytes(cfg.Label)
	}
	copy(b[71:], label[:])
	copy(b[82:], "FAT32   ")
	copy(b[90:], []byte{0xf4, 0xeb, 0xfd}) // hlt; jmp back
	b[510], b[511] = 0x55, 0xaa
	return b
}

func infoSectorOf(g geometry, used uint32) []byte {
	b := make([]byte, sectorSize)
	le := binary.LittleEndian
	le.PutUint32(b, 0x41615252)
	le.PutUint32(b[484:], 0x61417272)
	le.PutUint32(b[488:], g.clusters-used) // free
	le.PutUint32(b[492:], 2+used)          // first that may be free
	le.PutUint32(b[508:], 0xaa550000)
	return b
}
