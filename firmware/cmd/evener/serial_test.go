// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"evener/firmware/api"
	"evener/firmware/manage"
	"evener/firmware/recovery"
	"evener/firmware/supervise"
)

// A typist is somebody at a terminal.
type typist struct {
	t    *testing.T
	f    *os.File
	mu   sync.Mutex // guards seen
	seen []byte
	from int // what was expected already
}

func newTypist(t *testing.T, f *os.File) *typist {
	ty := &typist{t: t, f: f}
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := f.Read(b)
			ty.mu.Lock()
			ty.seen = append(ty.seen, b[:n]...)
			ty.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return ty
}

// sit opens the serial console of a box.
func (b *liveBox) sit() *typist {
	b.t.Helper()
	var f *os.File
	b.await("the serial console can be opened", func() (ok bool) {
		var err error
		f, err = os.OpenFile(filepath.Join(b.state, ptyLink), os.O_RDWR|syscall.O_NOCTTY, 0)
		return err == nil
	})
	b.t.Cleanup(func() { f.Close() })
	return newTypist(b.t, f)
}

// expect waits for one of the texts, which are regular expressions, and returns
// which it is and what its first group found.
func (ty *typist) expect(texts ...string) (which int, found string) {
	ty.t.Helper()
	for end := time.Now().Add(2 * patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		ty.mu.Lock()
		rest := ty.seen[ty.from:]
		for i, text := range texts {
			if m := regexp.MustCompile(text).FindSubmatchIndex(rest); m != nil {
				found = string(rest[m[len(m)-2]:m[len(m)-1]])
				ty.from += m[1]
				ty.mu.Unlock()
				return i, found
			}
		}
		ty.mu.Unlock()
	}
	ty.mu.Lock()
	defer ty.mu.Unlock()
	ty.t.Fatalf("the terminal does not show any of %q; it shows\n%s", texts, ty.seen)
	return 0, ""
}

// does answers prompts: pairs of what is expected and what is typed then.
func (ty *typist) does(pairs ...string) {
	ty.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		ty.expect(pairs[i])
		ty.types(pairs[i+1])
	}
}

func (ty *typist) types(s string) {
	ty.t.Helper()
	if _, err := ty.f.WriteString(s + "\r"); err != nil {
		ty.t.Fatal(err)
	}
}

// ask calls a method of a socket of the box.
func (b *liveBox) ask(socket, method string, params, result any) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return callSocket(ctx, filepath.Join(b.state, socket), "cli", socket, method, params, result)
}

// engine returns the process of the engine that runs, 0 if none does.
func (b *liveBox) engine() int {
	var st supervise.Status
	if b.ask(api.SupervisorSocket, "role.list", struct{}{}, &st) != nil {
		return 0
	}
	for _, r := range st.Roles {
		if r.Name == "engine" && r.State == supervise.Serving {
			return r.PID
		}
	}
	return 0
}

const goodPassword, otherPassword = "correct horse battery", "another long password"

// admin makes the administrator alice.
func (b *liveBox) admin() {
	b.t.Helper()
	var code manage.SetupCode
	if err := b.ask(api.EngineSocket, "auth.setup_code", struct{}{}, &code); err != nil {
		b.t.Fatal(err)
	}
	b.setUp(code.Code)
}

func (b *liveBox) setUp(code string) {
	b.t.Helper()
	if err := b.ask(api.EngineSocket, "auth.setup", map[string]any{"user": "alice", "password": goodPassword, "code": code}, nil); err != nil {
		b.t.Fatal(err)
	}
}

// mayLogin reports whether alice's password is this one, as the engine says.
func (b *liveBox) mayLogin(password string) bool {
	return b.ask(api.EngineSocket, "auth.login", map[string]any{"user": "alice", "password": password}, nil) == nil
}

