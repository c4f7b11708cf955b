// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"evener/firmware/durable"
	"evener/image/slot"
)

// maxEntries is how many lines the journal keeps; maxJournal is its size in
// bytes that is read at most.
const (
	maxEntries = 200
	maxJournal = 1 << 20
)

// An Entry is one line of the journal.
type Entry struct {
	Time    time.Time `json:"time"` // as the clock was; it may have been wrong
	Actor   string    `json:"actor,omitempty"`
	Event   string    `json:"event"` // one of the Event constants
	Slot    slot.Name `json:"slot,omitempty"`
	Version string    `json:"version,omitempty"`
	Reason  string    `json:"reason,omitempty"` // a sentence
}

// The events of the journal.
const (
	EventWritten   = "written"   // a bundle is in the spare slot
	EventRefused   = "refused"   // a bundle was not taken
	EventCancelled = "cancelled" // the writing was ended by a person
	EventArmed     = "armed"     // a slot starts next, on trial
	EventDisarmed  = "disarmed"  // the slot that runs starts next after all
	EventStarted   = "started"   // a version came up on trial
	EventOther     = "other"     // the armed slot was passed over by hand
	EventGood      = "good"      // it is kept
	EventGaveUp    = "gave_up"   // it will not be started again; a reboot follows
	EventFellBack  = "fell_back" // the slot that was good runs again
	EventRestored  = "restored"  // with its configuration as it was
	EventRecovery  = "recovery"  // neither slot could be tried any more
	EventMended    = "mended"    // a damaged boot state was written anew
	EventReset     = "reset"     // the next start makes state and data anew
)

// A trialNote is what the journal knows of a slot that was armed.
type trialNote struct {
	Slot    slot.Name `json:"slot"`
	Version string    `json:"version"`
	From    slot.Name `json:"from"` // that ran and armed it
	By      string    `json:"by,omitempty"`
	Starts  int       `json:"starts"`            // that got as far as Open
	Copied  bool      `json:"copied,omitempty"`  // store.<From> is what From left
	Format  string    `json:"format,omitempty"`  // of the store, of the version on trial
	Checks  string    `json:"checks,omitempty"`  // that did not pass when last looked at
	GaveUp  string    `json:"gave_up,omitempty"` // the reason, once it is decided
}

// A record is the content of the journal.
type record struct {
	Entries  []Entry    `json:"entries"`
	Armed    *trialNote `json:"armed,omitempty"`
	Boot     string     `json:"boot,omitempty"` // id of the last start that Open saw
	Good     []string   `json:"good,omitempty"` // SHA-256 of the images in the slots that were marked good
	Rollback int        `json:"rollback_index"`
	Revoked  []string   `json:"revoked,omitempty"`
	Restore  slot.Name  `json:"restore,omitempty"` // store.<this> is being put back
}

// A journal is a record in two copies, each with a number and a checksum; a
// save goes over the older one.
type journal struct {
	dir string
	seq uint64
	record
}

// openJournal reads the newer good copy. damage says which could not be used;
// without any, the journal is empty.
func openJournal(dir string) (j *journal, damage error) {
	j = &journal{dir: dir}
	var errs []error
	for i := range uint64(2) {
		seq, r, err := readCopy(j.file(i))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			errs = append(errs, fmt.Errorf("journal of upgrades: %s: %w", filepath.Base(j.file(i)), err))
		case seq > j.seq:
			j.seq, j.record = seq, r
		}
	}
	return j, errors.Join(errs...)
}

func (j *journal) file(seq uint64) string {
	return filepath.Join(j.dir, fmt.Sprintf("journal.%d", seq%2))
}

func readCopy(name string) (seq uint64, r record, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return 0, r, err
	}
	if info.Size() > maxJournal {
		return 0, r, fmt.Errorf("%d bytes are too many", info.Size())
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return 0, r, err
	}
	return parseCopy(b)
}

// parseCopy reads a first line with number and SHA-256 and the record behind.
func parseCopy(b []byte) (seq uint64, r record, err error) {
	head, text, _ := bytes.Cut(b, []byte("\n"))
	var sum string
	if n, _ := fmt.Sscanf(string(head), "evener 1 upgrades %d %s", &seq, &sum); n != 2 {
		return 0, r, errors.New("the first line is not that of a journal")
	}
	if !bytes.Equal(b, formatCopy(seq, text)) {
		return 0, r, errors.New("the checksum does not match")
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return 0, r, err
	}
	return seq, r, nil
}

func formatCopy(seq uint64, text []byte) []byte {
	head := fmt.Appendf(nil, "evener 1 upgrades %d ", seq)
	sum := sha256.Sum256(append(bytes.Clone(head), text...))
	return append(fmt.Appendf(head, "%x\n", sum), text...)
}

// save writes the record. After an error the old one counts on the disk.
func (j *journal) save() error {
	if n := len(j.Entries) - maxEntries; n > 0 {
		j.Entries = append([]Entry(nil), j.Entries[n:]...)
	}
	text, err := json.MarshalIndent(j.record, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return fmt.Errorf("journal of upgrades: %w", err)
	}
	if err := durable.Replace(j.file(j.seq+1), formatCopy(j.seq+1, text), 0o600); err != nil {
		return fmt.Errorf("journal of upgrades: %w", err)
	}
	j.seq++
	return nil
}
