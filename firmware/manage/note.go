// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"

	"evener/firmware/api"
)

type noteParams struct {
	Method  string `json:"method" doc:"of the supervisor, or another word for what was done"`
	What    string `json:"what" doc:"in words"`
	Author  string `json:"author,omitempty" doc:"who did it; empty: the caller"`
	Outcome string `json:"outcome,omitempty" doc:"ok, or the kind of the error; ok"`
	Message string `json:"message,omitempty" doc:"of the error"`
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
	if p.Author != "" {
		api.ChangeOf(ctx).User = p.Author
	}
	return struct{}{}, nil
}
