// SPDX-License-Identifier: Apache-2.0

// Package upgrade takes new versions of the firmware into the slot that does
// not run, has it started on trial, and decides whether it is kept. It knows
// the slots (image/slot) and a journal of its own; it does not know what a
// version must be able to do (the self-test is handed in), who may order what,
// or how a box is rebooted.
//
// # Life of a version
//
//	Take ──> spare ──Activate──> trying ──self-test──> good
//	                               │
//	                               └── 3 starts, self-test fails, GiveUp ──> bad,
//	                                   and the slot that was good runs again
//
// [Open] finds out, from the boot state and the journal, which of these the box
// just lived through; [Upgrades.Run] carries out a trial. Nothing is decided by
// the wall clock: starts are told apart by the kernel's boot id, and a trial is
// measured in time since it began. Times in the journal are for people.
//
// # Files
//
// All in one folder:
//
//	journal.0/1  what was ordered and what came of it: the newer good copy counts
//	store.A      the configuration as the version in slot A last had it,
//	             copied before another one touches it; likewise store.B
//	store.left   the configuration that a version left which was given up, if
//	             the one before had to be put back
//
// Each change is a file written beside, synced and renamed. A loss of power at
// any point leaves the journal before or after; what was half done on the disk
// is finished or undone at the next Open.
package upgrade
