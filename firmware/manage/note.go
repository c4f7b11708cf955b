// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"time"

	"evener/firmware/api"
)

type noteParams struct {
	Method  string `json:"method" doc:"of the supervisor, or another word for what was done"`
	What    string `json:"what" doc:"in words"`
	Author  string `json:"author,omitempty" doc:"who did it; empty: the caller"`
	Outcome string `json:"outcome,omitempty" doc:"ok, or the kind of the error; ok"`
	Message string `json:"message,omitempty" doc:"of the error"`
	At      string `json:"at,omitempty" doc:"when it was done, as RFC 3339; empty: now"`
}

func (b *Box) addNote(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "audit.note", Purpose: "Writes into the audit log what was done outside of the engine, by the supervisor for one; over the Unix socket alone.",
		Role: api.Admin, Effect: api.System, Audit: "{method}: {what} ({outcome}) {message}"}, b.noteDone)
}

// noteDone has nothing to do: that it was called is the record.
func (b *Box) noteDone(ctx context.Context, c api.Call, p noteParams) (struct{}, error) {
	if c.Session != "" {
		return struct{}{}, api.Errorf(api.CodeForbidden, "auth.local", "the box itself notes what was done outside of the engine")
	}
	if p.At != "" {
		at, err := time.Parse(time.RFC3339, p.At)
		if err != nil {
			return struct{}{}, api.Errorf(api.CodeParams, "params.at", "at must be a time such as 2006-01-02T15:04:05Z, not %q", p.At)
		}
		if time.Since(at).Abs() > 10*time.Second { // the record has its own time
			api.ChangeOf(ctx).Note = doneAt + at.UTC().Format(time.RFC3339)
		}
	}
	if p.Author != "" {
		api.ChangeOf(ctx).User = p.Author
	}
	return struct{}{}, nil
}
