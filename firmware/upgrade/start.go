// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"context"
	"fmt"
	"slices"

	"evener/image/slot"
)

// started finds out what the box lived through since the journal was written.
// The caller holds both locks.
func (u *Upgrades) started() {
	if u.cfg.Slot == "" {
		return
	}
	u.finishRestore()
	again := u.sameBoot()
	armed := u.journal.Armed
	if u.damage != nil && armed == nil {
		u.mend()
	}
	switch {
	case armed == nil && u.boot.Good(u.cfg.Slot):
		u.rememberGood() // of a factory, too
	case armed == nil:
		u.unannounced(again)
	case armed.Slot == u.cfg.Slot && u.boot.Good(u.cfg.Slot) && armed.GaveUp == "":
		u.keep("", "it was marked good before the power was lost")
	case armed.Slot == u.cfg.Slot:
		u.cameUp(armed, again)
	case u.boot.First == armed.Slot && u.boot.Usable(armed.Slot):
		u.passedOver(armed, again)
	case !u.wasTried(armed):
		u.note(Entry{Event: EventDisarmed, Slot: armed.Slot, Version: armed.Version,
			Reason: "the box stopped before the boot loader was told to start it"}, nil)
		u.journal.Armed = nil
	default:
		u.fellBack(armed)
	}
	if u.cfg.Recovery && !again {
		u.note(Entry{Event: EventRecovery, Slot: u.cfg.Slot, Version: u.cfg.Version,
			Reason: "neither slot came up in three tries, and the boot loader starts this one for lack of another"}, nil)
	}
	_ = u.save() // logged and shown
}

// mend writes a boot state that was damaged anew, if the journal knows that the
// image in the slot that runs is good. Else that is a matter for a trial.
func (u *Upgrades) mend() {
	n, other := u.cfg.Slot, u.cfg.Slot.Other()
	if !u.knownGood(n) {
		return
	}
	s := slot.State{First: n}.With(n, true, 0).With(other, u.knownGood(other), slot.MaxTries)
	s.Reset = u.boot.Reset
	why := sentence(u.damage)
	err := u.disk.SetBoot(s)
	u.refresh()
	if err != nil {
		u.check("boot state", err)
		return
	}
	u.note(Entry{Event: EventMended, Slot: n, Version: u.cfg.Version,
		Reason: "the boot state was damaged, and is written anew from what the journal knows: " + why}, nil)
}

// knownGood reports whether the image that n holds is one that was marked good.
func (u *Upgrades) knownGood(n slot.Name) bool {
	h := u.head(n)
	return h.err == nil && !h.gaveUp && slices.Contains(u.journal.Good, h.header.Manifest.SHA256)
}

// sameBoot reports whether this start of the machine was seen already, by a
// process before this one.
func (u *Upgrades) sameBoot() bool {
	id := u.cfg.bootID()
	again := id != "" && id == u.journal.Boot
	u.journal.Boot = id
	return again
}

// unannounced begins a trial that no journal knows of: a fresh image, or a
// state partition that was made anew.
func (u *Upgrades) unannounced(again bool) {
	u.journal.Armed = &trialNote{Slot: u.cfg.Slot, Version: u.cfg.Version, From: u.cfg.Slot.Other(), Starts: 1, Copied: true}
	u.trial = &trial{}
	if !again {
		u.note(Entry{Event: EventStarted, Slot: u.cfg.Slot, Version: u.cfg.Version,
			Reason: "it has never passed a self-test, and no journal says why it runs"}, u.tryArgs())
	}
}

func (u *Upgrades) tryArgs() map[string]any { return map[string]any{"try": u.boot.Tries(u.cfg.Slot)} }

// cameUp goes on with the trial of the slot that was armed.
func (u *Upgrades) cameUp(armed *trialNote, again bool) {
	u.trial = &trial{}
	armed.Format = u.cfg.Format
	if !again {
		armed.Starts++
		reason := fmt.Sprintf("try %d of %d", u.boot.Tries(u.cfg.Slot), slot.MaxTries)
		if why := u.cause(); armed.Starts > 1 && why != "" {
			reason += "; the start before ended so: " + why
		}
		u.note(Entry{Event: EventStarted, Slot: armed.Slot, Version: armed.Version, Reason: reason}, u.tryArgs())
	}
	if armed.Copied || u.cfg.Store == "" {
		return
	}
	err := copyTree(u.cfg.Store, u.cfg.kept(armed.From))
	if err != nil {
		err = fmt.Errorf("the configuration could not be kept for slot %s, should this version be given up: %w", armed.From, err)
	}
	u.check("copy of the configuration", err)
	armed.Copied = err == nil
}

