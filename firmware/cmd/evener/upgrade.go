// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/manage"
	"evener/firmware/upgrade"
	"evener/image/early"
	"evener/image/slot"
)

// storeFormat names the form of what lies in the folder store. It is to be another one
// as soon as a version before this one could not read what this one writes: a box that
// goes back then gets its store as it was.
const storeFormat = "1"

// upgradeDir is the folder of what is kept of upgrades.
func upgradeDir(state string) string { return filepath.Join(state, "upgrade") }

// An upgradeHost hands what package upgrade does to package manage.
type upgradeHost struct {
	*upgrade.Upgrades
	sticks upgrade.Sticks
	boot   string // id of this start of the box
	sim    bool
	image  string // what a simulated image says of itself

	box *manage.Box // set before Run
}

// openUpgrade finds the slots of the box, and what it lived through. It is called
// before the store is opened, which it may put back as it was.
func (e *engine) openUpgrade() *upgradeHost {
	h := &upgradeHost{sim: e.cfg.board == "sim", sticks: mountSticks}
	if e.cfg.orders {
		h.sticks = stickOrders(e.super())
	}
	cfg := upgrade.Config{Dir: upgradeDir(e.cfg.state), Store: filepath.Join(e.cfg.state, "store"), Board: e.cfg.board, Arch: runtime.GOARCH,
		Version: version, Format: storeFormat, Test: h.test, Reboot: h.reboot, Told: h.told,
		Cause: func() string { return causeOfStart(e.super()) }}
	boot, err := h.start(e.cfg.state, &cfg)
	if err != nil {
		cfg.Why = err.Error()
	}
	var slots upgrade.Slots
	if err == nil {
		cfg.Slot, cfg.Recovery = slot.Name(boot.Slot), boot.Recovery
		if slots, err = e.slots(boot.Disk); err != nil {
			cfg.Why = "its disk cannot be used: " + err.Error()
			e.log.Error("slots not known", "err", err)
		}
	}
	h.boot = cfg.BootID
	h.Upgrades = upgrade.Open(slots, cfg, e.log)
	return h
}

// slots returns those of the disk at path, or nil and why there are none. On an
// appliance process 1 has the disk.
func (e *engine) slots(path string) (upgrade.Slots, error) {
	if e.cfg.orders {
		return slotOrders{e.super(), filepath.Join(e.cfg.state, imageSocket)}, nil
	}
	d, err := slot.Open(path)
	if err != nil {
		return nil, err
	}
	return upgrade.OnDisk(d), nil
}

// start returns how the box was started, and fills in which keys it trusts.
func (h *upgradeHost) start(state string, cfg *upgrade.Config) (early.Boot, error) {
	if h.sim {
		boot, err := readSimBoot(state)
		if err != nil {
			return early.Boot{}, fmt.Errorf("the simulated disk was not started: %w", err)
		}
		h.sticks, h.image = simSticks(state), boot.Behave
		cfg.Version, cfg.BootID, cfg.Keys = boot.Version, boot.ID, simKeys()
		return boot.Boot, nil
	}
	boot, err := early.ReadBoot("/")
	if errors.Is(err, os.ErrNotExist) {
		return boot, errors.New("it is a program on another system, and not started from a slot of its own disk")
	}
	if err != nil {
		return boot, fmt.Errorf("how it was started is not known: %w", err)
	}
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return boot, fmt.Errorf("starts cannot be told apart: %w", err)
	}
	cfg.BootID = strings.TrimSpace(string(id))
	text, err := os.ReadFile(early.KeysFile)
	if err == nil {
		cfg.Keys, err = slot.ParseKeys(text)
	}
	if err != nil {
		return boot, fmt.Errorf("which keys sign its bundles is not known: %w", err)
	}
	return boot, nil
}

// causeOfStart returns what the hardware says of the end of the start before, ""
// where it says nothing or the supervisor does not answer soon.
func causeOfStart(super manage.Machine) string {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	var m manage.MachineShow
	if super.Call(ctx, "machine.show", struct{}{}, &m) != nil || m.Watchdog == nil {
		return ""
	}
	return strings.Join(m.Watchdog.Boot, ", ")
}

// test is the self-test of a version on trial.
func (h *upgradeHost) test(ctx context.Context) (out []upgrade.Check) {
	for _, c := range h.box.SelfTest(ctx) {
		out = append(out, upgrade.Check{Name: c.Name, OK: c.OK, Detail: c.Detail})
	}
	if h.image == simFails {
		out = append(out, upgrade.Check{Name: "simulated", Detail: "the simulated image was made to fail its self-test"})
	}
	return out
}

func (h *upgradeHost) reboot(ctx context.Context) { h.box.FellBack(ctx) }

func (h *upgradeHost) told(e upgrade.Entry, args map[string]any) {
	h.box.UpgradeEvent(upgradeEntry(e), args)
}

func upgradeEntry(e upgrade.Entry) manage.UpgradeEntry {
	return manage.UpgradeEntry{Time: e.Time, Actor: e.Actor, Event: e.Event, Slot: string(e.Slot), Version: e.Version, Reason: e.Reason}
}

