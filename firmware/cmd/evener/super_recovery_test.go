// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"evener/firmware/api"
	"evener/firmware/audit"
	"evener/firmware/recovery"
	"evener/firmware/supervise"
)

// TestFactoryResetIsAlone asks for a reset while somebody holds the engine.
func TestFactoryResetIsAlone(t *testing.T) {
	b := startLive(t, "", "--board", "sim")
	if err := b.ask(api.SupervisorSocket, "role.hold", superHold{Role: "engine", Why: "to look at the disk"}, nil); err != nil {
		t.Fatal(err)
	}
	err := api.AsError(b.ask(api.SupervisorSocket, "recovery.factory_reset", recovery.Keep{}, nil))
	if err == nil || err.Kind != "role.held" || !strings.Contains(err.Message, "to look at the disk") {
		t.Fatalf("reset of a box whose engine is held = %v, want who holds it", err)
	}
	if err := b.ask(api.SupervisorSocket, "role.release", superRole{"engine"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := api.AsError(b.ask(api.SupervisorSocket, "role.release", superRole{"engine"}, nil)); err == nil || err.Kind != "role.free" {
		t.Errorf("second release = %v", err)
	}
	var before, after supervise.Status
	if err := b.ask(api.SupervisorSocket, "role.list", struct{}{}, &before); err != nil {
		t.Fatal(err)
	}
	if err := b.ask(api.SupervisorSocket, "recovery.factory_reset", recovery.Keep{}, nil); err != nil {
		t.Fatal(err)
	}
	b.await("another box answers", func() bool {
		return b.ask(api.SupervisorSocket, "role.list", struct{}{}, &after) == nil && after.Since.After(before.Since)
	})
	b.await("the audit log that begins has the reset", func() bool { return strings.Contains(b.cli("audit").stdout, "reset the box") })
}

// TestHoldOfTheSupervisorIsItsOwn has somebody release what a repair holds.
func TestHoldOfTheSupervisorIsItsOwn(t *testing.T) {
	sup, err := supervise.New(supervise.Config{Log: slog.New(slog.DiscardHandler),
		Roles: []supervise.Role{{Name: "engine", Args: []string{"-test.run=^$"}}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- sup.Run(ctx) }()
	defer func() { end(); <-over }()
	h := &holds{sup: sup, grips: map[string]*supervise.Grip{}}
	err = heldAlone(ctx, sup, "a repair", func() (bool, error) {
		if err := h.release(ctx, "engine"); api.AsError(err) == nil || api.AsError(err).Kind != "role.held" {
			t.Errorf("release while a repair works = %v", err)
		}
		return false, heldAlone(ctx, sup, "another", func() (bool, error) { t.Error("two at a time"); return false, nil })
	})
	if !errors.Is(err, supervise.ErrHeld) {
		t.Errorf("second one = %v", err)
	}
}

// TestResetThatCannotBeFinishedLetsTheBoxStart damages the mark of a reset.
func TestResetThatCannotBeFinishedLetsTheBoxStart(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	if err := errors.Join(os.MkdirAll(state, 0o700), recovery.FactoryReset(state, recovery.Keep{}, nil),
		os.WriteFile(filepath.Join(state, "store", "fresh.json"), []byte("noise"), 0o600)); err != nil {
		t.Fatal(err)
	}
	err := superviseBox(t.Context(), runConfig{board: "sim", state: state, config: filepath.Join(state, "absent.hcl")}, &power{}, os.Stdout, os.Stderr)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "absent.hcl") { // it comes as far as the configuration
		t.Errorf("box with a mark that cannot be read: %v", err)
	}
}

// TestRecordOfAResetOutlivesIt finishes a reset that keeps no records.
func TestRecordOfAResetOutlivesIt(t *testing.T) {
	state, log := filepath.Join(t.TempDir(), "state"), slog.New(slog.DiscardHandler)
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	r := &recoverer{state: state, log: log, renew: func() {},
		alone: func(_ context.Context, _ string, f func() (bool, error)) error { _, err := f(); return err }}
	if _, err := r.factoryReset(t.Context(), api.Call{Author: "serial console", Origin: "serial"}, recovery.Keep{}); err != nil {
		t.Fatal(err)
	}
	if err := finishReset(state, log); err != nil {
		t.Fatal(err)
	}
	text, err := filepath.Glob(filepath.Join(state, "audit", "*"))
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, name := range text {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all += string(b)
	}
	if strings.Count(all, "recovery.factory_reset") != 1 || !strings.Contains(all, `"note":"done at `) || strings.Contains(all, audit.MethodLost) {
		t.Errorf("audit log = %s", all)
	}
}

// TestResetThatIsNotFinishedBeginsAnew has something that cannot be removed: the
// engine must not go on with a store that the next start works on.
func TestResetThatIsNotFinishedBeginsAnew(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to make a file that cannot be removed")
	}
	state, log := filepath.Join(t.TempDir(), "state"), slog.New(slog.DiscardHandler)
	stays := filepath.Join(state, "spool", "in", "use")
	if err := os.MkdirAll(stays, 0o700); err != nil {
		t.Fatal(err)
	}
	mountOver(t, stays)
	renewed, kept := false, false
	r := &recoverer{state: state, log: log, renew: func() { renewed = true },
		alone: func(_ context.Context, _ string, f func() (bool, error)) (err error) { kept, err = f(); return err }}
	if _, err := r.factoryReset(t.Context(), api.Call{Author: "serial console"}, recovery.Keep{}); !errors.Is(err, recovery.ErrUnfinished) {
		t.Errorf("reset = %v, want that it is not finished", err)
	}
	if !renewed || !kept {
		t.Errorf("box renewed %v, engine kept stopped %v; want both", renewed, kept)
	}
}

// mountOver mounts an empty file system at path for the time of the test.
func mountOver(t *testing.T, path string) {
	t.Helper()
	if err := unix.Mount("evener-test", path, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}
