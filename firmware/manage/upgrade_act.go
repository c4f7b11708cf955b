// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"time"

	"evener/firmware/api"
)

// activateLimit is how long it may take to read a whole slot, from a slow disk too.
const activateLimit = time.Minute

// activate has a slot started next. While the version that runs is on trial, starting
// the other one is to give it up.
func (b *Box) activate(ctx context.Context, c api.Call, p upgradeActivateParams) (UpgradeShow, error) {
	if _, err := b.upgrader(c); err != nil {
		return UpgradeShow{}, err
	}
	if p := b.pairNow(); p != nil {
		return UpgradeShow{}, b.upgradeLock()
	}
	api.ChangeOf(ctx).Object = "slot/" + p.Slot
	if p.Downgrade && c.Session != "" {
		return UpgradeShow{}, errDowngrade
	}
	if err := b.activateSlot(ctx, p.Slot, c.Author, p.Downgrade); err != nil {
		return UpgradeShow{}, err
	}
	if p.Reboot {
		if err := b.rebootFor(ctx); err != nil {
			return UpgradeShow{}, err
		}
	}
	return b.showUpgrade(), nil
}

// activateSlot makes a slot the next to start.
func (b *Box) activateSlot(ctx context.Context, slot, by string, downgrade bool) error {
	if err := b.upgradeBusy(); err != nil {
		return err
	}
	s := b.cfg.Upgrades.Show()
	if slot != "A" && slot != "B" {
		return api.Errorf(api.CodeParams, "params.slot", "there are the slots A and B, not %q", slot)
	}
	if s.Trial != nil && slot != s.Running.Slot {
		if err := b.cfg.Upgrades.GiveUp(by, by+" has ordered to go back"); err != nil {
			return upgradeError(err)
		}
		return nil
	}
	if slot == s.Running.Slot && s.Trial != nil {
		return api.Errorf(api.CodeConflict, "upgrade.trial", "slot %s runs on trial already; evener upgrade good ends that", slot)
	}
	if err := b.noteBefore(); err != nil {
		return api.Errorf(api.CodeFailed, "upgrade.note", "what works now could not be noted, and the self-test would not know it: %v", err)
	}
	return upgradeError(b.cfg.Upgrades.Activate(ctx, slot, UpgradeOrder{By: by, Downgrade: downgrade}))
}

// rebootFor reboots the box once the answer of the call has left.
func (b *Box) rebootFor(ctx context.Context) error {
	if err := b.askMachine(ctx, "power.reboot", struct{}{}, nil); err != nil {
		e := api.AsError(err)
		return api.Errorf(api.CodeFailed, "upgrade.reboot", "the slot is chosen, but the box was not rebooted: %s; reboot it", e.Message)
	}
	return nil
}

// keepVersion ends a trial.
func (b *Box) keepVersion(_ context.Context, c api.Call, _ struct{}) (UpgradeShow, error) {
	up, err := b.upgrader(c)
	if err != nil {
		return UpgradeShow{}, err
	}
	if s := up.Show(); s.Trial == nil {
		return UpgradeShow{}, api.Errorf(api.CodeConflict, "upgrade.no_trial", "version %s is not on trial", s.Running.Version)
	}
	if err := up.Good(c.Author, c.Author+" has ordered it, whatever the self-test finds"); err != nil {
		return UpgradeShow{}, upgradeError(err)
	}
	return b.showUpgrade(), nil
}

// FellBack reboots the box into the other slot: the self-test has failed for good.
func (b *Box) FellBack(ctx context.Context) {
	for ctx.Err() == nil {
		err := b.askMachine(ctx, "power.reboot", struct{}{}, nil)
		if err == nil {
			return
		}
		b.log.Error("box not rebooted into its other slot", "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Second):
		}
	}
}