// Run carries out a trial, if there is one.
func (h *upgradeHost) Run(ctx context.Context) error { return h.Upgrades.Run(ctx) }

// Show tells what there is to show.
func (h *upgradeHost) Show() manage.UpgradeShow {
	s := h.Upgrades.Show()
	r := s.Running
	out := manage.UpgradeShow{Available: s.Available, Rollback: s.Rollback, Simulated: h.sim, USBSticks: s.Available, Unreadable: s.Problem,
		Running: manage.UpgradeRunning{Slot: string(r.Slot), Version: r.Version, OK: r.OK, Try: r.Try, Recovery: r.Recovery, Boot: h.boot}}
	if !s.Available {
		out.Why = s.Why
	}
	for _, x := range s.Slots {
		m := x.Manifest
		one := manage.UpgradeSlot{Slot: string(x.Slot), Version: m.Version, Boards: append([]string{}, m.Boards...), State: x.State, Next: x.Next,
			SHA256: m.SHA256, Size: m.Size, Reason: x.Reason}
		one.Created, _ = time.Parse(time.RFC3339, m.Created) // of a manifest that was checked, or empty
		out.Slots = append(out.Slots, one)
	}
	for _, e := range s.Journal {
		out.Journal = append(out.Journal, upgradeEntry(e))
	}
	for _, k := range s.Keys {
		out.Keys = append(out.Keys, manage.UpgradeKey{ID: k.ID, Comment: k.Comment, Revoked: k.Revoked})
	}
	if t := s.Trial; t != nil {
		x := &manage.UpgradeTest{Checks: []manage.UpgradeCheck{}, Good: t.Good, Since: t.Since, Soak: api.Duration(t.Soak), Deadline: t.Deadline, GaveUp: t.GaveUp}
		for _, c := range t.Checks {
			x.Checks = append(x.Checks, manage.UpgradeCheck{Name: c.Name, OK: c.OK, Detail: c.Detail})
		}
		out.Trial = x
	}
	return out
}

// Take writes a bundle into the slot that does not run.
func (h *upgradeHost) Take(ctx context.Context, r io.Reader, o manage.UpgradeOrder, told func(manage.UpgradeProgress)) (manage.UpgradeWritten, error) {
	w, err := h.Upgrades.Take(ctx, r, upgrade.Order(o), func(p upgrade.Progress) {
		told(manage.UpgradeProgress{Step: p.Step, Slot: string(p.Slot), Version: p.Version, Done: p.Done, Total: p.Total})
	})
	return manage.UpgradeWritten{Slot: string(w.Slot), Version: w.Version, SHA256: w.SHA256}, refusal(err)
}

// refusal tells callers by its kind why an image is not taken.
func refusal(err error) error {
	var r *slot.Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &r):
		return api.Errorf(api.CodeFailed, "upgrade."+r.Code, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	case errors.Is(err, upgrade.ErrBusy), errors.Is(err, upgrade.ErrTrial):
		return api.Errorf(api.CodeLocked, "upgrade.locked", "locked by upgrade: %v", err)
	}
	return err
}

// Bundle reads what a slot holds as a bundle.
func (h *upgradeHost) Bundle(n string) (io.ReadCloser, int64, error) {
	return h.Upgrades.Bundle(slot.Name(n))
}

// Stick opens the newest bundle of the USB sticks.
func (h *upgradeHost) Stick(ctx context.Context) (io.ReadCloser, string, int64, error) {
	return h.Upgrades.Stick(ctx, h.sticks)
}

// Activate has a slot started next.
func (h *upgradeHost) Activate(ctx context.Context, n string, o manage.UpgradeOrder) error {
	name, err := slot.ParseName(n)
	if err != nil {
		return err
	}
	return refusal(h.Upgrades.Activate(ctx, name, upgrade.Order(o)))
}

// Note writes a line of the journal.
func (h *upgradeHost) Note(e manage.UpgradeEntry) {
	h.Upgrades.Note(upgrade.Entry{Time: e.Time, Actor: e.Actor, Event: e.Event, Slot: slot.Name(e.Slot), Version: e.Version, Reason: e.Reason})
}

// reach asks the box as others do: at its own API socket, and at its console.
func (e *engine) reach(ctx context.Context) (string, error) {
	var c manage.ConsoleInfo
	if err := callSocket(ctx, filepath.Join(e.cfg.state, api.EngineSocket), "cli", "API", "console.show", struct{}{}, &c); err != nil {
		return "", err
	}
	if len(c.Addresses) == 0 {
		return "the API answers; the console is off", nil
	}
	if len(c.Listening) == 0 {
		return "", fmt.Errorf("the console does not listen: %s", cmp.Or(c.Problem, c.State))
	}
	if err := askConsole(ctx, c.Listening[0]); err != nil {
		return "", fmt.Errorf("the console does not answer: %w", err)
	}
	return "the API and the console answer", nil
}
