// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"strings"
	"testing"

	"evener/firmware/api"
	"evener/firmware/auth"
	"evener/firmware/supervise"
)

// A restarter notes what is restarted.
type restarter struct{ roles chan string }

func (r restarter) Restart(role string) error { r.roles <- role; return nil }

func (restarter) Status() (supervise.Status, error) { return supervise.Status{}, nil }

func TestResetUsersLetsTheOwnerInAgain(t *testing.T) {
	d := newDesk(t, "")
	super := restarter{make(chan string, 2)}
	d.cfg.Supervisor = super
	vault := d.cfg.Store.Vault()
	if err := vault.Save(usersItem, []byte(`{"version":1,"users":[`)); err != nil {
		t.Fatal(err)
	}
	local := api.Call{Author: "root", Origin: "cli", Role: api.Admin, Sudo: true}
	remote := local
	remote.Session = "s1"
	refused(d, remote, "user.reset", args{}, "auth.local")
	refused(d, api.Call{Author: "eve", Role: api.Editor, Sudo: true}, "user.reset", args{}, "auth.role")

	got := must[UsersReset](d, local, "user.reset", args{})
	if role := <-super.roles; role != "engine" {
		t.Errorf("%s was restarted, want the engine", role)
	}
	if b, err := vault.Load(got.Aside); string(b) != `{"version":1,"users":[` || err != nil || inBackup(got.Aside) {
		t.Errorf("the damaged users are kept as %s: %q, %v; in backups: %v", got.Aside, b, err, inBackup(got.Aside))
	}
	if again := must[UsersReset](d, local, "user.reset", args{}); again.Code != got.Code || again.Aside != "" {
		t.Errorf("a second time gives %+v, want the code %s", again, got.Code)
	}
	a, err := auth.Open(vault, auth.Config{Cost: auth.Cost{Memory: 8, Passes: 1, Threads: 1}}, d.log)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Setup(t.Context(), auth.Attempt{User: "admin", Password: goodPassword, Code: strings.ToLower(got.Code)}); err != nil {
		t.Errorf("set-up with the code: %v", err)
	}
	d.cfg.Auth = a
	refused(d, local, "user.reset", args{}, "auth.readable")
}
