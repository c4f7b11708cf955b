// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"evener/firmware/manage"
)

// running says whether a process exists and is no zombie.
func running(pid int) bool {
	return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

func TestKilledEngineLosesOnlyExchangesInFlight(t *testing.T) {
	const conns, kills = 16, 3
	s := newSite(t, newOrigins(t, "web1", "web2")...)
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	l := startLoad(t, s.listen, "/", conns)
	for range kills {
		l.reach(int(l.good.Load()) + scale(5000))
		b.killEngine()
	}
	l.reach(int(l.good.Load()) + scale(5000))
	l.stop()
	if l.refused.Load() != 0 {
		t.Errorf("%s; want no connection refused", l)
	}
	if lost := l.failed.Load() + l.stale.Load(); lost > conns*kills {
		t.Errorf("%s: %d kills lost %d exchanges; want at most one for each of %d connections", l, kills, lost, conns)
	} else if lost == 0 {
		t.Errorf("%s: no connection noticed that its engine was killed", l)
	}
	r := b.info().Roles[0]
	if r.Crashes != kills || r.State != "running" {
		t.Errorf("the supervisor tells of %d crashes, state %s; want %d, running", r.Crashes, r.State, kills)
	}
	if !strings.Contains(r.LastCrash, "killed") {
		t.Errorf("the last crash is %q; want the signal named", r.LastCrash)
	}
}

func TestRestartUnderLoadFailsNoRequest(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1", "web2")...)
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	l := startLoad(t, s.listen, "/", 16)
	slow := startLoad(t, s.listen, "/wait/300ms", 4)
	for range 3 {
		l.reach(int(l.good.Load()) + scale(5000))
		old := b.info().PID
		if out := b.must("restart", "engine"); !strings.Contains(out, "drains") {
			t.Errorf("evener restart engine said %q", out)
		}
		if now := b.info().PID; now == old {
			t.Errorf("process %d still is the engine", old)
		}
		b.await("the old engine has ended", func() bool { return !running(old) })
	}
	l.reach(int(l.good.Load()) + scale(5000))
	l.stop()
	slow.stop()
	l.clean()
	slow.clean()
	l.noneStale()
	slow.noneStale()
	if r := b.info().Roles[0]; r.Restarts != 3 || r.Crashes != 0 {
		t.Errorf("the supervisor tells of %d restarts and %d crashes; want 3 and 0", r.Restarts, r.Crashes)
	}
}

// replace puts another program in place of the box's own, as an upgrade does.
func (b *box) replace(program []byte) {
	b.t.Helper()
	if err := os.WriteFile(b.exe+".new", program, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Rename(b.exe+".new", b.exe); err != nil {
		b.t.Fatal(err)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestUpgradeUnderLoadFailsNoRequest(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1", "web2")...)
	exe := filepath.Join(t.TempDir(), "evener")
	b := &box{t: t, exe: exe}
	b.replace(read(t, program(t, checked)))
	b = start(t, setup{config: s.text(), exe: exe})
	b.usable("shop")
	l := startLoad(t, s.listen, "/", 8)
	l.reach(scale(5000))

	before := b.info()
	if before.Version != checked.version {
		t.Fatalf("version %q runs, want %q", before.Version, checked.version)
	}
	b.replace([]byte("#!/bin/sh\necho this build is broken >&2\nexit 7\n"))
	old := program(t, checked) // the command line tool, since the box's is broken
	b.exe, exe = old, b.exe
	o := b.cli("restart", "engine")
	if o.code != 1 || !strings.Contains(o.stderr, "this build is broken") || !strings.Contains(o.stderr, "goes on") {
		t.Errorf("restart into a broken program: exit code %d, %q; want 1 and why", o.code, o.stderr)
	}
	if now := b.info(); now.PID != before.PID {
		t.Errorf("process %d was replaced by %d, though the new program is broken", before.PID, now.PID)
	}
	if out := b.attention(); !strings.Contains(out, "this build is broken") {
		t.Errorf("status does not tell of the failed restart:\n%s", out)
	}

	b.exe = exe
	b.replace(read(t, program(t, upgraded)))
	b.must("restart", "engine")
	b.await("the new version runs", func() bool {
		var i manage.Info
		return b.call("sys.info", nil, &i) == nil && i.Version == upgraded.version
	})
	if out := b.must("status"); !strings.Contains(out, "version "+upgraded.version) {
		t.Errorf("status does not name the new version:\n%s", out)
	}
	l.reach(int(l.good.Load()) + scale(5000))
	l.stop()
	l.clean()
	l.noneStale()
}
