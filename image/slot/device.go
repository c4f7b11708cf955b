// SPDX-License-Identifier: Apache-2.0

package slot

import (
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Device is a disk, or an image of one. Tests put one in its place that
// records what is written and loses power.
type Device interface {
	io.ReaderAt // may answer from memory
	io.WriterAt
	// ReadBack reads what is on the medium, past the memory of the kernel.
	// Offset and length are multiples of BackUnit.
	ReadBack(p []byte, off int64) error
	// WriteSector writes SectorSize bytes at once and returns when they are on
	// the medium. Offset is a multiple of SectorSize.
	WriteSector(p []byte, off int64) error
	Sync() error // returns when everything written is on the medium
	Size() int64 // in bytes
	Close() error
}

// BackUnit is what ReadBack reads in multiples of, in bytes: the largest sector
// that disks have.
const BackUnit = 4096

// An osDevice is a block device or a file.
type osDevice struct {
	f      *os.File
	direct *os.File // O_DIRECT and O_SYNC; nil where the file system has no such thing
	size   int64
	buf    []byte // aligned, for direct; as large as was needed so far
}

// directSize is how much is read directly at a time, in bytes.
const directSize = 1 << 20

// OpenDevice opens the disk or image at path; flag is os.O_RDONLY or os.O_RDWR.
func OpenDevice(path string, flag int) (Device, error) {
	d, err := openDevice(path, flag)
	if err != nil {
		return nil, err
	}
	return d, nil
}

func openDevice(path string, flag int) (*osDevice, error) {
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return nil, err
	}
	d := &osDevice{f: f}
	if d.size, err = f.Seek(0, io.SeekEnd); err != nil {
		f.Close()
		return nil, fmt.Errorf("find the size of %s: %w", path, err)
	}
	d.direct, err = os.OpenFile(path, flag|unix.O_DIRECT|unix.O_SYNC, 0)
	if err != nil {
		d.direct = nil // tmpfs before Linux 6.6, for one: see uncached
	}
	return d, nil
}

// aligned returns n bytes at an address that direct reading takes.
func aligned(n int) []byte {
	b := make([]byte, n+BackUnit)
	skip := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) % BackUnit
	return b[skip:][:n]
}

// room returns the first n bytes of buf.
func (d *osDevice) room(n int) []byte {
	if len(d.buf) < n {
		d.buf = aligned(n)
	}
	return d.buf[:n]
}

func (d *osDevice) ReadAt(p []byte, off int64) (int, error)  { return d.f.ReadAt(p, off) }
func (d *osDevice) WriteAt(p []byte, off int64) (int, error) { return d.f.WriteAt(p, off) }
func (d *osDevice) Sync() error                              { return d.f.Sync() }
func (d *osDevice) Size() int64                              { return d.size }

func (d *osDevice) Close() error {
	if d.direct != nil {
		d.direct.Close()
	}
	return d.f.Close()
}

func (d *osDevice) ReadBack(p []byte, off int64) error {
	for len(p) > 0 {
		n := min(len(p), directSize)
		if err := d.readBack(p[:n], off); err != nil {
			return err
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}

func (d *osDevice) readBack(p []byte, off int64) error {
	if d.direct != nil {
		n, err := d.direct.ReadAt(d.room(len(p)), off)
		if n == len(p) {
			copy(p, d.buf)
			return nil
		}
		if !errors.Is(err, unix.EINVAL) {
			return err
		}
	}
	return d.uncached(p, off)
}

// uncached asks the kernel to forget what it has of the place, and reads that
// anew: where there is no direct reading.
func (d *osDevice) uncached(p []byte, off int64) error {
	if err := d.f.Sync(); err != nil && !errors.Is(err, unix.EINVAL) {
		return err
	}
	if err := unix.Fadvise(int(d.f.Fd()), off, int64(len(p)), unix.FADV_DONTNEED); err != nil {
		return fmt.Errorf("forget what was read: %w", err)
	}
	_, err := io.ReadFull(io.NewSectionReader(d.f, off, int64(len(p))), p)
	return err
}

func (d *osDevice) WriteSector(p []byte, off int64) error {
	if len(p) != SectorSize || off%SectorSize != 0 {
		return fmt.Errorf("write a sector: %d bytes at %d are none", len(p), off)
	}
	if d.direct != nil {
		b := d.room(SectorSize)
		copy(b, p)
		_, err := d.direct.WriteAt(b, off)
		if !errors.Is(err, unix.EINVAL) {
			return err
		}
	}
	// A disk with larger sectors: the kernel writes the one that holds ours.
	if _, err := d.f.WriteAt(p, off); err != nil {
		return err
	}
	return d.f.Sync()
}
