// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"evener/firmware/api"
	"evener/image/early"
	"evener/image/slot"
)

// A slotKeeper is who alone writes the slots and the boot state of an appliance:
// process 1, for an engine that has no right to the disk. Whatever the engine asks
// for, a slot only ever gets an image for this board that a trusted key has signed,
// and is started only when all of it was found to be what was signed.
type slotKeeper struct {
	board  string
	engine *syscall.Credential        // who may send images
	image  string                     // socket that they come through
	boot   func() (early.Boot, error) // how the box was started
	keys   func() (slot.Keys, error)  // that the image trusts
	log    *slog.Logger

	busy   chan struct{} // holds a token while somebody has what follows
	write  *slotWrite    // nil: nothing is being written
	writes int           // begun so far
	whole  map[slot.Name]time.Time

	done atomic.Int64 // bytes that were read back of what is being written
}

// A slotWrite is an image on its way into a slot.
type slotWrite struct {
	id   int
	slot slot.Name
	disk *slot.Disk
	w    *slot.Writer // of copy until copied is closed
	in   net.Listener

	life   context.Context // of copy, which cut ends
	cut    context.CancelFunc
	copied chan struct{} // closed when no more comes
	failed error         // why not all came; after copied
}

// wholeFor is how long after a slot was read and found to be whole it is armed
// without being read again.
const wholeFor = time.Minute

// imageSocket is the name of the socket for an image, in the folder of the state.
const imageSocket = "image.sock"

// maxSlotPiece is how much of an image one call reads, in bytes.
const maxSlotPiece = 512 << 10

func newSlotKeeper(board, state string, engine *syscall.Credential, log *slog.Logger) *slotKeeper {
	return &slotKeeper{board: board, engine: engine, image: filepath.Join(state, imageSocket), boot: startedFrom, keys: func() (slot.Keys, error) { return trustedKeys("") }, log: log,
		busy: make(chan struct{}, 1), whole: map[slot.Name]time.Time{}}
}

type slotNamed struct {
	Slot string `json:"slot" doc:"A or B"`
}

type slotBlock struct {
	Block  []byte `json:"block" doc:"GRUB's environment block"`
	Damage string `json:"damage,omitempty" doc:"what is wrong with the one on the disk"`
}

type slotHead struct {
	Header []byte `json:"header" doc:"manifest and signatures, as a bundle has them"`
}

type slotFault struct {
	slotNamed
	OK bool `json:"ok,omitempty" doc:"there is one"`
	slot.Fault
}

type slotPlace struct {
	slotNamed
	Offset int64 `json:"offset" doc:"in the image, in bytes"`
	Size   int   `json:"size" doc:"in bytes, at most 524288"`
}

type slotPiece struct {
	Data []byte `json:"data"`
}

type slotImage struct {
	slotNamed
	slotHead
}

type slotWriting struct {
	ID int `json:"id"`
}

type slotDone struct {
	Done int64 `json:"done" doc:"bytes read back"`
}

// add registers the methods.
func (k *slotKeeper) add(reg *api.Registry) {
	const long = 30 * time.Minute // a slow disk
	api.Add(reg, api.Method{Name: "slot.boot", Purpose: "Tells the boot state.", Role: api.Admin}, k.bootState)
	api.Add(reg, api.Method{Name: "slot.header", Purpose: "Tells what a slot holds.", Role: api.Admin}, k.header)
	api.Add(reg, api.Method{Name: "slot.fault", Purpose: "Tells why a slot was given up.", Role: api.Admin}, k.fault)
	api.Add(reg, api.Method{Name: "slot.read", Purpose: "Reads the image in a slot.", Role: api.Admin}, k.read)
	api.Add(reg, api.Method{Name: "slot.verify", Purpose: "Compares a slot with what was signed.", Role: api.Admin, Timeout: long}, k.verify)
	act := api.Method{Role: api.Admin, Effect: api.System}
	with := func(name, purpose, audit string) api.Method {
		m := act
		m.Name, m.Purpose, m.Audit, m.Timeout = name, purpose, audit, long
		return m
	}
	api.Add(reg, with("slot.set_boot", "Changes the boot state.", "change the boot state"), k.setBoot)
	api.Add(reg, with("slot.arm", "Has a slot started next, on trial.", "arm slot {slot}"), k.arm)
	api.Add(reg, with("slot.good", "Keeps the slot that runs.", "keep slot {slot}"), k.good)
	api.Add(reg, with("slot.bad", "Gives a slot up.", "give slot {slot} up: {reason}"), k.bad)
	api.Add(reg, with("slot.write", "Begins to write an image into the spare slot.", "write slot {slot}"), k.begin)
	api.Add(reg, with("slot.commit", "Reads the image back that has come and completes its slot.", "complete the slot"), k.commit)
	api.Add(reg, with("slot.abort", "Leaves the slot that is being written empty.", "empty the slot"), k.abort)
	api.Add(reg, api.Method{Name: "slot.progress", Purpose: "Tells how far the reading back is.", Role: api.Admin},
		func(context.Context, api.Call, struct{}) (slotDone, error) { return slotDone{k.done.Load()}, nil })
}

