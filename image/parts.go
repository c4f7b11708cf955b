// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"evener/image/gpt"
	"evener/image/slot"
)

// Files that WriteParts makes beside one for each partition.
const (
	PartsBootCode = "mbr.bin" // what a BIOS starts, the beginning of the first sector
	PartsGUIDs    = "guids"   // of disk and partitions, as a shell reads them
)

// WriteParts cuts the disk in the file raw, which WriteDisk made, into the folder dir,
// for programs that put disks together themselves, such as genimage: a sparse file
// LABEL.img for each partition that holds something, PartsBootCode if there is any,
// and PartsGUIDs with a line EVENER_GUID_NAME=GUID for the DISK and each partition,
// whose NAME is its label's last word.
func WriteParts(raw, dir string) error {
	f, err := os.Open(raw)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	t, err := gpt.Parse(f, st.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", raw, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var guids strings.Builder
	fmt.Fprintf(&guids, "EVENER_GUID_DISK=%s\n", t.ID)
	for _, p := range t.Partitions {
		name := strings.ToUpper(strings.TrimPrefix(p.Label, "evener-"))
		fmt.Fprintf(&guids, "EVENER_GUID_%s=%s\n", name, p.ID)
		if err := cut(filepath.Join(dir, p.Label+".img"), f, p.Offset(), p.Size()); err != nil {
			return fmt.Errorf("cut %s out of %s: %w", p.Label, raw, err)
		}
	}
	if err := cut(filepath.Join(dir, PartsBootCode), f, 0, bootCodeSize); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, PartsGUIDs), []byte(guids.String()), 0o644)
}

// cut writes size bytes of f from at into file, with holes for zeros; if there is
// nothing else, there is no file.
func cut(file string, f *os.File, at, size int64) error {
	if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
		return err
	}
	block, zeros := make([]byte, slot.MiB), make([]byte, slot.MiB)
	var out *os.File
	for n := int64(0); n < size; n += int64(len(block)) {
		if n = nextData(f, at+n, at+size) - at; n >= size {
			break
		}
		block = block[:min(slot.MiB, size-n)]
		if _, err := f.ReadAt(block, at+n); err != nil {
			return err
		}
		if bytes.Equal(block, zeros[:len(block)]) {
			continue
		}
		if out == nil {
			var err error
			if out, err = os.Create(file); err != nil {
				return err
			}
			defer out.Close()
		}
		if _, err := out.WriteAt(block, n); err != nil {
			return err
		}
	}
	if out == nil {
		return nil
	}
	return out.Truncate(size)
}

// nextData returns the first place from at on, but at most end, that no hole of the
// file covers. Where the file system does not tell holes, that is at.
func nextData(f *os.File, at, end int64) int64 {
	next, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
	switch {
	case err == unix.ENXIO || err == nil && next > end:
		return end
	case err != nil:
		return at
	}
	return next
}
