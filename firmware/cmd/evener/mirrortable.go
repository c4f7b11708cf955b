// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"evener/firmware/manage"
	"evener/firmware/store"
	"evener/ha/mirror"
)

// A tableRecords hands what a table of the box says to the mirror.
type tableRecords struct{ t *manage.MirrorTable }

func (r tableRecords) Snapshot(ctx context.Context, yield func(key, value []byte) bool) error {
	return r.t.Snapshot(ctx, yield)
}

func (r tableRecords) Apply(origin string, changes []mirror.Change) error {
	list := make([]manage.MirrorChange, len(changes))
	for i, c := range changes {
		list[i] = manage.MirrorChange(c)
	}
	return r.t.Apply(origin, list)
}

// A replacedRecords are of a table in which each box tells of itself.
type replacedRecords struct{ tableRecords }

func (r replacedRecords) SnapshotBegin(origin string) { r.t.Begin(origin) }
func (r replacedRecords) SnapshotEnd(origin string)   { r.t.End(origin) }

func recordsOf(t *manage.MirrorTable) mirror.Records {
	if t.Begin != nil {
		return replacedRecords{tableRecords{t}}
	}
	return tableRecords{t}
}

// A repository is the shared configuration of the box.
type repository struct{ box *manage.Box }

func (r repository) Current(ctx context.Context) (mirror.Revision, error) {
	s, err := r.box.Shared(ctx)
	return mirror.Revision{Text: s.Text, Number: s.Number, Who: s.Who, When: s.When, Comment: s.Comment}, err
}

func (r repository) Apply(ctx context.Context, t mirror.Take) error {
	err := r.box.TakeShared(ctx, manage.SharedTake(t))
	if errors.Is(err, manage.ErrSharedChanged) {
		return mirror.ErrChanged
	}
	return err
}

// objects take shared texts apart.
type objects struct{}

func (objects) Diff(base, mine, theirs string) ([]mirror.Difference, error) {
	list, err := manage.CompareShared(base, mine, theirs)
	out := make([]mirror.Difference, len(list))
	for i, d := range list {
		out[i] = mirror.Difference{Object: mirror.Object(d.HAObjRef), Mine: d.Mine, Theirs: d.Theirs, Who: d.Who}
	}
	return out, err
}

func (objects) Merge(into, from string, list []mirror.Object) (string, error) {
	refs := make([]manage.HAObjRef, len(list))
	for i, o := range list {
		refs[i] = manage.HAObjRef(o)
	}
	return manage.MergeShared(into, from, refs)
}

// bases keep the texts on which boxes agreed last.
type bases struct{ store *store.Store }

// A base is such a text, which may be empty.
type base struct {
	Text string `json:"text"`
}

func (b bases) Load(peer string) (text string, known bool, err error) {
	data, err := b.store.Vault().Load(mirrorBases + peer)
	if err != nil || data == nil {
		return "", false, err
	}
	var x base
	if err := json.Unmarshal(data, &x); err != nil {
		return "", false, fmt.Errorf("read what this box and %s agreed on: %w", peer, err)
	}
	return x.Text, true, nil
}

func (b bases) Save(peer, text string) error {
	data, err := json.Marshal(base{text})
	if err != nil {
		return err
	}
	return b.store.Vault().Save(mirrorBases+peer, data)
}