func TestSerialConsoleSetsABoxUp(t *testing.T) {
	b := startLive(t, "", "--board", "sim")
	ty := b.sit()
	ty.does("Press Enter", "", "Set it up now", "", "address come from", "2", "VLAN", "", "with length", "192.0.2.77/24", "Gateway", "192.0.2.1", "Name servers", "",
		"Name of the box", "lb-test", "Time zone", "Europe/Berlin", "ime servers", "", "management address  static, 192.0.2.77/24[^?]*Do it", "", "k keep it", "k")
	_, code := ty.expect(`set-up code  ([A-Z0-9-]+)`)
	b.setUp(code)
	var n manage.NetworkInfo
	if err := b.ask(api.EngineSocket, "network.show", struct{}{}, &n); err != nil || n.HostName != "lb-test" || fmt.Sprint(n.Addresses) != "[192.0.2.77/24]" {
		t.Errorf("network = %+v, %v", n, err)
	}
	ty.does("Number", "2", "needs an administrator's log-in(?s:.*)Administrator: ", "alice", "Password: ", goodPassword,
		"address come from", "", "alice: number", "11", "evener> ", "config history", `first\s+set-up`, "")
	ty.f.Close()
	b.await("that the terminal hung up is noticed", func() bool { return strings.Contains(b.printed(), "the terminal hung up") })
	again := b.sit() // who hangs up is logged out
	again.does("Press Enter", "", "l to log in", "2", "Administrator: ", "")
}

func TestSerialConsoleResetsThePasswordWhileTheEngineHangs(t *testing.T) {
	b := startLive(t, "", "--board", "sim")
	b.admin()
	pid := b.engine()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	b.resetPassword(b.sit())
	b.await("another engine runs", func() bool { p := b.engine(); return p != 0 && p != pid })
	b.await("the new password holds", func() bool { return b.mayLogin(otherPassword) })
	if b.mayLogin(goodPassword) {
		t.Error("the old password holds still")
	}
	if out := b.must("audit"); !strings.Contains(out, "user.set_password user/alice, while the engine did not answer") {
		t.Errorf("the audit log does not have it:\n%s", out)
	}
}

// resetPassword gives alice another password. An engine that answers in between may
// make it necessary to try again.
func (b *liveBox) resetPassword(ty *typist) {
	b.t.Helper()
	ty.does("Press Enter", "", "l to log in", "5")
	for range 20 {
		ty.does("Whose password", "1", "New password of alice: ", otherPassword, "Once more: ", otherPassword, "second factor", "")
		if which, _ := ty.expect("is changed", "was not done"); which == 0 {
			return
		}
		ty.does("l to log in", "5")
	}
	b.t.Fatal("it was not done 20 times")
}

func TestSerialConsoleResetsThePasswordWhileTheEngineDiesAgainAndAgain(t *testing.T) {
	b := startLive(t, "", "--board", "sim")
	b.admin()
	stop, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
			if pid := b.engine(); pid != 0 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}()
	b.resetPassword(b.sit())
	close(stop)
	<-over
	b.await("the new password holds", func() bool { return b.mayLogin(otherPassword) })
}

func TestRebootOfASimulatedBoxStartsItAnew(t *testing.T) {
	b := startLive(t, "", "--board", "sim")
	var before, after supervise.Status
	if err := b.ask(api.SupervisorSocket, "role.list", struct{}{}, &before); err != nil {
		t.Fatal(err)
	}
	if o := b.cli("board", "reboot"); o.code != 0 {
		t.Fatalf("evener board reboot: %d %s", o.code, o.stderr)
	}
	b.await("another box answers", func() bool {
		return b.ask(api.SupervisorSocket, "role.list", struct{}{}, &after) == nil && after.Since.After(before.Since)
	})
	if after.PID != before.PID {
		t.Errorf("pid = %d, before %d: whoever has started the box has lost it", after.PID, before.PID)
	}
	b.await("its API answers", func() bool { return b.cli("show", "pools").code == 0 })
	if n := strings.Count(b.cli("audit").stdout, "reboot"); n != 1 {
		t.Errorf("the reboot is %d times in the audit log, want once:\n%s", n, b.cli("audit").stdout)
	}
	dark := startLive(t, "") // on board host
	if err := dark.ask(api.SupervisorSocket, "power.halt", struct{}{}, nil); api.AsError(err).Kind != "power.host" {
		t.Errorf("power off on board host = %v", err)
	}
	if o := dark.cli("board", "halt"); o.code == 0 || !strings.Contains(o.stderr, "somebody else's") {
		t.Errorf("evener board halt on board host: %d %q", o.code, o.stderr)
	}
}

