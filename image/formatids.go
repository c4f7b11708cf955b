// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// Some formats have identifiers that qemu-img draws by chance. In their place an image
// gets some that follow from its bytes: two builds are the same then, and two different
// disks still have different ones. sum is the SHA-256 of the disk, in hexadecimal.

// nameVMDK gives a VMDK, whose descriptor is a text in one of its first sectors, the
// content identifier (CID) that follows from sum.
func nameVMDK(f *os.File, sum string) error {
	head := make([]byte, 64<<10)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	const name, digits = "\nCID=", 8
	i := bytes.Index(head[:n], []byte(name))
	if i < 0 || i+len(name)+digits > n || head[i+len(name)+digits] != '\n' {
		return errors.New("the descriptor has no CID of eight digits")
	}
	// The first digit is no f: ffffffff and fffffffe have meanings of their own.
	_, err = f.WriteAt([]byte("0"+sum[:digits-1]), int64(i+len(name)))
	return err
}

// Places in a VHDX ([MS-VHDX] section 2.2): two headers of 4 KiB, two copies of the table
// of regions, and the log, which is empty if the headers have no identifier of one.
const (
	vhdxHeaders    = 64 << 10
	vhdxHeaderSize = 4 << 10
	vhdxRegions    = 192 << 10
)

// Identifiers of a VHDX, as it stores them: of the region with the metadata, and of the
// item there that identifies the disk to the guest.
var (
	vhdxMetadata = [16]byte{0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e}
	vhdxDiskID   = [16]byte{0xab, 0x12, 0xca, 0xbe, 0xe6, 0xb2, 0x23, 0x45, 0x93, 0xef, 0xc3, 0x09, 0xe0, 0x00, 0xc7, 0x46}
)

// nameVHDX gives a VHDX that was closed in order the identifiers that follow from sum.
func nameVHDX(f *os.File, sum string) error {
	logAt, logSize, err := nameHeaders(f, sum)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(make([]byte, logSize), logAt); err != nil {
		return err // what qemu-img has left there is done, and as random
	}
	region, err := vhdxEntry(f, vhdxRegions, "regi", 16, 32, vhdxMetadata)
	if err != nil {
		return err
	}
	metadata := int64(binary.LittleEndian.Uint64(region[16:]))
	item, err := vhdxEntry(f, metadata, "metadata", 32, 32, vhdxDiskID)
	if err != nil {
		return err
	}
	at := metadata + int64(binary.LittleEndian.Uint32(item[16:]))
	_, err = f.WriteAt(guid(sum, "disk"), at)
	return err
}

// nameHeaders names both headers and tells where the log is. Their numbers say which of
// them holds; the order stays.
func nameHeaders(f *os.File, sum string) (logAt, logSize int64, err error) {
	var headers [2][]byte
	for i := range headers {
		b := make([]byte, vhdxHeaderSize)
		if _, err := f.ReadAt(b, vhdxHeaders*int64(i+1)); err != nil {
			return 0, 0, err
		}
		if !bytes.HasPrefix(b, []byte("head")) || !bytes.Equal(b[48:64], make([]byte, 16)) {
			return 0, 0, fmt.Errorf("header %d is none, or has a log", i+1)
		}
		headers[i] = b
	}
	number := func(i int) uint64 { return binary.LittleEndian.Uint64(headers[i][8:]) }
	first := uint64(1)
	if number(0) > number(1) {
		first = 2
	}
	for i, b := range headers {
		binary.LittleEndian.PutUint64(b[8:], []uint64{first, 3 - first}[i])
		copy(b[16:], guid(sum, "file"))
		copy(b[32:], guid(sum, "data"))
		binary.LittleEndian.PutUint32(b[4:], 0)
		binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
		if _, err := f.WriteAt(b, vhdxHeaders*int64(i+1)); err != nil {
			return 0, 0, err
		}
	}
	return int64(binary.LittleEndian.Uint64(headers[0][72:])), int64(binary.LittleEndian.Uint32(headers[0][68:])), nil
}

// vhdxEntry returns the entry with an identifier of a table that begins at a place with
// the signature, and has its first entry after so many bytes, each of size bytes.
func vhdxEntry(f *os.File, at int64, signature string, after, size int, id [16]byte) ([]byte, error) {
	table := make([]byte, 64<<10)
	if _, err := f.ReadAt(table, at); err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(table, []byte(signature)) {
		return nil, fmt.Errorf("there is no table %q at %d", signature, at)
	}
	for e := table[after:]; len(e) >= size; e = e[size:] {
		if bytes.Equal(e[:16], id[:]) {
			return e[:size], nil
		}
	}
	return nil, fmt.Errorf("the table %q has no entry %x", signature, id)
}

// guid returns an identifier for one purpose, of version 8 (RFC 9562 section 5.8).
func guid(sum string, purpose string) []byte {
	h := sha256.Sum256([]byte(purpose + sum))
	h[7] = h[7]&0x0f | 0x80 // the first three parts are stored little-endian
	h[8] = h[8]&0x3f | 0x80
	return h[:16]
}
