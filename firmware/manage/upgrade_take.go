// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"evener/firmware/api"
	"evener/firmware/upgrade"
)

const (
	upgradeChunk = 512 << 10 // bytes of a piece, at most
	maxBundle    = 256 << 20 // bytes; a slot has less
	uploadIdle   = 2 * time.Minute
	fetchLimit   = time.Hour
)

// An upgradeUpload is a bundle that comes in pieces. The pieces go through a pipe to
// the one who writes it.
type upgradeUpload struct {
	id    string
	size  int64
	by    string
	pipe  *io.PipeWriter
	idle  *time.Timer
	done  chan struct{} // closed when the bundle is taken, or refused
	out   UpgradeWritten
	err   error
	next  int64         // offset of what is expected; owned by who holds turn
	turn  chan struct{} // a place for one piece at a time
	begun time.Time
}

// beginTake claims the place for a bundle.
func (b *Box) beginTake(o UpgradeOrder, size int64, cancel context.CancelFunc) error {
	slot := ""
	if s := b.cfg.Upgrades.Show(); s.Trial != nil {
		return api.Errorf(api.CodeLocked, "upgrade.locked", "locked by upgrade: version %s is on trial, and the other slot is the way back; wait for its self-test", s.Running.Version)
	} else if s.Running.Slot == "A" {
		slot = "B"
	} else {
		slot = "A"
	}
	if err := b.upgradeBusy(); err != nil {
		return err
	}
	u := &b.upgrades
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.progress != nil { // somebody was quicker
		return api.Errorf(api.CodeLocked, "upgrade.locked", "locked by upgrade: a bundle is being written already")
	}
	u.progress = &UpgradeProgress{Step: UpgradeTake, Slot: slot, Total: size, Source: o.Source, By: o.By, Since: time.Now().UTC()}
	u.cancel = cancel
	changed(u.topic)
	return nil
}

// takeOn writes the bundle for which the place is claimed, and gives the place back.
func (b *Box) takeOn(ctx context.Context, r io.Reader, o UpgradeOrder) (UpgradeWritten, error) {
	u := &b.upgrades
	defer func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.progress, u.cancel = nil, nil
		changed(u.topic)
	}()
	out, err := b.cfg.Upgrades.Take(ctx, r, o, func(p UpgradeProgress) {
		u.mu.Lock()
		defer u.mu.Unlock()
		if now := u.progress; now != nil {
			now.Step, now.Done, now.Total = p.Step, p.Done, p.Total
			now.Version, now.Slot = p.Version, p.Slot
		}
		changed(u.topic)
	})
	if err != nil && ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled) {
		err = api.Errorf(api.CodeCancelled, "upgrade.cancelled", "the writing of the bundle was cancelled: its slot is empty")
	}
	return out, upgradeError(err)
}

// upgradeError is an error of an Upgrader as callers get it.
func upgradeError(err error) error {
	if e := (*api.Error)(nil); err == nil || errors.As(err, &e) {
		return err
	}
	return api.Errorf(api.CodeFailed, "upgrade.refused", "%v", err)
}

func (b *Box) uploadBegin(_ context.Context, c api.Call, p upgradeBeginParams) (UpgradeUpload, error) {
	if _, err := b.upgrader(c); err != nil {
		return UpgradeUpload{}, err
	}
	if p.Size < 1 || p.Size > maxBundle {
		return UpgradeUpload{}, api.Errorf(api.CodeParams, "params.size", "a bundle has 1 to %d bytes, not %d", maxBundle, p.Size)
	}
	if p.Downgrade && c.Session != "" {
		return UpgradeUpload{}, errDowngrade
	}
	u, err := b.openUpload(UpgradeOrder{By: c.Author, Source: "upload", Downgrade: p.Downgrade}, p.Size)
	if err != nil {
		return UpgradeUpload{}, err
	}
	return UpgradeUpload{ID: u.id, Chunk: upgradeChunk}, nil
}

