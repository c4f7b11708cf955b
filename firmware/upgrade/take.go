// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"context"
	"errors"
	"io"

	"evener/image/slot"
)

// An Order is who wants something, and how far.
type Order struct {
	By        string // for the journal
	Source    string // where a bundle comes from, for the journal
	Downgrade bool   // a lower rollback index is meant
}

// The steps of a Progress.
const (
	StepTake   = "take"   // the bundle comes, and is written
	StepVerify = "verify" // what was written is read back
)

// A Progress is how far a bundle has come. Done and Total are bytes of the
// image.
type Progress struct {
	Step        string
	Slot        slot.Name
	Version     string
	Done, Total int64
}

// A Written is what Take has put where.
type Written struct {
	Slot    slot.Name
	Version string
	SHA256  string // of the image
}

// Take reads a bundle, judges it by its head before anything is written, writes
// it into the slot that does not run, and reads all of it back. The slot is not
// armed: see [Upgrades.Activate]. When ctx ends, or the bundle is not what its
// head says, the slot is empty. r should end with ctx. told, which may be nil,
// is called in this goroutine.
func (u *Upgrades) Take(ctx context.Context, r io.Reader, o Order, told func(Progress)) (Written, error) {
	if err := u.available(); err != nil {
		return Written{}, err
	}
	if !u.busy.TryLock() {
		return Written{}, ErrBusy
	}
	defer u.tell()
	defer u.busy.Unlock()
	n := u.cfg.Slot.Other()
	b, err := u.judge(r, o)
	version := ""
	if err == nil {
		version = b.Header.Manifest.Version
		err = u.write(ctx, n, b, told)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.refresh()
	e := Entry{Actor: o.By, Event: EventWritten, Slot: n, Version: version, Reason: "from " + o.Source}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		e.Event, e.Reason = EventCancelled, "the writing was ended before all of it came"
	default:
		e.Event, e.Reason = EventRefused, sentence(err)
	}
	u.note(e, map[string]any{"source": o.Source})
	_ = u.save() // logged and shown; the slot is as it is
	if err != nil {
		return Written{}, err
	}
	return Written{Slot: n, Version: version, SHA256: b.Header.Manifest.SHA256}, nil
}

// judge reads the head of a bundle and says whether it may be written.
func (u *Upgrades) judge(r io.Reader, o Order) (*slot.Bundle, error) {
	u.mu.Lock()
	trial, p := u.trial != nil, u.policy(o.Downgrade)
	u.mu.Unlock()
	if trial {
		return nil, ErrTrial
	}
	b, err := slot.ParseBundle(r)
	if err != nil {
		return nil, err
	}
	return b, p.Check(b.Header)
}

// write puts the payload of b into n. The caller holds busy.
func (u *Upgrades) write(ctx context.Context, n slot.Name, b *slot.Bundle, told func(Progress)) error {
	if told == nil {
		told = func(Progress) {}
	}
	m := b.Header.Manifest
	w, err := u.disk.Writer(n, b.Header)
	if err != nil {
		return err
	}
	u.forget(n)
	p := Progress{Step: StepTake, Slot: n, Version: m.Version, Total: m.Size}
	told(p)
	buf := make([]byte, 256<<10)
	for err == nil {
		if err = ctx.Err(); err != nil {
			break
		}
		var k int
		k, err = io.ReadFull(b, buf)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF // the bundle itself says when it is cut off
		}
		if _, werr := w.Write(buf[:k]); werr != nil {
			err = werr
		}
		p.Done += int64(k)
		told(p)
	}
	if !errors.Is(err, io.EOF) {
		return errors.Join(err, w.Abort())
	}
	p.Step = StepVerify
	return w.Commit(ctx, func(done, _ int64) {
		p.Done = done
		told(p)
	})
}

// forget drops what is known of the version that was in n.
func (u *Upgrades) forget(n slot.Name) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.refresh()
	if a := u.journal.Armed; a != nil && a.Slot == n {
		u.journal.Armed = nil
	}
}

// Bundle reads what a slot holds as a bundle, so that it can be sent to
// another box. size is in bytes. The slot must not be written meanwhile: the
// reader then ends with an error.
func (u *Upgrades) Bundle(n slot.Name) (r io.ReadCloser, size int64, err error) {
	if err := u.available(); err != nil {
		return nil, 0, err
	}
	if !u.busy.TryLock() {
		return nil, 0, ErrBusy
	}
	defer u.busy.Unlock()
	h, err := u.disk.Slot(n)
	if err != nil {
		return nil, 0, err
	}
	payload, err := u.disk.Payload(n)
	if err != nil {
		return nil, 0, err
	}
	size, err = slot.BundleSize(h)
	if err != nil {
		return nil, 0, err
	}
	pr, pw := io.Pipe()
	go func() { // ends when the reader is closed, at the latest
		pw.CloseWithError(slot.WriteBundle(pw, h, payload))
	}()
	return pr, size, nil
}