func (u *Upgrades) cause() string {
	if u.cfg.Cause == nil {
		return ""
	}
	return u.cfg.Cause()
}

// passedOver notes that the armed slot will be tried at another start.
func (u *Upgrades) passedOver(armed *trialNote, again bool) {
	if again {
		return
	}
	u.note(Entry{Event: EventOther, Slot: armed.Slot, Version: armed.Version,
		Reason: fmt.Sprintf("slot %s was started by hand; slot %s is tried at the next start", u.cfg.Slot, armed.Slot)}, nil)
}

// wasTried reports whether the boot loader ever heard of the armed slot. It
// did if that stands first with all its tries used, or if somebody put the
// order back and said why.
func (u *Upgrades) wasTried(armed *trialNote) bool {
	return u.boot.First == armed.Slot || armed.GaveUp != "" || armed.Starts > 0 || u.head(armed.Slot).gaveUp
}

// fellBack puts everything back as it was before the trial.
func (u *Upgrades) fellBack(armed *trialNote) {
	reason := u.whyFellBack(armed)
	if armed.Copied && armed.Format != "" && armed.Format != u.cfg.Format && armed.From == u.cfg.Slot {
		u.journal.Restore = u.cfg.Slot
		if u.save() == nil {
			u.finishRestore()
		}
	}
	s := u.boot
	if s.First == armed.Slot || s.Usable(armed.Slot) || !u.head(armed.Slot).gaveUp {
		f := slot.Fault{Reason: reason, By: "journal", Version: armed.Version}
		u.check("mark", u.disk.MarkBad(armed.Slot, f))
		u.refresh()
	}
	u.note(Entry{Event: EventFellBack, Slot: armed.Slot, Version: armed.Version, Reason: reason},
		map[string]any{"running": u.cfg.Version, "starts": armed.Starts})
	u.journal.Armed = nil
	if !u.boot.Good(u.cfg.Slot) { // the one before was not good either
		u.unannounced(false)
	}
}

// whyFellBack is the reason in words, from whoever knows it best.
func (u *Upgrades) whyFellBack(armed *trialNote) string {
	if armed.GaveUp != "" {
		return armed.GaveUp
	}
	if h := u.head(armed.Slot); h.gaveUp {
		return h.fault.Reason
	}
	name := fmt.Sprintf("slot %s (%s)", armed.Slot, armed.Version)
	var reason string
	tries := u.boot.Tries(armed.Slot)
	switch {
	case armed.Starts == 0:
		reason = fmt.Sprintf("%s was started %d times and never got as far as its self-test", name, tries)
		// The boot loader uses up all tries at once where it cannot read the slot.
		if err := u.disk.Verify(context.Background(), armed.Slot, u.policy(false).Keys, nil); err != nil {
			reason = fmt.Sprintf("%s could not be started: %s", name, sentence(err))
		}
	case armed.Starts < tries:
		reason = fmt.Sprintf("%s was started %d times, got as far as its self-test %d times, and the box restarted before that had passed",
			name, tries, armed.Starts)
	default:
		reason = fmt.Sprintf("%s was started %d times, and each time the box restarted before its self-test had passed", name, tries)
	}
	if armed.Checks != "" {
		reason += "; " + armed.Checks
	}
	if why := u.cause(); why != "" {
		reason += "; the last start ended so: " + why
	}
	return reason
}

// finishRestore puts back the configuration that the slot that runs had, if a
// fall back, this or one that a loss of power ended, has ordered it.
func (u *Upgrades) finishRestore() {
	n := u.journal.Restore
	if n == "" {
		return
	}
	if n == u.cfg.Slot && u.cfg.Store != "" {
		if err := restoreTree(u.cfg.kept(n), u.cfg.Store, u.cfg.Dir); err != nil {
			u.check("configuration", fmt.Errorf(
				"the configuration of slot %s could not be put back (%w); a copy is in %s", n, err, u.cfg.kept(n)))
			return
		}
		u.note(Entry{Event: EventRestored, Slot: n, Version: u.cfg.Version,
			Reason: "the version that was given up had changed the form of the configuration; it is as it was before the update"}, nil)
	}
	u.journal.Restore = ""
	_ = u.save() // logged and shown
}
