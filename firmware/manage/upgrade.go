// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"evener/firmware/api"
	"evener/firmware/event"
	"evener/firmware/phrase"
	"evener/firmware/stats"
)

// An Upgrader has the slots of the box. Its methods may be called at any time.
type Upgrader interface {
	// Show tells all but what goes on and the pair.
	Show() UpgradeShow
	// Take judges a bundle by its head, writes it into the slot that does not run,
	// and reads it back. told hears of each step, and of the bytes that are done.
	Take(ctx context.Context, r io.Reader, o UpgradeOrder, told func(UpgradeProgress)) (UpgradeWritten, error)
	// Bundle reads what a slot holds as a bundle.
	Bundle(slot string) (io.ReadCloser, int64, error)
	// Stick opens the newest bundle that fits this box on a USB stick.
	Stick(ctx context.Context) (r io.ReadCloser, name string, size int64, err error)
	// Activate has the boot loader start a slot next, on trial. For the slot that runs
	// it takes such an order back.
	Activate(ctx context.Context, slot string, o UpgradeOrder) error
	// GiveUp has the boot loader never choose the slot that runs again.
	GiveUp(by, reason string) error
	// Good ends the trial of the slot that runs.
	Good(by, reason string) error
	// Note writes a line of the journal.
	Note(e UpgradeEntry)
	// SetTimes sets how long all must be good on trial, and when it has failed.
	SetTimes(soak, limit time.Duration)
}

// An UpgradeOrder is who brings a bundle, and from where.
type UpgradeOrder struct {
	By        string
	Source    string // upload, usb, a URL, or the name of a peer
	Downgrade bool   // a lower rollback index is meant
}

// upgrades are what goes on with the versions of the box.
type upgrades struct {
	mu       sync.Mutex // guards what follows
	progress *UpgradeProgress
	upload   *upgradeUpload // nil: none
	cancel   context.CancelFunc
	pair     *UpgradePair // of this box, or as the peer that leads it has told
	told     time.Time    // when the peer has
	topic    *api.Topic
	lead     pairLead
}

