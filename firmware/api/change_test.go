// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"log/slog"
	"testing"
)

func TestMethodsTellTheAuditLogWhatChanged(t *testing.T) {
	var got []Record
	reg := New(slog.New(slog.DiscardHandler), Config{Audit: func(r Record) { got = append(got, r) }})
	type none struct{}
	for _, m := range []Method{
		{Name: "x.change", Effect: Runtime, Audit: "change"},
		{Name: "x.export", Audit: "export"},
		{Name: "x.read"},
	} {
		m.Purpose, m.Role = "test", Viewer
		Add(reg, m, func(ctx context.Context, _ Call, _ none) (none, error) {
			*ChangeOf(ctx) = Change{Object: m.Name, Before: "a", After: "b"}
			return none{}, Errorf(CodeFailed, "bad", "no")
		})
	}
	for _, name := range []string{"x.change", "x.export", "x.read"} {
		if _, e := reg.Call(t.Context(), Call{Role: Admin}, name, nil); e == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if len(got) != 4 {
		t.Fatalf("%d records, want two for each method with an audit text", len(got))
	}
	for i, name := range []string{"x.change", "x.export"} {
		if begun, done := got[2*i], got[2*i+1]; begun.Change != (Change{}) || done.Change != (Change{Object: name, Before: "a", After: "b"}) || done.Err == nil {
			t.Errorf("%s: records %+v and %+v", name, begun, done)
		}
	}
}
