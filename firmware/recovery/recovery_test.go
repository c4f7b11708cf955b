// SPDX-License-Identifier: Apache-2.0

package recovery

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"evener/firmware/auth"
	"evener/firmware/store"
)

var quiet = slog.New(slog.DiscardHandler)

const password = "correct horse battery"

// made makes the state of a box that has an administrator and some revisions.
func made(t *testing.T, texts ...string) string {
	t.Helper()
	state := t.TempDir()
	s, err := store.Open(store.Config{Dir: storeDir(state)})
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		if _, err := s.CommitText([]byte(text), store.CommitOptions{Author: "alice", Origin: store.CLI, Base: uint64(i), Comment: "step"}); err != nil {
			t.Fatal(err)
		}
	}
	a, err := auth.Open(s.Vault(), auth.Config{Cost: auth.Cost{Memory: 64, Passes: 1, Threads: 1}}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	for name, role := range map[string]auth.Role{"alice": auth.Admin, "viv": auth.Viewer} {
		if _, err := a.CreateUser(t.Context(), name, password, role, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(a.Close(), s.Vault().Save("certificate/shop", []byte("its key")), s.Close()); err != nil {
		t.Fatal(err)
	}
	return state
}

func opened(t *testing.T, state string) *Box {
	t.Helper()
	b, err := Open(state, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.store.Close() })
	return b
}

func looked(t *testing.T, state string) Status {
	t.Helper()
	s, err := Look(state, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var serial = By{"serial console", "serial"}

const static = "management {\n  method = \"static\"\n  address = [\"192.0.2.10/24\"]\n}\n"

func TestLookTellsWhatThereIs(t *testing.T) {
	state := made(t, "", "system {\n  host_name = \"lb1\"\n}\nserial {\n  password_reset = \"refused\"\n}\n"+static)
	s := looked(t, state)
	if s.Revision != 2 || s.HostName != "lb1" || !slices.Equal(s.Management.Address, []string{"192.0.2.10/24"}) ||
		!slices.Equal(s.Administrators, []string{"alice"}) || s.Setup || !s.Text || !s.Users || len(s.Problems) > 0 {
		t.Errorf("look = %+v", s)
	}
	if s.Serial.PasswordReset || s.Serial.Shell || s.Serial.IdleSeconds != 600 || !s.Serial.Known {
		t.Errorf("serial = %+v, want refused, no shell, 600 s", s.Serial)
	}
}

func TestWhatCannotBeReadAllowsNothing(t *testing.T) {
	state := made(t, "", "serial {\n  password_reset = \"allowed\"\n}\n")
	run, err := store.Look(storeDir(state))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(storeDir(state), "texts", run.Running().SHA256), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := looked(t, state); s.Text || s.Serial.PasswordReset || s.Serial.Shell || s.Serial.Known || len(s.Problems) != 1 {
		t.Errorf("look = %+v, want nothing allowed and a problem", s)
	}
}

func TestRestoreBringsAnOldRevisionBack(t *testing.T) {
	state := made(t, "", static, "nonsense {\n")
	if s := looked(t, state); s.Text {
		t.Fatal("revision 3 has mistakes; the status does not say so")
	}
	b := opened(t, state)
	if _, err := b.SetAddress(Address{Method: "dhcp"}, serial, ""); err == nil || !strings.Contains(err.Error(), "restore another one first") {
		t.Errorf("address in a text with mistakes = %v", err)
	}
	if n, err := b.Restore(2, serial, "recovery"); err != nil || n != 4 {
		t.Fatalf("restore = %d, %v", n, err)
	}
	if _, err := b.Restore(3, serial, ""); err == nil || !strings.Contains(err.Error(), "cannot serve") {
		t.Errorf("restore of a text with mistakes = %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	list, err := Revisions(state, 2)
	if err != nil || len(list) != 2 || list[0].Number != 4 || list[0].Author != "serial console" || !list[0].Running {
		t.Errorf("revisions = %+v, %v", list, err)
	}
	if d, err := Diff(state, 3, 4); err != nil || !strings.Contains(d, "+management {") {
		t.Errorf("diff = %q, %v", d, err)
	}
}

func TestPendingIsConfirmedOrReverted(t *testing.T) {
	for _, keep := range []bool{true, false} {
		state := made(t, "")
		s, err := store.Open(store.Config{Dir: storeDir(state)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.CommitText([]byte(static), store.CommitOptions{Author: "a", Origin: store.CLI, Base: 1, Confirm: time.Hour}); err != nil {
			t.Fatal(err)
		}
		if err := s.Handover(); err != nil {
			t.Fatal(err)
		}
		if l := looked(t, state); !l.Pending || l.Previous != 1 {
			t.Errorf("look = %+v, want pending, 1 before", l)
		}
		b, want := opened(t, state), uint64(1)
		if keep {
			want = 2
			_, err = b.Confirm(serial)
		} else {
			_, err = b.Revert(serial)
		}
		if err != nil || b.Close() != nil {
			t.Fatal(err)
		}
		if l := looked(t, state); l.Pending || l.Revision != want {
			t.Errorf("keep %v: revision %d pending %v, want %d", keep, l.Revision, l.Pending, want)
		}
	}
}

func TestPasswordLetsInAgain(t *testing.T) {
	state := made(t, "")
	login := func(user, pass string) error {
		_, err := Login(t.Context(), state, user, pass, "", quiet)
		return err
	}
	if login("alice", password) != nil || login("alice", "wrong") == nil {
		t.Fatal("the password before is not told from another one")
	}
	if err := login("viv", password); err == nil || !strings.Contains(err.Error(), "no administrator") {
		t.Errorf("login of a viewer = %v", err)
	}
	b := opened(t, state)
	if err := b.SetPassword(t.Context(), "alice", "short", false); err == nil {
		t.Error("a short password was taken")
	}
	if err := b.SetPassword(t.Context(), "alice", "another long password", true); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if login("alice", "another long password") != nil || login("alice", password) == nil {
		t.Error("the new password does not hold")
	}
}

func TestGuessingOverTheNetworkKeepsNobodyAway(t *testing.T) {
	state := made(t, "")
	s, err := store.Open(store.Config{Dir: storeDir(state)})
	if err != nil {
		t.Fatal(err)
	}
	a, err := auth.Open(s.Vault(), auth.Config{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		_, err = a.Login(t.Context(), auth.Attempt{User: "alice", Password: "guess", Remote: "203.0.113." + string(rune('1'+i))})
	}
	if e := (*auth.Error)(nil); !errors.As(err, &e) || e.Kind != auth.Throttled {
		t.Fatalf("the guesses were not throttled: %v", err)
	}
	if err := errors.Join(a.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Login(t.Context(), state, "alice", password, "", quiet); err != nil {
		t.Errorf("login = %v", err)
	}
}

func TestUsersThatCannotBeReadBeginAnew(t *testing.T) {
	state := made(t, "")
	b := opened(t, state)
	if _, err := b.ResetUsers(); !errors.Is(err, ErrReadable) {
		t.Errorf("reset of good users = %v", err)
	}
	if err := b.store.Vault().Save("auth/users", []byte("noise")); err != nil {
		t.Fatal(err)
	}
	if s := looked(t, state); s.Users || len(s.Problems) != 1 {
		t.Errorf("look = %+v, want that the users cannot be read", s)
	}
	code, err := b.ResetUsers()
	if err != nil || code == "" {
		t.Fatalf("reset = %q, %v", code, err)
	}
	if again, err := b.SetupCode(); err != nil || again != code {
		t.Errorf("set-up code = %q, %v; want the one before", again, err)
	}
}

func TestAddressChangesNothingElse(t *testing.T) {
	const text = "# ours\nserver \"web1\" { address = \"192.0.2.1:80\" } # one\n\nmanagement {\n  port = \"1\"\n  method = \"static\"\n  address = [\"192.0.2.10/24\"]\n  gateway = [\"192.0.2.1\"]\n}\n"
	state := made(t, text)
	b := opened(t, state)
	n, err := b.SetAddress(Address{Method: "dhcp", VLAN: 100, DNS: []string{"192.0.2.53"}}, serial, "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.store.Text(n)
	if err != nil || !strings.HasPrefix(string(got), "# ours\nserver \"web1\" { address = \"192.0.2.1:80\" } # one\n") {
		t.Errorf("text = %s, %v", got, err)
	}
	if m := looked(t, state).Management; m.Method != "dhcp" || m.VLAN != 100 || m.Address != nil || m.Gateway != nil || m.Port != "" || !slices.Equal(m.DNS, []string{"192.0.2.53"}) {
		t.Errorf("management = %+v", m)
	}
	for _, bad := range []Address{{Method: "dchp"}, {Method: "dhcp", VLAN: 4095}, {Method: "dhcp", VLAN: -1}, {Method: "none", VLAN: 1}, {Method: "static"}, {Method: "static", Address: []string{"192.0.2.1"}},
		{Method: "static", Address: []string{`1.2.3.4/8"], dns = ["`}}, {Method: "dhcp", Port: `1" x = "`}, {Method: "none", Gateway: []string{"1.2.3.4"}}} {
		if _, err := b.SetAddress(bad, serial, ""); err == nil {
			t.Errorf("address %+v was taken", bad)
		}
	}
	if _, err := b.SetAddress(Address{Method: "dhcp", VLAN: 100, DNS: []string{"192.0.2.53"}}, serial, ""); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("the same address = %v", err)
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("static", "192.0.2.10/24", "192.0.2.1", "mgmt")
	f.Add("dhcp", `"]`, "::1%x", `1" }`)
	f.Fuzz(func(t *testing.T, method, address, gateway, port string) {
		a := Address{Method: method, Address: []string{address}, Gateway: []string{gateway}, Port: port}
		const rest = "# ours\nserver \"web1\" { address = \"192.0.2.1:80\" }\n"
		text, err := a.edit([]byte(rest))
		if err == nil && (!strings.HasPrefix(string(text), rest) || strings.Count(string(text), "management {") != 1) {
			t.Errorf("edit(%+v) = %q", a, text)
		}
	})
}

// state makes what else lies in the state of a box.
func littered(t *testing.T, state string) {
	t.Helper()
	for _, name := range []string{"audit/a", "events/e", "persist/p", "spool/s", "history", "box.lock"} {
		path := filepath.Join(state, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func TestFactoryResetKeepsWhatItIsTold(t *testing.T) {
	const text = "system {\n  host_name = \"lb1\"\n}\nconsole {\n  listen = [\"127.0.0.1:19443\"]\n  certificate = \"shop\"\n}\ncertificate \"shop\" {}\n" + static
	for _, tt := range []struct {
		keep Keep
		host string
		keys bool
		left string
	}{
		{Keep{}, "", false, "box.lock store"},
		{Keep{Network: true, Records: true}, "lb1", false, "audit box.lock events store"},
		{Keep{Network: true, Keys: true}, "lb1", true, "box.lock store"},
	} {
		state := made(t, "", text)
		littered(t, state)
		if err := FactoryReset(state, tt.keep, nil); err != nil {
			t.Fatal(err)
		}
		if err := Finish(state, nil); err != nil {
			t.Fatal(err)
		}
		if got := names(t, state); got != tt.left {
			t.Errorf("%+v: left %q, want %q", tt.keep, got, tt.left)
		}
		s := looked(t, state)
		if s.HostName != tt.host || !s.Setup || len(s.Administrators) > 0 || s.Revision > 1 {
			t.Errorf("%+v: look = %+v", tt.keep, s)
		}
		v, err := store.Look(storeDir(state))
		if err != nil {
			t.Fatal(err)
		}
		if key, err := v.Load("certificate/shop"); err != nil || (key != nil) != tt.keys {
			t.Errorf("%+v: key %q, %v; want kept %v", tt.keep, key, err, tt.keys)
		}
		if exists(filepath.Join(storeDir(state), freshMark)) {
			t.Error("the mark of the reset is there still")
		}
	}
}

func TestFactoryResetOfADamagedStore(t *testing.T) {
	state := made(t, "", "# x\n")
	for _, n := range []string{"state.0", "state.1"} {
		if err := os.WriteFile(filepath.Join(storeDir(state), n), []byte("noise"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := FactoryReset(state, Keep{Network: true}, nil); err == nil || !strings.Contains(err.Error(), "without keeping") {
		t.Errorf("reset that keeps what cannot be read = %v", err)
	}
	if exists(filepath.Join(state, resetDir)) {
		t.Error("a reset that was refused has left something")
	}
	if err := errors.Join(FactoryReset(state, Keep{}, nil), Finish(state, nil)); err != nil {
		t.Fatal(err)
	}
	if s := looked(t, state); !s.Setup {
		t.Errorf("look = %+v", s)
	}
}

// TestFactoryResetCutShort begins a reset and looks at what a power cut leaves
// before and after the step at which it happens.
func TestFactoryResetCutShort(t *testing.T) {
	state := made(t, "", "# x\n")
	littered(t, state)
	fresh := filepath.Join(state, resetDir)
	if err := prepare(state, fresh, mark{Keep: Keep{Records: true}}); err != nil {
		t.Fatal(err)
	}
	if err := Finish(state, nil); err != nil {
		t.Fatal(err)
	}
	if s := looked(t, state); s.Revision != 2 || exists(fresh) || !exists(filepath.Join(state, "history")) {
		t.Fatalf("cut before the step: %+v, %s; want all as it was", s, names(t, state))
	}
	if err := prepare(state, fresh, mark{Keep: Keep{Records: true}}); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(state, "old")
	for _, step := range [][2]string{{storeDir(state), old}, {fresh, storeDir(state)}, {old, fresh}} {
		if err := os.Rename(step[0], step[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := Finish(state, nil); err != nil {
		t.Fatal(err)
	}
	if s := looked(t, state); s.Revision != 0 || names(t, state) != "audit box.lock events store" {
		t.Errorf("cut after the step: %+v, %s; want it done", s, names(t, state))
	}
}