// addUpgrade registers what concerns the versions of the box.
func (b *Box) addUpgrade(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "upgrade.show", Purpose: "Shows the versions in both slots, what goes on, and what happened.",
		Role: api.Viewer, Effect: api.Read}, func(context.Context, api.Call, struct{}) (UpgradeShow, error) { return b.showUpgrade(), nil })
	api.Add(reg, api.Method{Name: "upgrade.upload.begin", Purpose: "Begins to send a bundle, which is written into the slot that does not run.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "send a bundle of {size} bytes, downgrade: {downgrade}"}, b.uploadBegin)
	// Begin and end of the upload are in the audit log; its pieces would only fill it.
	api.Add(reg, api.Method{Name: "upgrade.upload.chunk", Purpose: "Sends the next piece of a bundle.",
		Role: api.Admin, Sudo: true, Effect: api.Read, Timeout: 2 * time.Minute, Idempotent: true}, b.uploadChunk)
	api.Add(reg, api.Method{Name: "upgrade.upload.end", Purpose: "Ends the sending of a bundle, and answers when it is written and read back.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "end sending a bundle", Timeout: 5 * time.Minute}, b.uploadEnd)
	api.Add(reg, api.Method{Name: "upgrade.fetch", Purpose: "Has the box fetch a bundle and write it into the slot that does not run; upgrade.show tells how far it is.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "fetch a bundle from {url}"}, b.fetchUpgrade)
	api.Add(reg, api.Method{Name: "upgrade.usb", Purpose: "Has the box write the newest bundle of the USB sticks into the slot that does not run; upgrade.show tells how far it is.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "take a bundle from a USB stick", Timeout: time.Minute}, b.stickUpgrade)
	api.Add(reg, api.Method{Name: "upgrade.cancel", Purpose: "Ends the writing of a bundle; its slot is empty then.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "cancel the writing of a bundle", Idempotent: true}, b.cancelUpgrade)
	api.Add(reg, api.Method{Name: "upgrade.activate", Purpose: "Starts a slot on trial, now or at the next reboot. While one is on trial, starting the other gives it up.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "start slot {slot}, now: {reboot}", Timeout: activateLimit}, b.activate)
	api.Add(reg, api.Method{Name: "upgrade.good", Purpose: "Ends the trial of the version that runs, whatever its self-test finds.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "keep the version that is on trial"}, b.keepVersion)
	b.addUpgradePair(reg)
	topic := api.AddState(reg, api.Topic{Name: "state.upgrade", Purpose: "The versions of the box, as one object named box.", Role: api.Viewer, Every: time.Second},
		func(context.Context, api.Call, struct{}) (map[string]UpgradeShow, error) {
			return map[string]UpgradeShow{"box": b.showUpgrade()}, nil
		})
	b.upgrades.mu.Lock()
	defer b.upgrades.mu.Unlock()
	b.upgrades.topic = topic
}

// showUpgrade tells everything about the versions of the box.
func (b *Box) showUpgrade() UpgradeShow {
	out := UpgradeShow{Why: "the engine does not know its slots; its log says why", Running: UpgradeRunning{Version: b.cfg.Version}}
	if b.cfg.Upgrades != nil {
		out = b.cfg.Upgrades.Show()
	}
	// Their own, for what is added to them.
	out.Slots, out.Journal = slices.Concat([]UpgradeSlot{}, out.Slots), slices.Concat([]UpgradeEntry{}, out.Journal)
	out.Keys = stringsOf(out.Keys)
	u := &b.upgrades
	u.mu.Lock()
	if u.progress != nil {
		p := *u.progress
		out.Progress = &p
	}
	if u.pair != nil {
		p := *u.pair
		p.Steps = slices.Clone(p.Steps)
		out.Pair = &p
	}
	u.mu.Unlock()
	if out.Trial != nil {
		own := *out.Trial
		own.Checks = slices.Clone(own.Checks)
		out.Trial = &own
	}
	if out.Trial != nil && out.Progress == nil {
		out.Progress = &UpgradeProgress{Step: UpgradeTrial, Slot: out.Running.Slot, Version: out.Running.Version}
	}
	out.PairWhy = b.pairWhy(&out)
	phrase.Fill(&out)
	return out
}

// upgradeChanged tells who watches.
func (b *Box) upgradeChanged() {
	b.upgrades.mu.Lock()
	defer b.upgrades.mu.Unlock()
	changed(b.upgrades.topic)
}

// UpgradeChanged tells that the Upgrader has something new to show. It does not block.
func (b *Box) UpgradeChanged() { b.upgradeChanged() }

// UpgradeEvent makes an event of a line of the journal.
func (b *Box) UpgradeEvent(e UpgradeEntry, args map[string]any) {
	kind, known := map[string]event.Kind{"written": event.UpgradeWritten, "refused": event.UpgradeRefused, "armed": event.UpgradeArmed,
		"started": event.UpgradeTrial, "good": event.UpgradeGood, "fell_back": event.UpgradeFellBack}[e.Event]
	if !known {
		return
	}
	all := map[string]any{"source": "outside", "slot": e.Slot, "version": e.Version, "reason": e.Reason, "error": e.Reason, "by": e.Actor}
	for k, v := range args {
		all[k] = v
	}
	b.happened(kind, event.Object("slot", e.Slot), all)
	b.upgradeChanged()
}

// upgrader returns what has the slots, and why there is nothing.
func (b *Box) upgrader(c api.Call) (Upgrader, error) {
	if err := unscoped(c, "the firmware"); err != nil {
		return nil, err
	}
	if b.cfg.Upgrades == nil {
		return nil, api.Errorf(api.CodeFailed, "upgrade.unavailable", "this box cannot be upgraded here: %s", b.showUpgrade().Why)
	}
	if s := b.cfg.Upgrades.Show(); !s.Available {
		return nil, api.Errorf(api.CodeFailed, "upgrade.unavailable", "this box cannot be upgraded here: %s", s.Why)
	}
	return b.cfg.Upgrades, nil
}

// upgradeLock refuses what must not be done while versions are on trial, because it
// would be lost if the box goes back, or while both boxes of a pair are upgraded.
func (b *Box) upgradeLock() error {
	if b.cfg.Upgrades == nil {
		return nil
	}
	if p := b.pairNow(); p != nil {
		return api.Errorf(api.CodeLocked, "upgrade.locked", "locked by upgrade: both boxes are being upgraded to version %s; wait, or stop that with evener upgrade pair stop", p.Version)
	}
	if s := b.cfg.Upgrades.Show(); s.Trial != nil {
		return api.Errorf(api.CodeLocked, "upgrade.locked", "locked by upgrade: version %s is on trial until its self-test has passed, and what is changed now might be lost; evener upgrade show tells how it does", s.Running.Version)
	}
	return nil
}

// upgradeBusy refuses what would cut off the writing of a bundle.
func (b *Box) upgradeBusy() error {
	b.upgrades.mu.Lock()
	defer b.upgrades.mu.Unlock()
	if p := b.upgrades.progress; p != nil {
		return api.Errorf(api.CodeLocked, "upgrade.locked", "locked by upgrade: a bundle is being written into slot %s; wait, or end that with evener upgrade cancel", p.Slot)
	}
	return nil
}

// upgradeProblems lists what of the versions needs attention.
func (b *Box) upgradeProblems() (out []Problem) {
	if b.cfg.Upgrades == nil {
		return nil
	}
	s := b.showUpgrade()
	add := func(kind, severity, object string, args map[string]any, format string, words ...any) {
		out = append(out, Problem{Kind: kind, Severity: severity, Object: object, Args: args, Text: fmt.Sprintf(format, words...)})
	}
	slot := event.Object("slot", s.Running.Slot)
	if t := s.Trial; t != nil {
		add("upgrade.trial", severityWarning, slot, map[string]any{"version": s.Running.Version}, "version %s is on trial: unless its self-test passes until %s UTC, the box goes back",
			s.Running.Version, t.Deadline.UTC().Format(time.TimeOnly))
	}
	if s.Running.Recovery {
		add("upgrade.recovery", severityError, slot, map[string]any{"slot": s.Running.Slot}, "neither slot is good: the boot loader has started slot %s for lack of another; bring a version that works", s.Running.Slot)
	}
	for _, x := range s.Slots {
		if x.State == SlotBad && x.Slot != s.Running.Slot && x.Reason != "" {
			add("upgrade.fell_back", severityWarning, event.Object("slot", x.Slot), map[string]any{"version": x.Version, "slot": x.Slot, "why": x.Reason},
				"version %s in slot %s was given up: %s", x.Version, x.Slot, x.Reason)
		}
	}
	if s.Unreadable != "" {
		add("upgrade.disk", severityWarning, "slot", map[string]any{"error": s.Unreadable}, "%s", s.Unreadable)
	}
	if p := s.Pair; p != nil && p.Step == PairStopped {
		add("upgrade.pair", severityWarning, "upgrade", map[string]any{"version": p.Version, "why": p.Why}, "the upgrade of both boxes has stopped: %s", p.Why)
	}
	return out
}

// collectUpgrade writes the state of the slots into the metrics.
func (b *Box) collectUpgrade(w *stats.Writer) {
	if b.cfg.Upgrades == nil {
		return
	}
	s := b.cfg.Upgrades.Show()
	if s.Available {
		w.Bool(stats.UpgradeTrial, s.Trial != nil)
		for _, x := range s.Slots {
			w.Bool(stats.SlotGood, x.State == SlotGood, x.Slot, x.Version)
		}
	}
}
