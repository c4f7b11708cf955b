// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"evener/image/slot"
)

// Config says what the box is. Zero fields take the default beside them.
type Config struct {
	Dir   string // of the journal and the copies of the store
	Store string // folder of the configuration store; empty: none is copied

	Board   string
	Arch    string
	Version string // that runs
	Format  string // of the store of this version: another one cannot read it
	Keys    slot.Keys

	Slot     slot.Name // that runs, by the kernel's command line; empty: none
	Recovery bool      // likewise: the boot loader had no slot left to try
	Why      string    // why there is no disk; shown to people

	Soak     time.Duration // 30s, for which every check must pass
	Deadline time.Duration // 10m, after which a trial has failed
	BootID   string        // the kernel's

	Cause  func() string                   // what ended the start before, if it is known; nil: never
	Test   func(context.Context) []Check   // the self-test; nil: a trial never ends by itself
	Reboot func(context.Context)           // asked for once a version is given up
	Told   func(e Entry, a map[string]any) // hears of each line of the journal, once Run runs; it must not call back
}

// A Check is one part of the self-test.
type Check struct {
	Name   string
	OK     bool
	Detail string // what was found, for people
}

// Upgrades has the slots of a box.
type Upgrades struct {
	disk Slots // nil: there are none; used by who holds busy
	cfg  Config
	log  *slog.Logger

	busy sync.Mutex // held while the slots or the boot state are written; before mu

	mu      sync.Mutex // guards what follows
	journal *journal
	boot    slot.State
	heads   [2]head           // A, B
	trial   *trial            // nil: the version that runs is good
	damage  error             // of the boot state, as it was read last
	trouble map[string]string // what is wrong, by what it is about
	untold  []told            // before Run
	running bool              // Run runs
}

// A head is what a slot holds, as it was read last.
type head struct {
	header slot.Header
	err    error
	fault  slot.Fault
	gaveUp bool // fault counts
}

type told struct {
	e    Entry
	args map[string]any
}

// Errors that callers may look at.
var (
	ErrBusy  = errors.New("an update is being written; wait, or cancel that")
	ErrTrial = errors.New("the version that runs is on trial, and the other slot is the way back; wait for its self-test")
)

// Open reads the journal and the slots, and finds out what the box lived
// through. It must be called before the store is opened: it keeps a copy of the
// store for the slot that ran before, or puts one back. disk is nil on a box
// that does not run from slots. There is no error: what is wrong is logged and
// shown, and the box runs.
func Open(disk Slots, cfg Config, log *slog.Logger) *Upgrades {
	u := &Upgrades{disk: disk, cfg: cfg, log: log, trouble: map[string]string{}}
	if u.cfg.Soak <= 0 {
		u.cfg.Soak = 30 * time.Second
	}
	if u.cfg.Deadline <= 0 {
		u.cfg.Deadline = 10 * time.Minute
	}
	var damage error
	u.journal, damage = openJournal(cfg.Dir)
	u.check("journal read", damage)
	if disk == nil {
		return u
	}
	u.busy.Lock()
	defer u.busy.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.refresh()
	u.started()
	return u
}

// check logs what is wrong with a thing and keeps it to be shown, until it is
// right again.
func (u *Upgrades) check(thing string, err error) {
	if err == nil {
		delete(u.trouble, thing)
		return
	}
	u.log.Error("upgrades in trouble", "with", thing, "err", err)
	u.trouble[thing] = sentence(err)
}

// problem is all that is wrong. The caller holds mu.
func (u *Upgrades) problem() string {
	var list []string
	for _, thing := range slices.Sorted(maps.Keys(u.trouble)) {
		list = append(list, u.trouble[thing])
	}
	return strings.Join(list, "; ")
}

// refresh reads the slots and the boot state. The caller holds both locks.
func (u *Upgrades) refresh() {
	u.boot, u.damage = u.disk.Boot()
	u.check("boot state", u.damage)
	for i, n := range []slot.Name{slot.A, slot.B} {
		h := head{}
		h.header, h.err = u.disk.Slot(n)
		h.fault, h.gaveUp = u.disk.Fault(n)
		u.heads[i] = h
	}
}

func (u *Upgrades) head(n slot.Name) head {
	if n == slot.B {
		return u.heads[1]
	}
	return u.heads[0]
}

// note adds a line to the journal, which the caller saves.
func (u *Upgrades) note(e Entry, args map[string]any) {
	e.Time = time.Now().UTC()
	u.journal.Entries = append(u.journal.Entries, e)
	u.log.Info("upgrade noted", "event", e.Event, "slot", e.Slot, "version", e.Version, "by", e.Actor, "reason", e.Reason)
	u.untold = append(u.untold, told{e, args})
}

// save writes the journal; that it cannot is shown, and decides nothing.
func (u *Upgrades) save() error {
	err := u.journal.save()
	u.check("journal", err)
	return err
}

// tell hands the new lines on, without a lock.
func (u *Upgrades) tell() {
	u.mu.Lock()
	if !u.running || u.cfg.Told == nil {
		u.mu.Unlock()
		return
	}
	list := u.untold
	u.untold = nil
	u.mu.Unlock()
	for _, t := range list {
		u.cfg.Told(t.e, t.args)
	}
}

// policy is what an image must be to be taken. The caller holds mu.
func (u *Upgrades) policy(downgrade bool) slot.Policy {
	return slot.Policy{Keys: u.cfg.Keys.Revoke(u.journal.Revoked...), Board: u.cfg.Board, Arch: u.cfg.Arch,
		Version: u.cfg.Version, RollbackIndex: u.journal.Rollback, Downgrade: downgrade}
}

// Note adds a line to the journal.
func (u *Upgrades) Note(e Entry) {
	u.mu.Lock()
	u.note(e, nil)
	_ = u.save() // logged and shown
	u.mu.Unlock()
	u.tell()
}

// SetTimes changes the length of a trial: for how long every check must pass,
// and when it has failed. Zero leaves one as it is.
func (u *Upgrades) SetTimes(soak, deadline time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if soak > 0 {
		u.cfg.Soak = soak
	}
	if deadline > 0 {
		u.cfg.Deadline = deadline
	}
}

// wayBack returns the slot that runs if the one that runs is given up; ok is
// false if there is none that could.
func (u *Upgrades) wayBack() (slot.Name, bool) {
	n := u.cfg.Slot.Other()
	return n, u.head(n).err == nil && u.boot.Usable(n) && !u.cfg.Recovery
}

// sentence joins the lines of an error.
func sentence(err error) string {
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}

// bootID returns the kernel's name of this start.
func (c Config) bootID() string {
	if c.BootID != "" {
		return c.BootID
	}
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// kept is where the store is copied to that the version in n had.
func (c Config) kept(n slot.Name) string { return filepath.Join(c.Dir, "store."+string(n)) }

func addMissing(list []string, more ...string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}
