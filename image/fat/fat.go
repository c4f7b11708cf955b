// SPDX-License-Identifier: Apache-2.0

// Package fat writes FAT32 file systems and finds files in them (Microsoft's FAT
// specification 1.03). What it writes depends on nothing but its input: the same
// files give the same bytes. It changes no file system that exists; Locate says
// where a file's bytes lie, and who knows the file's form can change them in place.
//
//	reserved: boot sector, FSInfo, their backups in sectors 6 and 7
//	FAT 1, FAT 2
//	clusters, from number 2 on: the root folder, then every folder and file of the
//	tree in the order of their paths, each in one piece
package fat

import (
	"time"
)

const (
	sectorSize    = 512
	minClusters   = 65525 // fewer would make it a FAT16
	maxClusters   = 0x0ffffff5
	margin        = 16 // clusters kept from the limit, where programs disagree
	reservedLeast = 32
	infoSector    = 1
	backupSector  = 6
	entrySize     = 32
	endOfChain    = 0x0fffffff
	badCluster    = 0x0ffffff7
	clusterMask   = 0x0fffffff // the upper four bits are not part of a number
)

// Bits of an entry's attributes.
const (
	attrReadOnly = 0x01
	attrHidden   = 0x02
	attrSystem   = 0x04
	attrVolume   = 0x08
	attrFolder   = 0x10
	attrLong     = attrReadOnly | attrHidden | attrSystem | attrVolume
)

// Flags of an entry that has a short name only: its letters are lower case.
const (
	lowerBase = 0x08
	lowerExt  = 0x10
)

// A File is one file of a tree that is written.
type File struct {
	Path string // slash-separated, without a slash at its begin; folders are made as needed
	Data []byte
}

// Config says what a new file system is like.
type Config struct {
	Size     int64     // bytes; at least 33 MiB, FAT32 knows no smaller ones
	Label    string    // at most 11 characters: capital letters, digits, spaces, '-', '_'
	VolumeID uint32    // the serial number
	Hidden   uint32    // sectors of the disk before the file system
	Time     time.Time // of every file; the years 1980 to 2107
}

// An Extent is a run of bytes, counted from the file system's begin.
type Extent struct {
	Offset, Length int64
}
