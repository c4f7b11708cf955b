// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"evener/firmware/api"
	"evener/image/slot"
)

// begin takes the spare slot out of the boot loader's choice and waits for an image,
// whose header was judged before one byte of it is written. The image comes through a
// socket of its own. A write that an engine has left unfinished ends.
func (k *slotKeeper) begin(ctx context.Context, _ api.Call, p slotImage) (out slotWriting, err error) {
	n, err := slot.ParseName(p.Slot)
	if err != nil {
		return out, api.Errorf(api.CodeParams, "params.slot", "%v", err)
	}
	h, err := slot.ParseHeader(p.Header)
	if err != nil {
		return out, api.Errorf(api.CodeParams, "params.header", "%v", err)
	}
	leave, err := k.enter(ctx)
	if err != nil {
		return out, err
	}
	defer leave()
	if err := k.end(); err != nil {
		k.log.Warn("slot not emptied that was left half written", "err", err)
	}
	t, err := k.open()
	if err != nil {
		return out, slotError(err)
	}
	x := &slotWrite{slot: n, disk: t.disk, copied: make(chan struct{})}
	x.life, x.cut = context.WithCancel(context.Background())
	if x.w, err = k.admit(t, n, h); err == nil {
		if x.in, err = listenEngine(k.image, k.engine); err != nil {
			err = errors.Join(err, x.w.Abort())
		}
	}
	if err != nil {
		t.disk.Close()
		return out, slotError(err)
	}
	k.writes++
	x.id, k.write = k.writes, x
	k.done.Store(0)
	k.log.Info("slot is being written", "slot", n, "version", h.Manifest.Version)
	go x.copy(api.PeerUser(int(k.engine.Uid)))
	return slotWriting{x.id}, nil
}

// copy takes the image from who comes first, if that may.
func (x *slotWrite) copy(identify func(net.Conn) (api.Call, error)) {
	defer close(x.copied)
	defer x.in.Close()
	defer context.AfterFunc(x.life, func() { x.in.Close() })()
	nc, err := x.in.Accept()
	if err != nil {
		x.failed = errors.New("no image came")
		return
	}
	defer nc.Close()
	defer context.AfterFunc(x.life, func() { nc.Close() })()
	if _, x.failed = identify(nc); x.failed == nil {
		_, x.failed = io.Copy(x.w, nc)
	}
}

func (k *slotKeeper) admit(t slotTurn, n slot.Name, h slot.Header) (*slot.Writer, error) {
	if n == t.running {
		return nil, errRunning(n)
	}
	if err := t.policy.Check(h); err != nil {
		return nil, err
	}
	delete(k.whole, n)
	return t.disk.Writer(n, h)
}

// end leaves a slot that is being written empty. The caller has the slots.
func (k *slotKeeper) end() error {
	x := k.write
	if x == nil {
		return nil
	}
	k.write = nil
	x.cut()
	<-x.copied
	return errors.Join(x.w.Abort(), x.disk.Close())
}

// commit completes the slot when all of the image has come.
func (k *slotKeeper) commit(ctx context.Context, _ api.Call, p slotWriting) (struct{}, error) {
	leave, err := k.enter(ctx)
	if err != nil {
		return struct{}{}, err
	}
	defer leave()
	x := k.write
	if x == nil || x.id != p.ID {
		return struct{}{}, api.Errorf(api.CodeConflict, "slot.write", "write %d has ended: begin another one", p.ID)
	}
	select {
	case <-x.copied:
		err = x.failed
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return struct{}{}, slotError(errors.Join(fmt.Errorf("slot %s: %w", x.slot, err), k.end()))
	}
	k.write = nil
	if err := x.w.Commit(ctx, func(done, _ int64) { k.done.Store(done) }); err != nil {
		return struct{}{}, slotError(errors.Join(fmt.Errorf("slot %s: %w", x.slot, err), x.disk.Close()))
	}
	k.log.Info("slot written", "slot", x.slot)
	return struct{}{}, slotError(x.disk.Close())
}

// abort ends a write. One that has ended is no mistake.
func (k *slotKeeper) abort(ctx context.Context, _ api.Call, p slotWriting) (struct{}, error) {
	leave, err := k.enter(ctx)
	if err != nil {
		return struct{}{}, err
	}
	defer leave()
	if k.write == nil || k.write.id != p.ID {
		return struct{}{}, nil
	}
	return struct{}{}, slotError(k.end())
}
