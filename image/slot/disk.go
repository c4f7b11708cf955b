// SPDX-License-Identifier: Apache-2.0

package slot

import (
	"context"
	"errors"
	"io"
)

// A Device is a disk, or an image of one. Tests put one in its place that
// records what is written and loses power.
type Device interface {
	io.ReaderAt // may answer from memory
	io.WriterAt
	// ReadBack reads what is on the medium, past the memory of the kernel.
	// Offset and length are multiples of 4096.
	ReadBack(p []byte, off int64) (int, error)
	// WriteSector writes 512 bytes at once and returns when they are on the
	// medium. Offset is a multiple of 512.
	WriteSector(p []byte, off int64) error
	Sync() error // returns when everything written is on the medium
	Size() int64 // in bytes
	Close() error
}

// A Disk is one with our partitions. Its methods may not be called at the same
// time, save Slot, Boot and Fault.
type Disk struct {
	dev   Device
	parts []Partition
	state int64 // where the boot state lies on the disk, in bytes
}

var errNotYet = errors.New("not written yet")

// Open opens the disk or image at path and finds our partitions on it.
func Open(path string) (*Disk, error) { return nil, errNotYet }

// View opens the disk or image at path for reading only.
func View(path string) (*Disk, error) { return nil, errNotYet }

// OpenPart opens the disk that has the partition with this UUID. It looks
// through sys/class/block and dev under root, "/" on a running system.
func OpenPart(root, partUUID string) (*Disk, error) { return nil, errNotYet }

// New finds our partitions on dev.
func New(dev Device) (*Disk, error) { return nil, errNotYet }

// Close closes the device.
func (d *Disk) Close() error { return d.dev.Close() }

// Partitions returns the partitions of ours on the disk, with their UUIDs.
func (d *Disk) Partitions() []Partition { return d.parts }

// Partition returns the one with this label.
func (d *Disk) Partition(label string) (Partition, bool) { return Partition{}, false }

// SlotOf returns the slot whose partition has this UUID.
func (d *Disk) SlotOf(partUUID string) (Name, error) { return "", errNotYet }

// Boot reads the boot state. The state can be started from whatever the error
// says: that is what the boot loader makes of it.
func (d *Disk) Boot() (State, error) { return State{}, errNotYet }

// SetBoot writes the boot state: one sector, read back and compared. It writes
// nothing if the state is there already.
func (d *Disk) SetBoot(s State) error { return errNotYet }

// Slot reads the header of a slot: ErrEmpty if it has none. The signatures are
// not verified: see [Header.Verify] and [Disk.Verify].
func (d *Disk) Slot(n Name) (Header, error) { return Header{}, errNotYet }

// Verify checks the signature of a slot and the SHA-256 of all of its payload,
// past the memory of the kernel. progress, which may be nil, is told bytes.
func (d *Disk) Verify(ctx context.Context, n Name, ks Keys, progress func(done, total int64)) error {
	return errNotYet
}

// Payload returns the payload of a slot.
func (d *Disk) Payload(n Name) (*io.SectionReader, error) { return nil, errNotYet }

// Arm puts n first in the boot loader's order, not good and not tried. Its
// header must be there.
func (d *Disk) Arm(n Name) error { return errNotYet }

// MarkGood says that n came up and passed its self-test: it is first, good, and
// not counted any more. The fault of an earlier time is removed.
func (d *Disk) MarkGood(n Name) error { return errNotYet }

// MarkBad says that n is not to be started, and keeps the reason on the slot
// itself, where a program finds it that has no other place to write to. Then
// the other slot is first.
func (d *Disk) MarkBad(n Name, f Fault) error { return errNotYet }

// Fault returns the reason for which n was given up; ok is false if there is
// none.
func (d *Disk) Fault(n Name) (f Fault, ok bool) { return Fault{}, false }

// A Fault is the reason why a slot was given up.
type Fault struct {
	Reason  string `json:"reason"`            // a sentence for people
	By      string `json:"by"`                // "early": before the root was mounted; "self-test"
	Time    string `json:"time,omitempty"`    // RFC 3339; the clock may have been wrong
	Version string `json:"version,omitempty"` // of the slot's manifest, if it could be read
}

// A Writer writes the payload of a slot in the order that the package's
// documentation gives.
type Writer struct{}

// Writer begins to write the image of h into slot n, and takes n out of the
// boot loader's choice first. It refuses a slot that the boot loader would
// start next.
func (d *Disk) Writer(n Name, h Header) (*Writer, error) { return nil, errNotYet }

// Write takes the next bytes of the payload.
func (w *Writer) Write(p []byte) (int, error) { return 0, errNotYet }

// Commit finishes the payload, reads all of it back and then writes the header.
// The slot is whole then, but not armed: see [Disk.Arm].
func (w *Writer) Commit(ctx context.Context, progress func(done, total int64)) error {
	return errNotYet
}

// Abort leaves the slot empty. It does nothing after Commit.
func (w *Writer) Abort() error { return errNotYet }
