// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"evener/firmware/api"
	"evener/firmware/audit"
	"evener/firmware/config"
	"evener/firmware/event"
	"evener/firmware/store"
)

// A SharedRevision is the shared part of the configuration in force.
type SharedRevision struct {
	Text    string
	Number  uint64    // of the revision that brought this shared part
	Who     string    // who committed it
	When    time.Time // and when
	Comment string
}

// A SharedTake is a shared part that another box has.
type SharedTake struct {
	Expect  string // SHA-256, in hex, of the shared part that it replaces
	Text    string
	Peer    string
	Author  string
	Comment string
}

// ErrSharedChanged means that the shared part is not what it was taken for.
var ErrSharedChanged = errors.New("the shared configuration has changed meanwhile")

// A sharedCache remembers the shared part of a revision.
type sharedCache struct {
	mu     sync.Mutex // guards what follows
	number uint64     // of the revision in force
	is     SharedRevision
}

// inForce returns the revision that counts for other boxes: the one that runs, or,
// while that waits for its confirm, the one before.
func (b *Box) inForce() (store.Revision, error) {
	if p, waits := b.cfg.Store.Pending(); waits {
		return b.cfg.Store.Revision(p.Revision.Parent)
	}
	return b.cfg.Store.Running(), nil
}

// Shared returns the shared part of the configuration in force. Who and When are of
// the first revision in a row that has it: a commit of what is this box's own makes
// nothing newer.
func (b *Box) Shared(context.Context) (SharedRevision, error) {
	rev, err := b.inForce()
	if err != nil {
		return SharedRevision{}, err
	}
	c := &b.shared
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.number == rev.Number && rev.Number != 0 {
		return c.is, nil
	}
	text, err := b.sharedOf(rev.Number)
	if err != nil {
		return SharedRevision{}, err
	}
	is := SharedRevision{text, rev.Number, rev.Author, rev.Time, rev.Comment}
	for n := rev.Parent; n != 0; {
		before, err := b.cfg.Store.Revision(n)
		if err != nil {
			break // it is not kept any more
		}
		if t, err := b.sharedOf(n); err != nil || t != text {
			break
		}
		is.Number, is.Who, is.When, is.Comment = before.Number, before.Author, before.Time, before.Comment
		n = before.Parent
	}
	c.number, c.is = rev.Number, is
	return is, nil
}

func (b *Box) sharedOf(n uint64) (string, error) {
	text, err := b.cfg.Store.Text(n)
	if err != nil {
		return "", err
	}
	shared, _, err := config.SplitShared(text)
	return string(shared), err
}

// TakeShared commits a shared part that another box has, beside what is this box's
// own. It returns ErrSharedChanged, and does nothing, where the part that it is to
// replace is not in force; another error says why this box cannot serve it.
func (b *Box) TakeShared(ctx context.Context, t SharedTake) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.drafts.Lock()
	defer b.drafts.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, waits := b.cfg.Store.Pending(); waits {
		return fmt.Errorf("revision %d waits for its confirm on this box: confirm it or take it back first", p.Revision.Number)
	}
	running := b.cfg.Store.Running()
	text, err := b.cfg.Store.Text(running.Number)
	if err != nil {
		return err
	}
	shared, local, err := config.SplitShared(text)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(shared); hex.EncodeToString(sum[:]) != t.Expect {
		return ErrSharedChanged
	}
	if string(shared) == t.Text {
		return nil
	}
	if t.Author == "" {
		t.Author = t.Peer
	}
	c := api.Call{Author: cutText(t.Author, 64), Origin: string(store.Mirrored), Role: api.Admin}
	whole := config.JoinShared([]byte(t.Text), local)
	done, err := b.serveNew(c, whole, false, true, func() (store.Revision, error) {
		return b.cfg.Store.CommitText(whole, store.CommitOptions{Author: c.Author, Origin: store.Mirrored, Comment: t.Comment, Base: running.Number})
	})
	rec := audit.Record{Time: time.Now(), User: c.Author, Origin: "engine", Remote: t.Peer, Method: "config.commit", Object: "config",
		What: "commit as on " + t.Peer, Before: revisionWord(running.Number), Outcome: audit.OK, Note: t.Comment}
	if err != nil {
		rec.Outcome, rec.Message, rec.Revision = "refused", err.Error(), running.Number
		b.keepRecord(rec)
		return refusal(err)
	}
	rec.After, rec.Revision = revisionWord(done.Revision.Number), done.Revision.Number
	b.keepRecord(rec)
	b.happened(event.ConfigMirrored, "config", map[string]any{"revision": done.Revision.Number, "peer": t.Peer, "by": t.Author})
	b.draftChanged()
	return nil
}

// refusal words why this box does not take a configuration: with the mistakes, as
// far as there are any.
func refusal(err error) error {
	e := api.AsError(err)
	text := e.Message
	for i, p := range e.Problems {
		if i == 3 {
			text += fmt.Sprintf("; and %d more", len(e.Problems)-i)
			break
		}
		text += "; " + p.Message
	}
	return errors.New(cutText(text, 1024))
}

// sharedChanged tells the mirror that there is a revision. mu is held.
func (b *Box) sharedChanged() {
	if b.cfg.Mirror != nil {
		b.cfg.Mirror.SharedChanged()
	}
}

// A SharedDifference is one object that differs between two shared texts.
type SharedDifference struct {
	HAObjRef
	Mine, Theirs string // its text; "": it is not there
	Who          string // mine, theirs or both
}

// CompareShared returns the objects in which two shared texts differ; base is the
// text when both were the same last, "" if they never were.
func CompareShared(base, mine, theirs string) ([]SharedDifference, error) {
	var from []byte
	if base != "" {
		from = []byte(base)
	}
	list, err := config.SharedDifferences(from, []byte(mine), []byte(theirs))
	if err != nil {
		return nil, err
	}
	m, bad := config.Objects([]byte(mine))
	t, worse := config.Objects([]byte(theirs))
	if bad.HasErrors() || worse.HasErrors() {
		return nil, append(bad, worse...)
	}
	out := make([]SharedDifference, len(list))
	for i, d := range list {
		out[i] = SharedDifference{HAObjRef: HAObjRef{d.Block, d.Name}, Who: d.Who}
		if d.Path == "" {
			continue
		}
		path, err := config.ParsePath(d.Path)
		if err != nil {
			return nil, err
		}
		if o := m.Find(path); o != nil {
			out[i].Mine = o.Text
		}
		if o := t.Find(path); o != nil {
			out[i].Theirs = o.Text
		}
	}
	return out, nil
}

// MergeShared returns the text into with the objects as from has them; what from has
// not goes.
func MergeShared(into, from string, objects []HAObjRef) (string, error) {
	list, err := config.SharedDifferences(nil, []byte(into), []byte(from))
	if err != nil {
		return "", err
	}
	choices := map[string]string{}
	for _, o := range objects {
		found := false
		for _, d := range list {
			if d.Block != o.Block || d.Name != o.Name {
				continue
			}
			if found = true; d.Path == "" {
				return from, nil // nothing but comments and form differs
			}
			choices[d.Path] = config.SharedTheirs
		}
		if !found {
			return "", fmt.Errorf("%s is the same in both texts", o)
		}
	}
	text, conflicts, err := config.MergeShared([]byte(from), []byte(into), []byte(from), choices)
	if err != nil {
		return "", err
	}
	if len(conflicts) > 0 {
		return "", fmt.Errorf("%s cannot be taken alone: take all that differs", conflicts[0].Path)
	}
	return string(text), nil
}
