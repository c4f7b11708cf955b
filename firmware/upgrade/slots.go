// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"context"
	"io"

	"evener/image/slot"
)

// Slots are the slots of a box and its boot state, whoever writes them: this
// process, or another that has the right to. All that is asked of them is what
// [slot.Disk] does; [OnDisk] makes one of that. Calls do not come at the same time.
type Slots interface {
	Boot() (slot.State, error)
	SetBoot(slot.State) error
	Slot(slot.Name) (slot.Header, error)
	Fault(slot.Name) (f slot.Fault, ok bool)
	Verify(ctx context.Context, n slot.Name, ks slot.Keys, progress func(done, total int64)) error
	Arm(slot.Name) error
	MarkGood(slot.Name) error
	MarkBad(slot.Name, slot.Fault) error
	// Writer takes the image of h for n: see [slot.Disk.Writer].
	Writer(n slot.Name, h slot.Header) (Writer, error)
	// Payload reads what n holds. The slot must not be written meanwhile: what
	// is read then is not what its header says.
	Payload(slot.Name) (io.Reader, error)
}

// A Writer takes the payload of an image into a slot: see [slot.Writer].
type Writer interface {
	io.Writer
	Commit(ctx context.Context, progress func(done, total int64)) error
	Abort() error
}

// OnDisk returns the slots of d, which this process writes itself.
func OnDisk(d *slot.Disk) Slots { return onDisk{d} }

type onDisk struct{ *slot.Disk }

func (d onDisk) Writer(n slot.Name, h slot.Header) (Writer, error) {
	w, err := d.Disk.Writer(n, h)
	if err != nil {
		return nil, err // of the interface, so that it is nil
	}
	return w, nil
}

func (d onDisk) Payload(n slot.Name) (io.Reader, error) {
	r, err := d.Disk.Payload(n)
	if err != nil {
		return nil, err
	}
	return r, nil
}