// enter waits until nobody else has the slots; leave must be called then.
func (k *slotKeeper) enter(ctx context.Context) (leave func(), err error) {
	select {
	case k.busy <- struct{}{}:
		return func() { <-k.busy }, nil
	case <-ctx.Done():
		return nil, api.Errorf(api.CodeConflict, "slot.busy", "the slots are being written: %v", ctx.Err())
	}
}

// A slotTurn is what one call has of the disk.
type slotTurn struct {
	disk    *slot.Disk
	running slot.Name
	keys    slot.Keys
	policy  slot.Policy
}

// onDisk runs f with the disk of the box, and turns its error into one for the
// caller.
func (k *slotKeeper) onDisk(ctx context.Context, f func(slotTurn) error) error {
	leave, err := k.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	t, err := k.open()
	if err != nil {
		return slotError(err)
	}
	defer t.disk.Close()
	return slotError(f(t))
}

// open opens the disk that the box was started from. Keys that what runs has revoked
// count no more.
func (k *slotKeeper) open() (t slotTurn, err error) {
	boot, err := k.boot()
	if err != nil {
		return t, fmt.Errorf("the box was not started from a disk of its own: %w", err)
	}
	t.running = slot.Name(boot.Slot)
	if t.keys, err = k.keys(); err != nil {
		return t, fmt.Errorf("which keys sign images is not known: %w", err)
	}
	if t.disk, err = slot.Open(boot.Disk); err != nil {
		return t, err
	}
	if h, err := t.disk.Slot(t.running); err == nil {
		if _, err := h.Verify(t.keys); err == nil {
			t.keys = t.keys.Revoke(h.Manifest.Revoked...)
		}
	}
	// Whether an older version is meant is between the engine and a person.
	t.policy = slot.Policy{Keys: t.keys, Board: k.board, Arch: runtime.GOARCH, Version: version, Downgrade: true}
	return t, nil
}

// slotError tells callers by its kind what they may look for.
func slotError(err error) error {
	var r *slot.Refusal
	switch {
	case err == nil, errors.As(err, new(*api.Error)):
		return err
	case errors.Is(err, slot.ErrEmpty):
		return api.Errorf(api.CodeNotFound, "slot.empty", "%v", err)
	case errors.As(err, &r):
		return api.Errorf(api.CodeForbidden, "slot.refused", "%v", err)
	}
	return api.Errorf(api.CodeFailed, "slot.failed", "%v", err)
}

func (k *slotKeeper) bootState(ctx context.Context, _ api.Call, _ struct{}) (out slotBlock, err error) {
	err = k.onDisk(ctx, func(t slotTurn) error {
		s, damage := t.disk.Boot()
		out.Block = s.Encode()
		if damage != nil {
			out.Damage = damage.Error()
		}
		return nil
	})
	return out, err
}

// onSlot is onDisk for a slot.
func (k *slotKeeper) onSlot(ctx context.Context, name string, f func(slotTurn, slot.Name) error) error {
	n, err := slot.ParseName(name)
	if err != nil {
		return api.Errorf(api.CodeParams, "params.slot", "%v", err)
	}
	return k.onDisk(ctx, func(t slotTurn) error { return f(t, n) })
}

func (k *slotKeeper) header(ctx context.Context, _ api.Call, p slotNamed) (out slotHead, err error) {
	err = k.onSlot(ctx, p.Slot, func(t slotTurn, n slot.Name) error {
		h, err := t.disk.Slot(n)
		if err == nil {
			out.Header, err = h.Encode()
		}
		return err
	})
	return out, err
}

func (k *slotKeeper) fault(ctx context.Context, _ api.Call, p slotNamed) (out slotFault, err error) {
	out.slotNamed = p
	err = k.onSlot(ctx, p.Slot, func(t slotTurn, n slot.Name) error {
		out.Fault, out.OK = t.disk.Fault(n)
		return nil
	})
	return out, err
}