func TestRecoveryLeavesToTheEngineWhatThatCanDo(t *testing.T) {
	b := startLive(t, "")
	b.admin()
	for method, params := range map[string]any{"recovery.password": recoveryPassword{User: "alice", Password: otherPassword},
		"recovery.restore": recoveryRestore{Revision: 1}, "recovery.revert": struct{}{}, "recovery.setup_code": struct{}{}} {
		if err := b.ask(api.SupervisorSocket, method, params, nil); api.AsError(err).Kind != "recovery.engine" {
			t.Errorf("%s = %v, want that the engine answers", method, err)
		}
	}
	if err := b.ask(api.SupervisorSocket, "role.hold", superHold{Role: "engine", Why: "test"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.ask(api.SupervisorSocket, "recovery.address", map[string]any{"method": "dhcp", "address": nil}, nil); err != nil {
		t.Errorf("address while the engine is held: %v", err)
	}
	if b.engine() != 0 {
		t.Error("a repair has ended the hold of somebody else")
	}
	if err := b.ask(api.SupervisorSocket, "role.release", superRole{"engine"}, nil); err != nil {
		t.Fatal(err)
	}
	b.await("the engine serves the new address", func() bool { return strings.Contains(b.cli("config", "show").stdout, `"dhcp"`) })
}

func TestConsoleWorksOnTheStateAlone(t *testing.T) {
	b := &liveBox{t: t, state: filepath.Join(t.TempDir(), "state")}
	if err := os.MkdirAll(b.state, 0o700); err != nil {
		t.Fatal(err)
	}
	box := func() *typist {
		cmd := b.command("console")
		f, err := pty.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close(); cmd.Process.Kill(); cmd.Wait() })
		return newTypist(t, f)
	}
	box().expect("there is no box with the state")
	r, err := recovery.Open(b.state, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.SetAddress(recovery.Address{Method: "dhcp"}, recovery.By{Author: "test", Origin: "cli"}, ""); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	ty := box()
	ty.does("no administrator yet(?s:.*)Set it up now", "n", "Number", "1", "revision 1 of", "2", "address come from", "3", "Do it", "y",
		"Set it in this way", "y")
	ty.expect("Revision 2 has it")
	if o := b.cli("run", "--board", "host"); o.code == 0 || !strings.Contains(o.stderr, "a box runs there already") {
		t.Errorf("a box started beside it: %+v", o)
	}
	ty.does("Number", "14", "Keep how the box", "n", "certificates", "n", "audit log", "", `Type (\S+) to reset`, "x", "Nothing was done", "", "Number", "0")
}

func TestCommandsOfTheSerialConsoleExist(t *testing.T) {
	for _, path := range atSerial {
		cmd, _, err := newRoot().Find(strings.Fields(path))
		if err != nil || cmd.CommandPath() != "evener "+path {
			t.Errorf("%q: there is no such command", path)
		}
	}
	run := consoleCommand(t.TempDir())
	for line, want := range map[string]string{"config edit": "needs a file", "status --state /x": "no place here", "user add eve": "needs a file",
		"run": "needs a file", "token create x": "shows a secret", "shw": "there is no command", "status": "no box runs",
		"capture start --cluster": "needs an argument"} {
		var out strings.Builder
		if err := run(t.Context(), strings.Fields(line), &out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q = %v, want %q", line, err, want)
		}
	}
}

func TestTerminalOfFindsWhoHasIt(t *testing.T) {
	proc := t.TempDir()
	for pid, stat := range map[string]string{
		"12": "12 (a (b) c) S 1 12 12 1088 12 0", // 4, 64: ttyS0
		"13": "13 (x) S 1 13 13 34816 13 0",
		"14": "nonsense",
	} {
		if err := os.MkdirAll(filepath.Join(proc, pid), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(proc, pid, "stat"), []byte(stat), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if pid, name := terminalOf(proc, 4<<8|64); pid != 12 || name != "a (b) c" {
		t.Errorf("terminalOf = %d %q, want 12", pid, name)
	}
	if pid, _ := terminalOf(proc, 4<<8|65); pid != 0 {
		t.Errorf("terminalOf a free one = %d", pid)
	}
}
