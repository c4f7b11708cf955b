// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"evener/firmware/api"
	"evener/firmware/pid1"
)

// tellers are the methods about the machine on a supervisor's own API.
func tellers(t *testing.T, root, log string) *superAPI {
	t.Helper()
	s := newSuperAPI(t.TempDir(), nil, slog.New(slog.DiscardHandler))
	s.adds = nil
	s.add(addAlarms(root))
	s.add(addLog(log))
	return s
}

func TestSupervisorSendsTheEndOfTheLog(t *testing.T) {
	name := filepath.Join(t.TempDir(), "box.log")
	s := tellers(t, "", name)
	tail := func(n int) string {
		t.Helper()
		var out logText
		if err := s.call(t.Context(), "serial", "log.tail", args{"bytes": n}, &out); err != nil {
			t.Fatal(err)
		}
		return out.Text
	}
	if got := tail(10); got != "" {
		t.Errorf("of no file comes %q", got)
	}
	for file, text := range map[string]string{name: "new line\n", name + ".1": "old line\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for n, want := range map[int]string{0: "old line\nnew line\n", 5: "line\n", 9: "new line\n", 14: "line\nnew line\n", 1 << 30: "old line\nnew line\n"} {
		if got := tail(n); got != want {
			t.Errorf("the last %d bytes are %q, want %q", n, got, want)
		}
	}
	var e *api.Error
	if err := tellers(t, "", "").call(t.Context(), "serial", "log.tail", args{}, nil); !errors.As(err, &e) || e.Code != api.CodeNotFound {
		t.Errorf("of a box without a log: %v", err)
	}
}

func TestSupervisorTellsTheAlarmsOfProcessOne(t *testing.T) {
	root := t.TempDir()
	want := pid1.Alarm{Object: "state", Text: "the state partition cannot be used", Grave: true}
	if err := pid1.NewAlarms(root).Raise(want); err != nil {
		t.Fatal(err)
	}
	for at, n := range map[string]int{root: 1, "": 0, t.TempDir(): 0} {
		var out machineAlarms
		if err := tellers(t, at, "").call(t.Context(), "serial", "machine.alarms", args{}, &out); err != nil || len(out.Alarms) != n {
			t.Errorf("%q: %+v, %v; want %d", at, out, err, n)
		}
		if n == 1 && len(out.Alarms) == 1 && out.Alarms[0] != want {
			t.Errorf("the alarm is %+v, want %+v", out.Alarms[0], want)
		}
	}
}
