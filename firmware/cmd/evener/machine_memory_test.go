// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evener/firmware/manage"
	"evener/firmware/supervise"
)

func TestMemoryOfTheBoxIsRead(t *testing.T) {
	proc := t.TempDir()
	for name, text := range map[string]string{
		"meminfo":         "MemTotal:         480000 kB\nMemFree:          100000 kB\nMemAvailable:     380000 kB\n",
		"42/smaps_rollup": "00400000-7ffe00000000 ---p 00000000 00:00 0 [rollup]\nRss:               30000 kB\nPss:               20000 kB\nPss_Anon:          15000 kB\n",
		"43/smaps_rollup": "Pss:               much kB\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(proc, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(proc, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	total, available, err := readMeminfo(proc)
	if err != nil || total != 480000<<10 || available != 380000<<10 {
		t.Errorf("readMeminfo = %d, %d, %v", total, available, err)
	}
	if p := readProcess(proc, "engine", 42); p != (manage.MachineProcess{Role: "engine", PID: 42, PSS: 20000 << 10}) {
		t.Errorf("process 42: %+v", p)
	}
	for pid, want := range map[int]string{43: "no amount of memory", 44: "no such file"} {
		if p := readProcess(proc, "ha", pid); p.PSS != 0 || !strings.Contains(p.Problem, want) {
			t.Errorf("process %d: %+v, want the problem %q", pid, p, want)
		}
	}
}

// A census counts how often it is asked which roles run.
type census struct{ asked int }

func (c *census) Status(context.Context) (supervise.Status, error) {
	c.asked++
	return supervise.Status{}, nil
}

func TestMemoryIsLookedAtNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c census
		m := &machine{sup: &c, log: slog.New(slog.DiscardHandler)}
		for range 3 {
			if x := m.memory(t.Context()); x == nil || len(x.Processes) != 1 || x.Processes[0].PSS == 0 {
				t.Fatalf("memory is %+v", x)
			}
		}
		if c.asked != 1 {
			t.Errorf("looked %d times for three who asked at once, want one look", c.asked)
		}
		time.Sleep(freshMemory)
		m.memory(t.Context())
		if c.asked != 2 {
			t.Errorf("looked %d times, want another look after %v", c.asked, freshMemory)
		}
	})
}

func TestMemoryIsShownByProcess(t *testing.T) {
	var out strings.Builder
	printMemory(&out, &manage.MachineMemory{Total: 500 << 20, Available: 420 << 20, Processes: []manage.MachineProcess{
		{Role: "supervisor", PSS: 9 << 20}, {Role: "engine", Problem: "it ended"}, {Role: "ha", PSS: 4 << 20}}})
	if want := "memory    80 of 500 MiB used: supervisor 9, engine not known (it ended), ha 4\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
}
