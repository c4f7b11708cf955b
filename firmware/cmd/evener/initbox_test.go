// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"evener/firmware/pid1"
	"evener/image/early"
	"evener/image/slot"
	"evener/image/slottest"
)

func TestInitIsForProcessOne(t *testing.T) {
	cmd := newInit()
	cmd.SetArgs(nil)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	if err := cmd.Execute(); !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), "evener run") {
		t.Errorf("evener init = %v, want what to use instead", err)
	}
}

func TestInitSaysWhatRuns(t *testing.T) {
	for want, b := range map[string]early.Boot{
		"version 1.4.0, slot A":                                                {Version: "1.4.0", Slot: "A"},
		"version 1.4.0, slot B, try 2 of 3":                                    {Version: "1.4.0", Slot: "B", Try: 2},
		"version 1.4.0, slot A, in recovery: no slot has come up in its tries": {Version: "1.4.0", Slot: "A", Recovery: true},
		"version " + version:                                                   {},
	} {
		if got := whatRuns(b); got != want {
			t.Errorf("%+v: %q, want %q", b, got, want)
		}
	}
}

// TestLogIsKeptUntilThereIsAFile: what is logged before the data partition is mounted
// is in the file, and warnings are on the console as well.
func TestLogIsKeptUntilThereIsAFile(t *testing.T) {
	var console bytes.Buffer
	l := &initLog{console: &console}
	log := slog.New(slog.NewTextHandler(l, nil))
	log.Info("first")
	log.Warn("second")
	name := filepath.Join(t.TempDir(), "log/box.log")
	if err := l.open(name, 1<<20); err != nil {
		t.Fatal(err)
	}
	log.Error("third")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l.quiet()
	log.Error("fourth")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string][2]bool{"first": {true, false}, "second": {true, true}, "third": {true, false}, "fourth": {false, false}} {
		if got := [2]bool{strings.Contains(string(text), word), strings.Contains(console.String(), word)}; got != want {
			t.Errorf("%s is in file and on console: %v, want %v", word, got, want)
		}
	}
}

func TestDescriptorOfTheWatchdogIsNotInherited(t *testing.T) {
	for _, bad := range []string{"", "x", "1", "99999"} {
		if _, err := descriptor(bad); err == nil {
			t.Errorf("descriptor(%q) is taken", bad)
		}
		if d := adoptDog(bad); d != nil {
			t.Errorf("adoptDog(%q) has adopted something", bad)
		}
	}
	var none *armedDog
	if none.handOver() != nil {
		t.Error("no watchdog hands one over")
	}
	fd, err := unix.Open(os.DevNull, unix.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	d := adoptDog(fmt.Sprint(fd)) // it cannot be fed, which costs nothing here
	if d == nil {
		t.Fatal("a descriptor is not adopted")
	}
	f := d.handOver()
	defer f.Close()
	if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags = %x, %v: roles would inherit the watchdog", flags, err)
	}
	if d.handOver() != f {
		t.Error("the second hand-over is of something else")
	}
}

func TestPartitionsAreFoundByLabel(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"dev", "sys/class/block/vda/vda5", "sys/class/block/vda/vda6"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := slottest.New(t, slot.State{}).Save(filepath.Join(root, "dev/vda")); err != nil {
		t.Fatal(err)
	}
	for n, text := range map[string]string{"vda5": "5\n", "vda6": "6\n"} {
		if err := os.WriteFile(filepath.Join(root, "sys/class/block/vda", n, "partition"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for label, want := range map[string]string{slot.LabelState: filepath.Join(root, "dev/vda5"), slot.LabelData: filepath.Join(root, "dev/vda6"), slot.LabelA: "", "other": ""} {
		if got := partitionDevice(root, "/dev/vda", label); got != want {
			t.Errorf("partition %s = %q, want %q", label, got, want)
		}
	}
	if got := partitionDevice(root, "/dev/vdb", slot.LabelState); got != "" {
		t.Errorf("partition of no disk = %q", got)
	}
}

func TestAlarmsOfProcessOneReachTheEngine(t *testing.T) {
	root := t.TempDir()
	e := &engine{log: slog.New(slog.DiscardHandler)}
	if got := e.machineAlarms(root); got != nil {
		t.Errorf("alarms = %v of a machine without", got)
	}
	if err := pid1.NewAlarms(root).Raise(pid1.Alarm{Object: "state", Text: "lost", Grave: true}); err != nil {
		t.Fatal(err)
	}
	got := e.machineAlarms(root)
	if len(got) != 1 || got[0].Object != "state" || got[0].Text != "lost" || !got[0].Grave || got[0].Since.IsZero() {
		t.Errorf("alarms = %+v", got)
	}
	e.cfg.board = "sim"
	if got := e.machineAlarms(root); got != nil {
		t.Errorf("alarms = %v on the simulated board", got)
	}
}

func TestNameServersOfAnApplianceAreInMemory(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "resolv.conf")
	if got := systemFiles(link); got.Resolver != "" || got.Zone != "" {
		t.Errorf("systemFiles = %+v without a link", got)
	}
	if err := os.Symlink("/run/resolv.conf", link); err != nil {
		t.Fatal(err)
	}
	if got := systemFiles(link); got.Resolver != "/run/resolv.conf" || got.Zone != "/run/localtime" {
		t.Errorf("systemFiles = %+v, want those in /run", got)
	}
}
