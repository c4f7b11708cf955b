// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"time"
)

// Errors that callers tell apart. Those with facts are types.
var (
	ErrUnchanged   = errors.New("the text is that of the running revision: nothing to commit")
	ErrNoCandidate = errors.New("there is no candidate")
	ErrCandidate   = errors.New("there is a candidate already: discard or commit it first")
	ErrNotPending  = errors.New("no commit waits for a confirm")
	ErrNothingRuns = errors.New("no revision runs yet: the first commit cannot wait for a confirm")
	ErrClosed      = errors.New("the store is closed")

	// ErrUncertain wraps the error of a change when the disk failed both the
	// change and its undoing. In memory nothing has changed, and the next
	// successful write of any kind, or Tick, makes the disk agree; a power cut
	// before it may bring up the new state.
	ErrUncertain = errors.New("the disk may already hold the change")
)

// A ConflictError refuses a text that was made on a revision which no longer
// runs: committing it would undo somebody's work unseen.
type ConflictError struct {
	Base    uint64   // what the text was made on
	Running Revision // what runs now; Number 0 is nothing
}

// Error says who changed what runs, and when.
func (e *ConflictError) Error() string {
	r := e.Running
	if r.Number == 0 {
		return fmt.Sprintf("the change is based on revision %d, but none runs", e.Base)
	}
	s := fmt.Sprintf("the change is based on revision %d, but revision %d runs, by %s at %s",
		e.Base, r.Number, r.Author, r.Time.UTC().Format(time.RFC3339))
	if r.Comment != "" {
		s += fmt.Sprintf(" (%q)", r.Comment)
	}
	return s
}

// A PendingError refuses a commit while an earlier one waits for its confirm.
type PendingError struct {
	Pending PendingConfirm
}

// Error says whose confirm is awaited and how long.
func (e *PendingError) Error() string {
	r := e.Pending.Revision
	return fmt.Sprintf("revision %d waits for %s to confirm it, %v left",
		r.Number, r.Author, e.Pending.Left.Round(time.Second))
}

// A NotFoundError names a revision that is not, or no longer, in the history.
type NotFoundError struct {
	Number uint64
}

// Error says so.
func (e *NotFoundError) Error() string {
	return fmt.Sprintf("there is no revision %d in the history", e.Number)
}

// A LockedError refuses to open a directory that another process has open.
type LockedError struct {
	Dir string
	PID string // of the other process, if it could be read
}

// Error names the directory and the process.
func (e *LockedError) Error() string {
	if e.PID == "" {
		return fmt.Sprintf("state %s is in use by another process", e.Dir)
	}
	return fmt.Sprintf("state %s is in use by process %s", e.Dir, e.PID)
}

// A CorruptError names a file that is not what the store has written.
type CorruptError struct {
	File string
	Why  string
}

// Error says what is wrong with the file.
func (e *CorruptError) Error() string { return fmt.Sprintf("%s is damaged: %s", e.File, e.Why) }

// A LimitError refuses input that is too long or malformed.
type LimitError struct {
	What string // such as "author"
	Rule string // such as "must be 1 to 128 bytes without control characters"
}

// Error names the input and its rule.
func (e *LimitError) Error() string { return e.What + " " + e.Rule }
