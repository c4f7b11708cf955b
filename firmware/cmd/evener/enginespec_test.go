// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// engineEnv makes the test binary an engine that confines itself and tries what it may
// and may not. Its value is the folder of the state.
const engineEnv = "EVENER_TEST_CONFINED_ENGINE"

// tryEngine prints what can be done. It returns the exit status.
func tryEngine(state string) int {
	var out strings.Builder
	if err := confineEngine(state, slog.New(slog.NewTextHandler(&out, nil))); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Print(out.String())
	write := func(name string) error { return os.WriteFile(name, []byte("x"), 0o600) }
	for name, err := range map[string]error{
		"own": errors.Join(write(filepath.Join(state, "network.json")), write(filepath.Join(state, "store/new")), os.Mkdir(filepath.Join(state, "spool"), 0o700),
			os.Rename(filepath.Join(state, "store/old"), filepath.Join(state, "upgrade/old"))),
		"data": write(filepath.Join(state, "audit/new")),
		"temp": write(filepath.Join(os.TempDir(), "new")),
		"null": write(os.DevNull),
		"read": func() error { _, err := os.ReadFile("/etc/passwd"); return err }(),
		// What is of the supervisor, by the owner of files.
		"panel":  write(filepath.Join(state, "panel.json")),
		"rename": os.Rename(filepath.Join(state, "panel.json"), filepath.Join(state, "other")),
		"ha":     write(filepath.Join(state, "ha/new")),
		// What everybody else may.
		"shared": write(filepath.Join(filepath.Dir(state), "shared/new")),
		"run":    exec.Command("/bin/true").Run(),
	} {
		fmt.Printf("%s done=%t refused=%t\n", name, err == nil, errors.Is(err, fs.ErrPermission))
	}
	return 0
}

// engineState is a state as root has left it, whose folder captures somebody has led
// elsewhere.
func engineState(t *testing.T, to *syscall.Credential) (state string) {
	t.Helper()
	base := t.TempDir()
	state = filepath.Join(base, "state")
	for dir := filepath.Dir(base); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]fs.FileMode{"state/store/deep": 0o700, "state/upgrade": 0o700, "state/ha": 0o700,
		"data/evener/audit": 0o700, "shared": 0o777, "tmp": 0o777, "foreign": 0o755} {
		dir := filepath.Join(base, name)
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.Chmod(dir, mode)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"state/store/old", "state/store/deep/x", "state/panel.json", "state/box.lock", "state/history", "state/network.json",
		"data/evener/audit/log", "foreign/file"} {
		if err := os.WriteFile(filepath.Join(base, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(filepath.Join(base, "data"), 0o755), os.Symlink(filepath.Join(base, "data/evener/audit"), filepath.Join(state, "audit")),
		os.Symlink(filepath.Join(base, "foreign"), filepath.Join(state, "captures")),
		os.Lchown(filepath.Join(state, "captures"), int(to.Uid), int(to.Gid))); err != nil {
		t.Fatal(err)
	}
	return state
}

func TestEngineOwnsItsFilesAndNoOthers(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("giving files away needs root")
	}
	to := &syscall.Credential{Uid: 65534, Gid: 65534}
	state := engineState(t, to)
	for range 2 { // it may be done again
		if err := giveEngine(state, to); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]uint32{"store": 65534, "store/old": 65534, "store/deep/x": 65534, "history": 65534, "network.json": 65534, "upgrade": 65534,
		"audit/log": 65534, "../data/evener/audit": 65534,
		".": 0, "ha": 0, "panel.json": 0, "box.lock": 0, "../data/evener": 0, "../foreign": 0, "../foreign/file": 0} {
		st, err := os.Lstat(filepath.Join(state, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := st.Sys().(*syscall.Stat_t).Uid; got != want {
			t.Errorf("%s belongs to %d, want %d", name, got, want)
		}
	}
}

func TestConfinedEngineWritesOnlyWhatIsItsOwn(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("changing the user needs root")
	}
	to := &syscall.Credential{Uid: 65534, Gid: 65534}
	state := engineState(t, to)
	if err := giveEngine(state, to); err != nil {
		t.Fatal(err)
	}
	self, err := os.Open(os.Args[0]) // that user may not reach it by its name
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	cmd := exec.Command("/proc/self/fd/3")
	cmd.ExtraFiles, cmd.Dir = []*os.File{self}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: to}
	cmd.Env = append(os.Environ(), engineEnv+"="+state, "TMPDIR="+filepath.Join(filepath.Dir(state), "tmp"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := []string{"own done=true", "data done=true", "temp done=true", "null done=true", "read done=true", "panel done=false refused=true", "rename done=false refused=true", "ha done=false refused=true"}
	if strings.Contains(string(out), "not confined") {
		t.Logf("this kernel has no Landlock, as the log says: %s", out)
	} else {
		want = append(want, "shared done=false refused=true", "run done=false refused=true")
	}
	for _, w := range want {
		if !strings.Contains(string(out), w) {
			t.Errorf("want %q in\n%s", w, out)
		}
	}
}

// TestManualNamesTheRightsOfTheEngine holds the table of the manual to what is given.
func TestManualNamesTheRightsOfTheEngine(t *testing.T) {
	text, err := os.ReadFile("../../../docs/manual/appliance.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "\n| `"+engineUser+"` |")
	line, _, _ := strings.Cut(rest, "\n")
	var names []string
	for _, c := range engineCaps {
		names = append(names, "`"+c.name+"`")
		if !strings.Contains(string(text), "\n| `"+c.name+"` | ") {
			t.Errorf("the manual does not say what %s is for", c.name)
		}
	}
	if !ok || !strings.Contains(line, strings.Join(names, ", ")+";") {
		t.Errorf("the users in the manual have %q, want %s", line, strings.Join(names, ", "))
	}
}
