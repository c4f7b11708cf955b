// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"time"

	"evener/firmware/api"
	"evener/firmware/phrase"
)

// The states of an UpgradeSlot.
const (
	SlotGood   = "good"   // it may be started, and has passed its self-test once
	SlotTrying = "trying" // it may be started, and has yet to pass its self-test
	SlotBad    = "bad"    // the boot loader does not choose it, or its content is damaged
	SlotEmpty  = "empty"  // nothing whole is in it
	SlotSpare  = "spare"  // a whole version is in it that was never armed
)

// The steps of an UpgradeProgress.
const (
	UpgradeTake   = "take"   // the bundle comes, is judged and written
	UpgradeVerify = "verify" // what was written is read back
	UpgradeArm    = "arm"    // the boot state is changed
	UpgradeTrial  = "trial"  // the new version runs, and tests itself
)

// An UpgradeShow is what people are shown of the versions of the box.
type UpgradeShow struct {
	Available  bool             `json:"available" doc:"the box runs from slots, and can be upgraded"`
	Why        string           `json:"why,omitempty" doc:"why not"`
	Running    UpgradeRunning   `json:"running"`
	Slots      []UpgradeSlot    `json:"slots" doc:"A and B"`
	Progress   *UpgradeProgress `json:"progress" doc:"what goes on; null: nothing"`
	Trial      *UpgradeTest     `json:"trial" doc:"the self-test of the version that runs; null: it is good"`
	Journal    []UpgradeEntry   `json:"journal" doc:"what happened, the newest first"`
	Pair       *UpgradePair     `json:"pair" doc:"the upgrade of this box and its peer; null: none was begun"`
	Rollback   int              `json:"rollback_index" doc:"the highest that was good on this box: an older one is refused"`
	Keys       []UpgradeKey     `json:"keys" doc:"whose signatures count"`
	Simulated  bool             `json:"simulated" doc:"the slots are in a file of the simulated board: the program itself stays the same"`
	USBSticks  bool             `json:"usb" doc:"the box can look for bundles on USB sticks"`
	PairWhy    string           `json:"pair_why" doc:"why both boxes cannot be upgraded with one order now; empty: they can"`
	Unreadable string           `json:"problem,omitempty" doc:"what is wrong with the disk or the journal; empty: nothing"`

	Said phrase.Words `json:"said,omitempty" says:"why,pair_why,problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// An UpgradeRunning is the version that runs.
type UpgradeRunning struct {
	Slot     string `json:"slot" doc:"A or B; empty: the box does not run from a slot"`
	Version  string `json:"version"`
	OK       bool   `json:"ok" doc:"it has passed its self-test"`
	Try      int    `json:"try" doc:"which of three tries this start is; 0: none, it was good before"`
	Recovery bool   `json:"recovery" doc:"the boot loader had no other slot left"`
	Boot     string `json:"boot" doc:"differs for each start of the box"`
}

// An UpgradeSlot is one of the places for a version.
type UpgradeSlot struct {
	Slot    string    `json:"slot" doc:"A or B"`
	Version string    `json:"version" doc:"empty: none"`
	Boards  []string  `json:"boards"`
	State   string    `json:"state" doc:"good, trying, bad, empty or spare"`
	Next    bool      `json:"next" doc:"the boot loader starts it next"`
	Created time.Time `json:"created,omitzero"`
	SHA256  string    `json:"sha256" doc:"of the image, hexadecimal: the same version twice is the same image"`
	Size    int64     `json:"size" doc:"of the image, in bytes"`
	Reason  string    `json:"reason,omitempty" doc:"of the state, for people"`

	Said phrase.Words `json:"said,omitempty" says:"reason" doc:"what the texts say, by field: kind and args, for translation"`
}

// An UpgradeProgress is how far an update has come.
type UpgradeProgress struct {
	Step    string    `json:"step" doc:"take, verify, arm or trial"`
	Slot    string    `json:"slot"`
	Version string    `json:"version" doc:"empty: not known yet"`
	Done    int64     `json:"done" doc:"bytes; seconds of a trial"`
	Total   int64     `json:"total" doc:"likewise; 0: not known"`
	Source  string    `json:"source" doc:"where the bundle comes from: upload, usb, the URL, or the peer's name"`
	By      string    `json:"by" doc:"who has begun it"`
	Since   time.Time `json:"since"`
}

// An UpgradeTest is the self-test of a version on trial.
type UpgradeTest struct {
	Checks   []UpgradeCheck `json:"checks"`
	Good     bool           `json:"good" doc:"all of them pass"`
	Since    time.Time      `json:"since" doc:"of being all good, or not"`
	Soak     api.Duration   `json:"soak" doc:"how long all must be good before the version counts as good"`
	Deadline time.Time      `json:"deadline" doc:"when the box goes back to the other slot, if it is not good by then"`
	GaveUp   string         `json:"gave_up,omitempty" doc:"why the box goes back now; empty: it does not"`

	Said phrase.Words `json:"said,omitempty" says:"gave_up" doc:"what the texts say, by field: kind and args, for translation"`
}

// An UpgradeCheck is one part of the self-test.
type UpgradeCheck struct {
	Name   string `json:"name" doc:"config, addresses, servers, management, peer or disk"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail" doc:"what was found, for people"`

	Said phrase.Words `json:"said,omitempty" says:"detail" doc:"what the texts say, by field: kind and args, for translation"`
}

