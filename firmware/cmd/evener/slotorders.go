// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"evener/firmware/api"
	"evener/firmware/upgrade"
	"evener/image/slot"
)

// A caller calls methods of somebody else.
type caller interface {
	Call(ctx context.Context, method string, params, result any) error
}

// slotOrders are the slots of an appliance as its engine has them: it asks process 1,
// which looks at what it is asked for. See slotKeeper.
type slotOrders struct {
	super caller
	image string // socket for what is to be written
}

// orderTime is how long an order may take: a slow disk may have to read a slot for it.
const orderTime = 10 * time.Minute

func (o slotOrders) order(method string, params, result any) error {
	ctx, cancel := context.WithTimeout(context.Background(), orderTime)
	defer cancel()
	return ordered(o.super.Call(ctx, method, params, result))
}

// ordered gives an error of process 1 the form that package upgrade knows.
func ordered(err error) error {
	if e := (*api.Error)(nil); errors.As(err, &e) && e.Kind == "slot.empty" {
		return fmt.Errorf("%w (%s)", slot.ErrEmpty, e.Message)
	}
	return err
}

func (o slotOrders) Boot() (slot.State, error) {
	var b slotBlock
	if err := o.order("slot.boot", struct{}{}, &b); err != nil {
		return slot.State{First: slot.A}, err
	}
	s, err := slot.ParseState(b.Block)
	if b.Damage != "" {
		err = errors.New(b.Damage)
	}
	return s, err
}

func (o slotOrders) SetBoot(s slot.State) error {
	return o.order("slot.set_boot", slotBlock{Block: s.Encode()}, nil)
}

func (o slotOrders) Slot(n slot.Name) (slot.Header, error) {
	var h slotHead
	if err := o.order("slot.header", slotNamed{string(n)}, &h); err != nil {
		return slot.Header{}, err
	}
	return slot.ParseHeader(h.Header)
}

func (o slotOrders) Fault(n slot.Name) (slot.Fault, bool) {
	var f slotFault
	if err := o.order("slot.fault", slotNamed{string(n)}, &f); err != nil {
		return slot.Fault{}, false
	}
	return f.Fault, f.OK
}

// Verify has process 1 compare a slot with what was signed. That ks are fewer keys
// than it trusts is seen here.
func (o slotOrders) Verify(ctx context.Context, n slot.Name, ks slot.Keys, _ func(done, total int64)) error {
	h, err := o.Slot(n)
	if err != nil {
		return err
	}
	if _, err := h.Verify(ks); err != nil {
		return fmt.Errorf("slot %s: %w", n, err)
	}
	return ordered(o.super.Call(ctx, "slot.verify", slotNamed{string(n)}, nil))
}

func (o slotOrders) Arm(n slot.Name) error { return o.order("slot.arm", slotNamed{string(n)}, nil) }

func (o slotOrders) MarkGood(n slot.Name) error {
	return o.order("slot.good", slotNamed{string(n)}, nil)
}

func (o slotOrders) MarkBad(n slot.Name, f slot.Fault) error {
	return o.order("slot.bad", slotFault{slotNamed: slotNamed{string(n)}, Fault: f}, nil)
}

// Payload reads an image piece by piece.
func (o slotOrders) Payload(n slot.Name) (io.Reader, error) {
	h, err := o.Slot(n)
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(orderedPayload{o, n}, 0, h.Manifest.Size), nil
}

type orderedPayload struct {
	slotOrders
	slot slot.Name
}

// ReadAt reads at most as much as one call carries, and more in more of them.
func (r orderedPayload) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		var got slotPiece
		want := slotPlace{slotNamed{string(r.slot)}, off + int64(n), min(len(p)-n, maxSlotPiece)}
		if err := r.order("slot.read", want, &got); err != nil {
			return n, err
		}
		if len(got.Data) == 0 {
			return n, io.ErrUnexpectedEOF
		}
		n += copy(p[n:], got.Data)
	}
	return n, nil
}

func (o slotOrders) Writer(n slot.Name, h slot.Header) (upgrade.Writer, error) {
	head, err := h.Encode()
	if err != nil {
		return nil, err
	}
	w := &orderedWriter{slotOrders: o, size: h.Manifest.Size}
	if err := o.order("slot.write", slotImage{slotNamed{string(n)}, slotHead{head}}, &w.slotWriting); err != nil {
		return nil, err
	}
	if w.nc, err = net.DialTimeout("unix", o.image, orderTime); err != nil {
		return nil, errors.Join(fmt.Errorf("hand an image to process 1: %w", err), w.Abort())
	}
	return w, nil
}

// An orderedWriter hands an image to process 1.
type orderedWriter struct {
	slotOrders
	slotWriting
	nc   net.Conn
	size int64
}

// Write fails with what process 1 says if that takes no more.
func (w *orderedWriter) Write(p []byte) (int, error) {
	n, err := w.nc.Write(p)
	if err != nil {
		err = cmp.Or(w.Commit(context.Background(), nil), err)
	}
	return n, err
}

func (w *orderedWriter) Commit(ctx context.Context, progress func(done, total int64)) error {
	w.nc.Close() // all of it has come then
	ended := make(chan error, 1)
	go func() { ended <- ordered(w.super.Call(ctx, "slot.commit", w.slotWriting, nil)) }()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if err == nil && progress != nil {
				progress(w.size, w.size)
			}
			return err
		case <-tick.C:
		}
		var d slotDone
		if progress != nil && w.order("slot.progress", struct{}{}, &d) == nil {
			progress(d.Done, w.size)
		}
	}
}

func (w *orderedWriter) Abort() error {
	if w.nc != nil {
		w.nc.Close()
	}
	return w.order("slot.abort", w.slotWriting, nil)
}
