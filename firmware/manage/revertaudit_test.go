// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"log/slog"
	"testing"
	"time"

	"evener/firmware/audit"
	"evener/firmware/event"
	"evener/firmware/store"
)

// TestBoxSignsWhatItTakesBack: the audit log tells of a revert that nobody asked for.
func TestBoxSignsWhatItTakesBack(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*testing.T, *store.Store, string) *store.Store // of the wait; returns the store that is open then
		want string                                              // why; "" is no record of the box
	}{
		{"nobody confirms", func(t *testing.T, s *store.Store, _ string) *store.Store {
			if _, ok := s.Tick(time.Now().Add(time.Hour)); !ok {
				t.Error("nothing was taken back")
			}
			return s
		}, "nobody confirmed the commit in time"},
		{"the box begins anew", func(t *testing.T, s *store.Store, dir string) *store.Store {
			s.Close()
			s, err := store.Open(store.Config{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}, "the box restarted before the commit was confirmed"},
		{"somebody takes it back", func(t *testing.T, s *store.Store, _ string) *store.Store {
			if _, err := s.Revert(store.By{Author: "ann", Origin: store.Console}); err != nil {
				t.Error(err)
			}
			return s
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
			s, err := store.Open(store.Config{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.CommitText([]byte("one"), store.CommitOptions{Author: "ann", Origin: store.Console}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.CommitText([]byte("two"), store.CommitOptions{Author: "ann", Origin: store.Console, Base: 1, Confirm: time.Minute}); err != nil {
				t.Fatal(err)
			}
			s = tt.end(t, s, dir)
			t.Cleanup(func() { s.Close() })
			j, err := event.Open(t.TempDir(), event.Config{}, log)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { j.Close() })
			b := New(Config{Audit: openAudit(t), Events: j, Store: s}, log)
			b.revisions.last = 2
			w := &watcher{b: b}
			w.storeEvents()
			w.storeEvents() // tells nothing twice
			got, err := b.cfg.Audit.Query(t.Context(), audit.Filter{User: "box"}, 10, 0)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if len(got) != 0 {
					t.Errorf("records of the box: %+v", got)
				}
				return
			}
			if len(got) != 1 {
				t.Fatalf("%d records of the box, want one: %+v", len(got), got)
			}
			r := got[0]
			if r.Origin != "engine" || r.Method != "config.revert" || r.What != "take revision 2 back" || r.Before != "revision 2" ||
				r.After != "revision 1" || r.Revision != 1 || r.Note != tt.want || r.Outcome != audit.OK || r.Time.IsZero() {
				t.Errorf("record %+v", r)
			}
			if b.revisions.last != 1 {
				t.Errorf("the next commit is said to come after revision %d, want 1", b.revisions.last)
			}
		})
	}
}