// An UpgradeEntry is one line of the journal.
type UpgradeEntry struct {
	Time    time.Time `json:"time"`
	Actor   string    `json:"actor" doc:"who did it; empty: the box by itself"`
	Event   string    `json:"event" doc:"written, refused, armed, started, good, fell_back, cancelled ..."`
	Slot    string    `json:"slot"`
	Version string    `json:"version"`
	Reason  string    `json:"reason" doc:"in one sentence"`

	Said phrase.Words `json:"said,omitempty" says:"reason" doc:"what the texts say, by field: kind and args, for translation"`
}

// An UpgradeKey is one of those whose signatures count.
type UpgradeKey struct {
	ID      string `json:"id"`
	Comment string `json:"comment"`
	Revoked bool   `json:"revoked"`
}

// The steps of an UpgradePair, in their order.
const (
	PairCheck   = "check"   // everything is looked at, nothing is changed
	PairSend    = "send"    // the bundle goes to the peer
	PairPeer    = "peer"    // the box on standby installs it and starts it
	PairSoak    = "soak"    // it must stay good
	PairSwitch  = "switch"  // the groups move to it
	PairSelf    = "self"    // the other box installs it and starts it
	PairBack    = "back"    // that one must be good too, and the groups go home
	PairDone    = "done"    // both boxes run the version
	PairStopped = "stopped" // by a person, or by doubt: Why tells
)

// An UpgradePair is the upgrade of two boxes with one order.
type UpgradePair struct {
	ID      string     `json:"id"`
	Step    string     `json:"step" doc:"check, send, peer, soak, switch, self, back, done or stopped"`
	At      string     `json:"at" doc:"the step at which it stopped; the same as step while it goes on"`
	Version string     `json:"version" doc:"that both boxes are to run"`
	First   string     `json:"first" doc:"box that is upgraded first"`
	Second  string     `json:"second"`
	By      string     `json:"by" doc:"who has begun it"`
	Began   time.Time  `json:"began"`
	Since   time.Time  `json:"since" doc:"of the step"`
	Done    int64      `json:"done" doc:"of the step: bytes sent, or seconds"`
	Total   int64      `json:"total" doc:"likewise; 0: not known"`
	Why     string     `json:"why" doc:"what it waits for, or why it stopped, with what to do"`
	Steps   []PairStep `json:"steps" doc:"all of them, in their order"`

	Said phrase.Words `json:"said,omitempty" says:"why" doc:"what the texts say, by field: kind and args, for translation"`
}

// A PairStep is one step of an UpgradePair.
type PairStep struct {
	Step  string    `json:"step"`
	State string    `json:"state" doc:"waits, runs, done or failed"`
	Since time.Time `json:"since,omitzero"`
	Text  string    `json:"text" doc:"what was done or found"`

	Said phrase.Words `json:"said,omitempty" says:"text" doc:"what the texts say, by field: kind and args, for translation"`
}

type upgradeBeginParams struct {
	Size      int64 `json:"size" doc:"of the bundle, in bytes"`
	Downgrade bool  `json:"downgrade,omitempty" doc:"take a lower rollback index too; only at the box's own command line or serial console"`
}

// An UpgradeWritten is a version that is whole in its slot, and was not started yet.
type UpgradeWritten struct {
	Slot    string `json:"slot" doc:"A or B"`
	Version string `json:"version"`
	SHA256  string `json:"sha256" doc:"of the image, hexadecimal"`
}

// An UpgradeUpload is a bundle that is being sent.
type UpgradeUpload struct {
	ID    string `json:"id" doc:"for the other calls of the upload"`
	Chunk int    `json:"chunk" doc:"bytes of one chunk, at most"`
}

type upgradeChunkParams struct {
	ID     string `json:"id" doc:"of the upload"`
	Offset int64  `json:"offset" doc:"of the first byte of data in the bundle"`
	Data   string `json:"data" doc:"base64; 512 KiB at most before encoding" secret:"true"`
}

type upgradeEndParams struct {
	ID string `json:"id" doc:"of the upload"`
}

type upgradeFetchParams struct {
	URL string `json:"url" doc:"http:// or https:// of a bundle; its signature is what makes it trusted"`
}

type upgradeActivateParams struct {
	Slot   string `json:"slot" doc:"A or B"`
	Reboot bool   `json:"reboot,omitempty" doc:"start it now; otherwise at the next reboot"`

	Downgrade bool `json:"downgrade,omitempty" doc:"even if its rollback index is lower; only at the box's own command line or serial console"`
}

// A PairUpgrade is the upgrade of both boxes.
type PairUpgrade struct {
	Pair *UpgradePair `json:"pair" doc:"null: none was begun"`
	Why  string       `json:"why" doc:"why none can be begun now; empty: it can"`

	Said phrase.Words `json:"said,omitempty" says:"why" doc:"what the texts say, by field: kind and args, for translation"`
}

type upgradePairParams struct {
	Slot string       `json:"slot,omitempty" doc:"of this box, whose version both are to run; the newer of the two"`
	Soak api.Duration `json:"soak,omitempty" doc:"how long the first box must stay good before the groups move to it, 1s to 24h; 2m"`
	Stay bool         `json:"stay,omitempty" doc:"leave the groups on the box that was upgraded first"`
}
