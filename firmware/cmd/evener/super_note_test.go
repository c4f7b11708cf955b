// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evener/firmware/api"
)

// TestWhatIsDoneWhileTheEngineIsDeadIsAudited opens a shell, holds and reboots a box
// none of whose engines answers, and looks after the reboot.
func TestWhatIsDoneWhileTheEngineIsDeadIsAudited(t *testing.T) {
	b := startLive(t, "", "--board", "sim")
	if err := b.ask(api.SupervisorSocket, "role.hold", superHold{Role: "engine", Why: "to look at the disk"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.ask(api.SupervisorSocket, "serial.shell", serialShell{User: "alice", Terminal: "ttyS0", Event: "opened"}, nil); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(b.state, notesFile))
	if err != nil || !strings.Contains(string(kept), "maintenance shell of alice at ttyS0 opened") {
		t.Fatalf("on the disk before the shell starts: %q, %v", kept, err)
	}
	if i, err := os.Stat(filepath.Join(b.state, notesFile)); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", i.Mode(), err)
	}
	if err := b.ask(api.SupervisorSocket, "power.reboot", struct{}{}, nil); err != nil {
		t.Fatal(err)
	}
	var out string
	b.await("the audit log has it all", func() bool {
		out = b.cli("audit").stdout
		return strings.Contains(out, "reboot") && strings.Contains(out, "opened") && strings.Contains(out, "to look at the disk")
	})
	b.await("nothing waits", func() bool {
		_, err := os.Stat(filepath.Join(b.state, notesFile))
		return os.IsNotExist(err)
	})
}

// TestNotesWaitForAnEngine has an engine that is dead at first, then takes some.
func TestNotesWaitForAnEngine(t *testing.T) {
	dir := t.TempDir()
	var got []string
	takes := 0
	open := func() *notebook {
		n := newNotebook(dir, slog.New(slog.DiscardHandler))
		n.send = func(_ context.Context, x superNote) error {
			switch {
			case x.What == "bad":
				return api.Errorf(api.CodeParams, "params", "no such thing")
			case takes == 0:
				return api.Errorf(api.CodeFailed, "unreachable", "the engine does not answer")
			}
			takes--
			got = append(got, x.What)
			return nil
		}
		return n
	}
	n := open()
	for _, what := range []string{"one", "bad", "two", "three"} {
		n.put(superNote{Method: "role.hold", What: what})
	}
	n.flush(t.Context())
	takes = 2
	n.flush(t.Context())
	n = open() // another supervisor
	takes = 5
	n.flush(t.Context())
	if want := "one two three"; strings.Join(got, " ") != want {
		t.Errorf("the engine has %q, want %s", got, want)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestNotesAreBounded(t *testing.T) {
	n := newNotebook(t.TempDir(), slog.New(slog.DiscardHandler))
	n.loaded, n.waiting = true, make([]superNote, maxNotes-2)
	for i := range 12 {
		n.put(superNote{Method: "role.hold", What: fmt.Sprint(i, strings.Repeat("x", 3*maxNote))})
	}
	last := n.waiting[len(n.waiting)-1]
	if len(n.waiting) != maxNotes || last.Lost != 11 || !strings.Contains(last.What, "11 records") || last.Method != "audit.lost" {
		t.Errorf("%d wait, the last is %+v; want %d and that 11 are lost", len(n.waiting), last, maxNotes)
	}
	if w := n.waiting[maxNotes-2].What; len(w) != maxNote || w[0] != '0' {
		t.Errorf("%d bytes of a text are kept", len(w))
	}
}