// openUpload makes room for a bundle that comes in pieces.
func (b *Box) openUpload(o UpgradeOrder, size int64) (*upgradeUpload, error) {
	ctx, cancel := context.WithCancel(context.Background())
	if err := b.beginTake(o, size, cancel); err != nil {
		cancel()
		return nil, err
	}
	var id [16]byte
	rand.Read(id[:])
	r, w := io.Pipe()
	u := &upgradeUpload{id: hex.EncodeToString(id[:]), size: size, by: o.By, pipe: w, done: make(chan struct{}), turn: make(chan struct{}, 1), begun: time.Now()}
	u.idle = time.AfterFunc(uploadIdle, func() {
		w.CloseWithError(fmt.Errorf("nothing came for %v", uploadIdle))
		cancel()
	})
	b.upgrades.mu.Lock()
	b.upgrades.upload = u
	b.upgrades.mu.Unlock()
	go func() {
		defer cancel()
		stop := context.AfterFunc(ctx, func() { w.CloseWithError(context.Canceled) })
		defer stop()
		u.out, u.err = b.takeOn(ctx, r, o)
		u.idle.Stop()
		r.CloseWithError(errUploadEnded) // who writes hears of it
		close(u.done)
	}()
	return u, nil
}

var errDowngrade = api.Errorf(api.CodeForbidden, "auth.local", "a lower rollback index is taken only at the box's own command line or serial console")

var errUploadEnded = errors.New("the bundle is not taken any more")

// findUpload returns the upload called id.
func (b *Box) findUpload(id string) (*upgradeUpload, error) {
	b.upgrades.mu.Lock()
	defer b.upgrades.mu.Unlock()
	if u := b.upgrades.upload; u != nil && u.id == id {
		return u, nil
	}
	return nil, api.Errorf(api.CodeNotFound, "not_found", "there is no upload of that id: it was cancelled, or another one has begun; begin anew")
}

func (b *Box) uploadChunk(ctx context.Context, c api.Call, p upgradeChunkParams) (struct{}, error) {
	if err := unscoped(c, "the firmware"); err != nil {
		return struct{}{}, err
	}
	u, err := b.findUpload(p.ID)
	if err != nil {
		return struct{}{}, err
	}
	data, err := base64.StdEncoding.DecodeString(p.Data)
	if err != nil || len(data) == 0 || len(data) > upgradeChunk {
		return struct{}{}, api.Errorf(api.CodeParams, "params.data", "data is the base64 of 1 to %d bytes", upgradeChunk)
	}
	return struct{}{}, u.piece(ctx, p.Offset, data)
}

