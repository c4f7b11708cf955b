// SPDX-License-Identifier: Apache-2.0

// Package store keeps the revisions of the box's configuration, and the little
// state that must survive a restart: private drafts, admin states and weights,
// secrets. It does not know what a configuration means: to it, a text is bytes.
// It has no goroutine; the caller calls [Store.Tick] and acts on what it returns.
//
// # Life of a change
//
//	SetCandidate ──> Commit ──> confirmed                       (no timer)
//	                   │
//	                   └──> pending ──Confirm──> confirmed      (timed confirm)
//	                           │
//	                           └──Revert, Tick, Open──> reverted
//
// While a revision is pending it runs, and no other commit is taken. When it is
// reverted, the revision that was confirmed last runs again, under its old
// number; the reverted one stays in the history and says why it ended.
//
// # Restart within the window of a timed confirm
//
// Whoever asked for a confirm wants to be let in again whatever happens. So if
// the process dies, is killed or the power fails while a revision is pending,
// [Open] yields the revision confirmed before, and an [Event] says why; this
// needs no write, so it works on a full disk. Only a handover within
// one boot of the machine, [Store.Handover] and then Open, lets the window go
// on, with the time that was left. The time left is what counts, not the wall
// clock: a clock that is set back or forth during the window neither extends
// nor ends it, as long as the process lives. Across a handover the wall clock
// measures the gap, which a step back cannot make negative.
//
// # Files
//
// All under one directory, which one process at a time may open:
//
//	lock        held while the store is open; the text is the process's number
//	state.0/1   revisions, candidates, which one runs: the newer good copy counts
//	runtime.0/1 the key/value area, likewise
//	secrets.0/1 the keys, likewise
//	vault.0/1   what the vault has by name, likewise
//	vault/HASH  its data, under their SHA-256
//	texts/HASH  the texts, under their SHA-256
//
// A change writes its text, then its copy of the state: each into a temporary
// file that is synced, renamed over the older copy, and its directory synced.
// The rename of the state is the moment at which the change has happened. A
// power cut at any point leaves what was there before or after, never a third.
package store
