// SPDX-License-Identifier: Apache-2.0

package slot

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
)

// How a Writer writes, in bytes.
const (
	chunkSize = 1 << 20        // at a time
	syncEvery = 16 * chunkSize // so that memory does not fill up with what is still to be written
)

// A Writer writes the payload of a slot in the order that the package's
// documentation gives.
type Writer struct {
	d    *Disk
	n    Name
	h    Header
	head []byte // h, encoded

	first []byte // sector of the payload, written last
	chunk []byte // not written yet
	at    int64  // of chunk in the payload
	dirty int64  // written since the last sync
	got   int64  // bytes of payload
	sum   hash.Hash
	state error // not nil: nothing more can be written
}

// errClosed is the state of a Writer after Commit and Abort.
var errClosed = errors.New("the writer is closed")

// Writer begins to write the image of h into slot n, which must not be the one
// that runs. It takes n out of the boot loader's choice first, and refuses if
// that leaves no slot with an image.
func (d *Disk) Writer(n Name, h Header) (*Writer, error) {
	if _, err := d.Slot(n.Other()); err != nil {
		return nil, fmt.Errorf("write slot %s: nothing to start would be left: %w", n, err)
	}
	return d.Replace(n, h)
}

// Replace is Writer for the rescue system, which runs from neither slot: n may be
// the only one that holds anything.
func (d *Disk) Replace(n Name, h Header) (*Writer, error) {
	head, err := h.Encode()
	if err != nil {
		return nil, err
	}
	if room := d.part(n).Size - HeaderSize; h.Manifest.Size > room {
		return nil, fmt.Errorf("write slot %s: the image has %d bytes, and there is room for %d", n, h.Manifest.Size, room)
	}
	w := &Writer{d: d, n: n, h: h, head: head, at: SectorSize, sum: sha256.New()}
	if err := d.retire(n); err != nil {
		return nil, err
	}
	return w, w.clear()
}

// retire takes n out of the boot loader's choice.
func (d *Disk) retire(n Name) error {
	s, _ := d.Boot() // what is wrong with it is mended here
	other := n.Other()
	s = s.With(n, false, MaxTries)
	if s.First = other; !s.Usable(other) {
		s = s.With(other, false, 0)
	}
	if s.Once == string(n) {
		s.Once = ""
	}
	return d.SetBoot(s)
}

// clear makes the slot empty.
func (w *Writer) clear() error {
	zero, start := make([]byte, SectorSize), w.d.header(w.n)
	for _, off := range []int64{start, start + maxHeader, w.d.part(w.n).Start} {
		if err := w.d.dev.WriteSector(zero, off); err != nil {
			return fmt.Errorf("slot %s: clear: %w", w.n, err)
		}
	}
	return w.sync()
}

func (w *Writer) sync() error {
	w.dirty = 0
	if err := w.d.dev.Sync(); err != nil {
		return fmt.Errorf("slot %s: sync: %w", w.n, err)
	}
	return nil
}

// Write takes the next bytes of the payload.
func (w *Writer) Write(p []byte) (int, error) {
	if w.state != nil {
		return 0, w.state
	}
	if w.got+int64(len(p)) > w.h.Manifest.Size {
		return 0, fmt.Errorf("%w: it is longer than its manifest says", ErrDamaged)
	}
	w.got += int64(len(p))
	w.sum.Write(p)
	rest := p
	if n := min(SectorSize-len(w.first), len(rest)); n > 0 {
		w.first, rest = append(w.first, rest[:n]...), rest[n:]
	}
	w.chunk = append(w.chunk, rest...)
	for len(w.chunk) >= chunkSize && w.state == nil {
		w.state = w.put(chunkSize)
	}
	if w.state != nil {
		return 0, w.state
	}
	return len(p), nil
}

// put writes the first n bytes of the chunk.
func (w *Writer) put(n int) error {
	if _, err := w.d.dev.WriteAt(w.chunk[:n], w.d.part(w.n).Start+w.at); err != nil {
		return fmt.Errorf("write slot %s: %w", w.n, err)
	}
	w.chunk = append(w.chunk[:0], w.chunk[n:]...)
	w.at += int64(n)
	if w.dirty += int64(n); w.dirty >= syncEvery {
		return w.sync()
	}
	return nil
}

// Commit finishes the payload, reads all of it back and then writes the header.
// The slot is whole then, but not armed: see [Disk.Arm]. After an error the
// slot is empty, as far as it can still be written.
func (w *Writer) Commit(ctx context.Context, progress func(done, total int64)) error {
	if w.state != nil {
		return w.state
	}
	err := w.finish(ctx, progress)
	if err != nil {
		return errors.Join(err, w.Abort())
	}
	w.state = errClosed
	return nil
}

func (w *Writer) finish(ctx context.Context, progress func(done, total int64)) error {
	if w.got != w.h.Manifest.Size {
		return fmt.Errorf("%w: %d bytes of %d came", ErrDamaged, w.got, w.h.Manifest.Size)
	}
	if hex.EncodeToString(w.sum.Sum(nil)) != w.h.Manifest.SHA256 {
		return fmt.Errorf("%w: its SHA-256 is not that of its manifest", ErrDamaged)
	}
	if n := len(w.chunk); n > 0 {
		w.chunk = padded(w.chunk)
		if err := w.put(len(w.chunk)); err != nil {
			return err
		}
	}
	if err := w.sync(); err != nil {
		return err
	}
	if err := w.d.dev.WriteSector(w.first, w.d.part(w.n).Start); err != nil {
		return fmt.Errorf("write slot %s: %w", w.n, err)
	}
	if err := w.sync(); err != nil {
		return err
	}
	if err := w.d.verifyPayload(ctx, w.n, w.h.Manifest, progress); err != nil {
		return fmt.Errorf("the disk does not keep what is written: %w", err)
	}
	return w.writeHeader()
}

// padded fills b with zeros up to whole sectors.
func padded(b []byte) []byte {
	return append(b, make([]byte, -len(b)&(SectorSize-1))...)
}

func (w *Writer) writeHeader() error {
	if _, err := w.d.dev.WriteAt(padded(bytes.Clone(w.head)), w.d.header(w.n)); err != nil {
		return fmt.Errorf("slot %s: write the header: %w", w.n, err)
	}
	if err := w.sync(); err != nil {
		return err
	}
	h, err := w.d.Slot(w.n)
	if err != nil || !bytes.Equal(h.Raw, w.h.Raw) {
		return fmt.Errorf("slot %s: the disk does not keep the header that was written", w.n)
	}
	return nil
}

// Abort leaves the slot empty. It does nothing after Commit.
func (w *Writer) Abort() error {
	if errors.Is(w.state, errClosed) {
		return nil
	}
	w.state = errClosed
	return w.clear()
}