// piece takes the bytes at an offset. A piece that was taken before is taken as sent
// again.
func (u *upgradeUpload) piece(ctx context.Context, offset int64, data []byte) error {
	select {
	case u.turn <- struct{}{}:
		defer func() { <-u.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	end := offset + int64(len(data))
	switch {
	case offset < u.next && end <= u.next:
		return nil
	case offset != u.next:
		return api.Errorf(api.CodeConflict, "upgrade.offset", "the next byte is number %d, not %d: send the pieces one after the other", u.next, offset)
	case end > u.size:
		return api.Errorf(api.CodeParams, "params.offset", "the bundle was said to have %d bytes, and this piece ends at %d", u.size, end)
	}
	u.idle.Reset(uploadIdle)
	if _, err := u.pipe.Write(data); err != nil {
		<-u.done
		if u.err != nil {
			return u.err
		}
		return api.Errorf(api.CodeConflict, "upgrade.over", "the bundle was whole before this piece: it has bytes after its end")
	}
	u.next = end
	return nil
}

func (b *Box) uploadEnd(ctx context.Context, c api.Call, p upgradeEndParams) (UpgradeWritten, error) {
	if err := unscoped(c, "the firmware"); err != nil {
		return UpgradeWritten{}, err
	}
	u, err := b.findUpload(p.ID)
	if err != nil {
		return UpgradeWritten{}, err
	}
	out, err := u.finish(ctx)
	if err == nil {
		api.ChangeOf(ctx).After = "version " + out.Version + " in slot " + out.Slot
	}
	return out, err
}

// finish says that no piece follows, and waits for what comes of it.
func (u *upgradeUpload) finish(ctx context.Context) (UpgradeWritten, error) {
	u.idle.Stop() // what remains is reading back
	u.pipe.Close()
	select {
	case <-u.done:
		return u.out, u.err
	case <-ctx.Done():
		return UpgradeWritten{}, ctx.Err()
	}
}

func (b *Box) fetchUpgrade(_ context.Context, c api.Call, p upgradeFetchParams) (UpgradeProgress, error) {
	if _, err := b.upgrader(c); err != nil {
		return UpgradeProgress{}, err
	}
	at, err := url.Parse(p.URL)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return UpgradeProgress{}, api.Errorf(api.CodeParams, "params.url", "the address of a bundle begins with http:// or https:// and a host, such as https://example.org/evener-1.4.0-amd64.evb")
	}
	o := UpgradeOrder{By: c.Author, Source: at.Redacted()}
	ctx, cancel := context.WithTimeout(context.Background(), fetchLimit)
	if err := b.beginTake(o, 0, cancel); err != nil {
		cancel()
		return UpgradeProgress{}, err
	}
	go func() {
		defer cancel()
		body, err := upgrade.Fetch(ctx, at.String())
		if err != nil {
			b.notTaken(o, err)
			return
		}
		defer body.Close()
		b.tookFrom(b.takeOn(ctx, body, o))
	}()
	return b.progressNow(), nil
}

// notTaken gives the place back of a bundle of which no byte came.
func (b *Box) notTaken(o UpgradeOrder, err error) {
	b.upgrades.mu.Lock()
	slot := ""
	if p := b.upgrades.progress; p != nil {
		slot = p.Slot
	}
	b.upgrades.progress, b.upgrades.cancel = nil, nil
	b.upgrades.mu.Unlock()
	b.cfg.Upgrades.Note(UpgradeEntry{Time: time.Now().UTC(), Actor: o.By, Event: "refused", Slot: slot, Reason: fmt.Sprintf("nothing came from %s: %v", o.Source, err)})
}

// tookFrom logs the end of what nobody waits for.
func (b *Box) tookFrom(out UpgradeWritten, err error) {
	if err != nil {
		b.log.Warn("bundle not taken", "err", err)
		return
	}
	b.log.Info("bundle written", "version", out.Version, "slot", out.Slot)
}

func (b *Box) stickUpgrade(ctx context.Context, c api.Call, _ struct{}) (UpgradeProgress, error) {
	up, err := b.upgrader(c)
	if err != nil {
		return UpgradeProgress{}, err
	}
	r, name, size, err := up.Stick(ctx)
	if err != nil {
		return UpgradeProgress{}, api.Errorf(api.CodeNotFound, "upgrade.stick", "%v", err)
	}
	o := UpgradeOrder{By: c.Author, Source: "usb"}
	taking, cancel := context.WithTimeout(context.Background(), fetchLimit)
	if err := b.beginTake(o, size, cancel); err != nil {
		cancel()
		r.Close()
		return UpgradeProgress{}, err
	}
	api.ChangeOf(ctx).Object = "bundle/" + name
	go func() {
		defer cancel()
		defer r.Close()
		b.tookFrom(b.takeOn(taking, r, o))
	}()
	return b.progressNow(), nil
}

func (b *Box) progressNow() UpgradeProgress {
	b.upgrades.mu.Lock()
	defer b.upgrades.mu.Unlock()
	if p := b.upgrades.progress; p != nil {
		return *p
	}
	return UpgradeProgress{} // it has ended already
}

func (b *Box) cancelUpgrade(_ context.Context, c api.Call, _ struct{}) (struct{}, error) {
	if _, err := b.upgrader(c); err != nil {
		return struct{}{}, err
	}
	b.upgrades.mu.Lock()
	defer b.upgrades.mu.Unlock()
	if b.upgrades.cancel != nil {
		b.upgrades.cancel()
	}
	return struct{}{}, nil
}