func (k *slotKeeper) read(ctx context.Context, _ api.Call, p slotPlace) (out slotPiece, err error) {
	if p.Size < 1 || p.Size > maxSlotPiece {
		return out, api.Errorf(api.CodeParams, "params.size", "1 to %d bytes are read at a time, not %d", maxSlotPiece, p.Size)
	}
	err = k.onSlot(ctx, p.Slot, func(t slotTurn, n slot.Name) error {
		r, err := t.disk.Payload(n)
		if err != nil {
			return err
		}
		out.Data = make([]byte, p.Size)
		got, err := r.ReadAt(out.Data, p.Offset)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		out.Data = out.Data[:got]
		return err
	})
	return out, err
}

// check reads all of a slot and compares it with what was signed for this box.
func (k *slotKeeper) check(ctx context.Context, t slotTurn, n slot.Name) error {
	h, err := t.disk.Slot(n)
	if err != nil {
		return err
	}
	if err := t.policy.Check(h); err != nil {
		return fmt.Errorf("slot %s: %w", n, err)
	}
	if at, ok := k.whole[n]; ok && time.Since(at) < wholeFor {
		return nil
	}
	if err := t.disk.Verify(ctx, n, t.keys, nil); err != nil {
		return err
	}
	k.whole[n] = time.Now()
	return nil
}

func (k *slotKeeper) verify(ctx context.Context, _ api.Call, p slotNamed) (struct{}, error) {
	return struct{}{}, k.onSlot(ctx, p.Slot, func(t slotTurn, n slot.Name) error {
		if err := t.disk.Verify(ctx, n, t.keys, nil); err != nil {
			delete(k.whole, n)
			return err
		}
		k.whole[n] = time.Now()
		return nil
	})
}

// errRunning is of an order that would touch what runs.
func errRunning(n slot.Name) error {
	return api.Errorf(api.CodeForbidden, "slot.running", "slot %s runs: it is neither written nor tried", n)
}

func (k *slotKeeper) arm(ctx context.Context, _ api.Call, p slotNamed) (struct{}, error) {
	return struct{}{}, k.onSlot(ctx, p.Slot, func(t slotTurn, n slot.Name) error {
		if n == t.running {
			return errRunning(n)
		}
		if err := k.check(ctx, t, n); err != nil {
			return err
		}
		return t.disk.Arm(n)
	})
}

func (k *slotKeeper) good(ctx context.Context, _ api.Call, p slotNamed) (struct{}, error) {
	return struct{}{}, k.onSlot(ctx, p.Slot, func(t slotTurn, n slot.Name) error {
		if n != t.running {
			return api.Errorf(api.CodeForbidden, "slot.spare", "slot %s does not run: nobody can know that it is good", n)
		}
		return t.disk.MarkGood(n)
	})
}

func (k *slotKeeper) bad(ctx context.Context, _ api.Call, p slotFault) (struct{}, error) {
	return struct{}{}, k.onSlot(ctx, p.Slot, func(t slotTurn, n slot.Name) error {
		return t.disk.MarkBad(n, p.Fault)
	})
}

// setBoot writes a boot state. A slot that it gives more trust than it had is looked
// at first, and nothing is started past the count of tries.
func (k *slotKeeper) setBoot(ctx context.Context, _ api.Call, p slotBlock) (struct{}, error) {
	s, err := slot.ParseState(p.Block)
	if err == nil && !bytes.Equal(s.Encode(), p.Block) {
		err = errors.New("it holds what no boot state has")
	}
	if err != nil {
		return struct{}{}, api.Errorf(api.CodeParams, "params.block", "the block is no boot state: %v", err)
	}
	return struct{}{}, k.onDisk(ctx, func(t slotTurn) error {
		old, _ := t.disk.Boot() // what is wrong with it is mended here
		if s.Once != "" && s.Once != old.Once {
			return api.Errorf(api.CodeForbidden, "slot.once", "only the rescue system has %q started once", s.Once)
		}
		for _, n := range []slot.Name{slot.A, slot.B} {
			gains := s.Good(n) && !old.Good(n) || s.Usable(n) && !old.Usable(n)
			if !gains || n == t.running {
				continue
			}
			if err := k.check(ctx, t, n); err != nil {
				return err
			}
		}
		return t.disk.SetBoot(s)
	})
}
