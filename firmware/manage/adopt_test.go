// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"evener/firmware/api"
	"evener/firmware/audit"
	"evener/firmware/auth"
	"evener/firmware/backup"
)

// usersDoc is the document of package auth with an admin made at the set-up, an hour
// before the other users.
func usersDoc(t *testing.T, admin string, add map[string]auth.Role) []byte {
	t.Helper()
	docs := memory{}
	a := openAuth(t, docs)
	if _, err := a.Setup(t.Context(), auth.Attempt{User: admin, Password: goodPassword, Code: a.SetupCode()}); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(add)) {
		if _, err := a.CreateUser(t.Context(), name, goodPassword, add[name], nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(docs[usersItem], &doc); err != nil {
		t.Fatal(err)
	}
	for _, u := range doc["users"].([]any) {
		if u := u.(map[string]any); u["name"] == admin {
			u["created"] = time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
		}
	}
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func openAuth(t *testing.T, docs memory) *auth.Auth {
	t.Helper()
	a, err := auth.Open(docs, auth.Config{Cost: auth.Cost{Memory: 8, Passes: 1, Threads: 1}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func openAudit(t *testing.T) *audit.Log {
	t.Helper()
	a, err := audit.Open(t.TempDir(), audit.Config{Wait: time.Minute}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func drafts(d *desk) (out []string) {
	for _, c := range d.cfg.Store.Candidates() {
		out = append(out, c.Author)
	}
	return out
}

func TestRestoredUsersGetTheCandidate(t *testing.T) {
	const text = "console { listen = [] }\n"
	doc := usersDoc(t, "zoe", map[string]auth.Role{"anna": auth.Admin, "bob": auth.Editor})
	sealed, err := backup.Seal(backup.Contents{Text: []byte(text), Items: []backup.Item{{Name: usersItem, Data: doc}}}, backupPassphrase)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, author, session string
		users                 bool
		drafts                []string // of others, before
		want                  string
	}{
		{"nobody of that name", "admin", "s1", true, nil, "zoe"}, // the oldest admin
		{"the first admin has a draft", "admin", "s1", true, []string{"zoe"}, "anna"},
		{"all admins have drafts", "admin", "s1", true, []string{"anna", "zoe"}, "admin"},
		{"one of them", "bob", "s1", true, nil, "bob"},
		{"one of them, spelled otherwise", "Anna", "s1", true, nil, "anna"},
		{"a token that is gone, of one of them", "anna/ci", "t1", true, nil, "anna"},
		{"without users", "admin", "s1", false, nil, "admin"},
		{"over the Unix socket", "root", "", true, nil, "root"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, deskText)
			d.cfg.Supervisor = restarter{make(chan string, 1)}
			d.cfg.Audit = openAudit(t)
			for _, name := range tt.drafts {
				if _, err := d.cfg.Store.SetCandidate(name, []byte("theirs"), 1); err != nil {
					t.Fatal(err)
				}
			}
			c := api.Call{Author: tt.author, Session: tt.session, Origin: "console", Role: api.Admin, Sudo: true}
			got := must[Restored](d, c, "backup.import", args{"passphrase": backupPassphrase, "users": tt.users,
				"data": base64.StdEncoding.EncodeToString(sealed)})
			if _, have, err := d.cfg.Store.Candidate(tt.want); got.Author != tt.want || err != nil || string(have) != text {
				t.Errorf("the candidate is of %q, want %q; it has %q, %v", got.Author, tt.want, have, err)
			}
			if n := len(drafts(d)); n != len(tt.drafts)+1 {
				t.Errorf("candidates of %q", drafts(d))
			}
			rec, err := d.cfg.Audit.Query(t.Context(), audit.Filter{Method: "backup.import"}, 1, 0)
			if err != nil || len(rec) != 1 || rec[0].After != "candidate of "+tt.want {
				t.Errorf("audit record %+v, %v", rec, err)
			}
		})
	}
}

func TestAdminsTakeOverWhatNobodyOwns(t *testing.T) {
	d := newDesk(t, deskText)
	d.cfg.Audit = openAudit(t)
	refused(d, by("anna"), "config.adopt", args{"author": "admin"}, "auth.unavailable")
	d.cfg.Auth = openAuth(t, memory{usersItem: usersDoc(t, "anna", map[string]auth.Role{"bob": auth.Editor})})
	text := deskText + "# more\n"
	for _, author := range []string{"admin", "bob", "carl"} {
		if _, err := d.cfg.Store.SetCandidate(author, []byte(text), 1); err != nil {
			t.Fatal(err)
		}
	}
	anna, bob := by("anna"), by("bob")
	bob.Role = api.Editor
	scoped := anna
	scoped.Scope = map[string]string{"team": "shop"}
	refused(d, bob, "config.adopt", args{"author": "admin"}, "auth.role")
	refused(d, bob, "config.discard", args{"author": "admin"}, "auth.role")
	refused(d, scoped, "config.adopt", args{"author": "admin"}, "auth.scope")
	refused(d, scoped, "config.discard", args{"author": "admin"}, "auth.scope")
	refused(d, anna, "config.adopt", args{"author": "bob"}, "config.not_abandoned")
	refused(d, anna, "config.discard", args{"author": "bob"}, "config.not_abandoned")
	refused(d, anna, "config.adopt", args{"author": "dora"}, "config.no_candidate")
	refused(d, anna, "config.discard", args{"author": "dora"}, "config.no_candidate")
	refused(d, anna, "config.adopt", args{"author": "anna"}, "config.own_candidate")

	if got := must[Adopted](d, anna, "config.adopt", args{"author": "admin"}); got.Base != 1 || got.Version == "" {
		t.Errorf("adopted %+v", got)
	}
	if _, have, err := d.cfg.Store.Candidate("anna"); err != nil || string(have) != text {
		t.Errorf("anna has %q, %v", have, err)
	}
	refused(d, anna, "config.adopt", args{"author": "carl"}, "config.have_candidate")
	must[struct{}](d, anna, "config.discard", args{"author": "carl"})
	if got := drafts(d); !slices.Equal(got, []string{"anna", "bob"}) {
		t.Errorf("candidates of %q", got)
	}
	must[Committed](d, anna, "config.commit", args{})
	for method, want := range map[string]string{"config.adopt": "take over the candidate of admin", "config.discard": "discard candidate carl"} {
		rec, err := d.cfg.Audit.Query(t.Context(), audit.Filter{Method: method, Outcome: audit.OK}, 10, 0)
		if err != nil || len(rec) != 1 || rec[0].What != want || rec[0].User != "anna" {
			t.Errorf("records of %s: %+v, %v", method, rec, err)
		}
	}
	must[struct{}](d, bob, "config.discard", args{})
}
