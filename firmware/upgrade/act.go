// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evener/image/slot"
)

// Activate has the boot loader start the other slot next, on trial, after its
// signature and all of its content were looked at once more. For the slot that
// runs it takes such an order back.
func (u *Upgrades) Activate(ctx context.Context, n slot.Name, o Order) error {
	if err := u.available(); err != nil {
		return err
	}
	if !u.busy.TryLock() {
		return ErrBusy
	}
	defer u.tell()
	defer u.busy.Unlock()
	u.mu.Lock()
	trial, p := u.trial != nil, u.policy(o.Downgrade)
	u.mu.Unlock()
	switch {
	case trial:
		return ErrTrial
	case n == u.cfg.Slot:
		return u.disarm(o)
	}
	h, err := u.disk.Slot(n)
	if err != nil {
		return err
	}
	if err := p.Check(h); err != nil {
		return fmt.Errorf("slot %s: %w", n, err)
	}
	if err := u.disk.Verify(ctx, n, p.Keys, nil); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.arm(n, h.Manifest.Version, o)
}

// arm writes the journal, then the boot state: whoever finds the first without
// the second knows that nothing was started. The caller holds both locks.
func (u *Upgrades) arm(n slot.Name, version string, o Order) error {
	before := u.journal.Armed
	u.journal.Armed = &trialNote{Slot: n, Version: version, From: u.cfg.Slot, By: o.By}
	u.note(Entry{Actor: o.By, Event: EventArmed, Slot: n, Version: version}, nil)
	if err := u.save(); err != nil {
		u.journal.Armed = before
		return err
	}
	err := u.disk.Arm(n)
	u.refresh()
	return err
}

// disarm puts the slot that runs back into the first place. The other one keeps
// its content and is spare.
func (u *Upgrades) disarm(o Order) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	s, other := u.boot, u.cfg.Slot.Other()
	if c, _ := s.Choose(); c.Slot == u.cfg.Slot && u.journal.Armed == nil {
		return fmt.Errorf("slot %s runs, and is what starts next", u.cfg.Slot)
	}
	if u.journal.Armed != nil && u.journal.Armed.Slot == other {
		s = s.With(other, false, slot.MaxTries)
	}
	s.First, s.Once = u.cfg.Slot, ""
	if err := u.disk.SetBoot(s); err != nil {
		return err
	}
	u.refresh()
	u.journal.Armed = nil
	u.note(Entry{Actor: o.By, Event: EventDisarmed, Slot: other, Version: u.head(other).header.Manifest.Version,
		Reason: fmt.Sprintf("slot %s starts next after all", u.cfg.Slot)}, nil)
	return u.save()
}

// ErrNoTrial is returned where there is no trial to end.
var ErrNoTrial = errors.New("the version that runs is good already")

// Good ends the trial: the version that runs is kept. What its image says of
// keys that are trusted no more, and its rollback index, count from now on.
func (u *Upgrades) Good(by, reason string) error {
	u.busy.Lock()
	defer u.tell()
	defer u.busy.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.trial == nil {
		return ErrNoTrial
	}
	if u.trial.gaveUp != "" {
		return fmt.Errorf("the version was given up: %s", u.trial.gaveUp)
	}
	return u.keep(by, reason)
}

// keep marks the slot that runs good, then closes the trial in the journal. The
// caller holds both locks.
func (u *Upgrades) keep(by, reason string) error {
	n := u.cfg.Slot
	err := u.disk.MarkGood(n)
	u.check("mark", err)
	if err != nil {
		return err
	}
	u.refresh()
	u.rememberGood()
	if h := u.head(n); h.err == nil {
		u.journal.Rollback = max(u.journal.Rollback, h.header.Manifest.RollbackIndex)
		u.journal.Revoked = addMissing(u.journal.Revoked, h.header.Manifest.Revoked...)
	}
	u.journal.Revoked = addMissing(u.journal.Revoked, u.cfg.Keys.Revoked...)
	u.journal.Armed, u.trial = nil, nil
	u.note(Entry{Actor: by, Event: EventGood, Slot: n, Version: u.cfg.Version, Reason: reason}, nil)
	return u.save()
}

// rememberGood keeps which of the images in the slots were marked good.
func (u *Upgrades) rememberGood() {
	u.journal.Good = nil
	for _, n := range []slot.Name{slot.A, slot.B} {
		if h := u.head(n); h.err == nil && u.boot.Good(n) {
			u.journal.Good = append(u.journal.Good, h.header.Manifest.SHA256)
		}
	}
}

// GiveUp ends the trial the other way: the boot loader will not start this
// version again, and starts the other slot next. The caller reboots the box.
func (u *Upgrades) GiveUp(by, reason string) error {
	u.busy.Lock()
	defer u.tell()
	defer u.busy.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.trial == nil {
		return ErrNoTrial
	}
	other, ok := u.wayBack()
	if !ok {
		return fmt.Errorf("slot %s holds no version that could run instead: bring one that works", other)
	}
	n, a := u.cfg.Slot, u.journal.Armed // there is one in every trial
	if a.GaveUp == "" {                 // else the disk could not be written the last time
		a.GaveUp = reason
		u.note(Entry{Actor: by, Event: EventGaveUp, Slot: n, Version: u.cfg.Version, Reason: reason}, nil)
		_ = u.save() // logged and shown; the slot itself keeps the reason, too
	}
	err := u.disk.MarkBad(n, slot.Fault{Reason: reason, By: "self-test", Version: u.cfg.Version,
		Time: time.Now().UTC().Format(time.RFC3339)})
	u.refresh()
	if u.boot.Usable(n) {
		u.check("mark", err)
		return err
	}
	if err != nil {
		u.log.Warn("reason not kept on the slot", "err", err) // the journal has it
	}
	u.trial.gaveUp = reason
	return nil
}

// FactoryReset has the next start make state and data anew. The caller reboots
// the box.
func (u *Upgrades) FactoryReset(by string) error {
	if err := u.available(); err != nil {
		return err
	}
	if !u.busy.TryLock() {
		return ErrBusy
	}
	defer u.tell()
	defer u.busy.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	s := u.boot
	s.Reset = slot.ResetFactory
	if err := u.disk.SetBoot(s); err != nil {
		return err
	}
	u.refresh()
	u.note(Entry{Actor: by, Event: EventReset, Slot: u.cfg.Slot, Version: u.cfg.Version}, nil)
	return u.save()
}
