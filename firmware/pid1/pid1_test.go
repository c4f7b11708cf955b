// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var quiet = slog.New(slog.DiscardHandler)

// put writes a file below root.
func put(t *testing.T, root, name, text string) string {
	t.Helper()
	name = filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// A fakeKernel notes what it is asked for.
type fakeKernel struct {
	did   []string
	fail  map[string]error // by the type of a file system, or a target
	run   func(name string, args []string) (string, int, error)
	rtc   time.Time
	noRTC error
	bits  int
	seed  []byte
	rand  error
	kill  func(pid int, sig unix.Signal)
}

func (k *fakeKernel) Mount(source, target, fstype string, flags uintptr, data string) error {
	k.did = append(k.did, strings.TrimSpace(fmt.Sprintf("mount %s %s %s", fstype, source, data)))
	if flags&unix.MS_REMOUNT != 0 {
		k.did[len(k.did)-1] = "remount " + target
	}
	if err := k.fail[fstype]; err != nil {
		return err
	}
	return k.fail["mount "+target]
}

func (k *fakeKernel) Unmount(target string) error {
	k.did = append(k.did, "unmount "+target)
	return k.fail["unmount "+target]
}

func (k *fakeKernel) Kill(pid int, sig unix.Signal) error {
	k.did = append(k.did, fmt.Sprintf("kill %d %v", pid, sig))
	if k.kill != nil {
		k.kill(pid, sig)
	}
	return nil
}

func (k *fakeKernel) Run(_ context.Context, name string, args ...string) (string, int, error) {
	k.did = append(k.did, filepath.Base(name))
	if k.run == nil {
		return "", 0, nil
	}
	return k.run(name, args)
}

func (k *fakeKernel) ReadRTC(string) (time.Time, error) { return k.rtc, k.noRTC }
func (k *fakeKernel) SetClock(t time.Time) error {
	k.did = append(k.did, "clock "+t.UTC().Format(time.RFC3339))
	return k.fail["clock"]
}
func (k *fakeKernel) AddEntropy(seed []byte, bits int) error {
	k.seed, k.bits = slices.Clone(seed), bits
	return nil
}
func (k *fakeKernel) Random(b []byte) error {
	for i := range b {
		b[i] = byte(i + 1)
	}
	return k.rand
}

func TestMountBaseMountsWhatIsNotThere(t *testing.T) {
	root := t.TempDir()
	put(t, root, "proc/self/mountinfo", "1 1 0:1 / /proc rw - proc proc rw\n2 1 0:2 / /run rw - tmpfs run rw\n")
	put(t, root, "dev/null", "")
	k := &fakeKernel{fail: map[string]error{"devtmpfs": unix.EBUSY, "securityfs": unix.ENODEV}}
	if err := MountBase(root, k); err != nil {
		t.Error(err)
	}
	var got []string
	for _, d := range k.did {
		got = append(got, strings.Fields(d)[1])
	}
	if want := []string{"sysfs", "devtmpfs", "devpts", "tmpfs", "tmpfs", "securityfs"}; !slices.Equal(got, want) {
		t.Errorf("mounted %q, want %q", got, want)
	}
	k.fail["tmpfs"] = unix.ENOMEM
	if err := MountBase(root, k); err == nil || !strings.Contains(err.Error(), "/tmp") || !strings.Contains(err.Error(), "/var") {
		t.Errorf("MountBase = %v, want both that failed", err)
	}
}

func TestSysctlsAreSetAndRefusalsTold(t *testing.T) {
	root := t.TempDir()
	name := put(t, root, "proc/sys/net/core/somaxconn", "4096")
	if err := os.MkdirAll(filepath.Join(root, "proc/sys/kernel/panic"), 0o755); err != nil { // cannot be written
		t.Fatal(err)
	}
	err := ApplySysctls(root, []Sysctl{{"net.core.somaxconn", "65535", ""}, {"net.none", "1", ""}, {"kernel.panic", "10", ""}})
	if err == nil || !strings.Contains(err.Error(), "kernel.panic") || strings.Contains(err.Error(), "net.none") {
		t.Errorf("ApplySysctls = %v, want kernel.panic only", err)
	}
	if text, _ := os.ReadFile(name); !strings.HasPrefix(string(text), "65535") {
		t.Errorf("somaxconn = %q", text)
	}
}

func TestEverySysctlIsInTheManualWithItsReason(t *testing.T) {
	page, err := os.ReadFile("../../docs/manual/appliance.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range Sysctls {
		if seen[s.Key] {
			t.Errorf("%s is there twice", s.Key)
		}
		seen[s.Key] = true
		if row := fmt.Sprintf("| `%s` | %s | %s |", s.Key, strings.ReplaceAll(s.Value, "|", `\|`), s.Why); !strings.Contains(string(page), row) {
			t.Errorf("docs/manual/appliance.md has not the row\n%s", row)
		}
	}
	if rows := strings.Count(string(page), "| `net.") + strings.Count(string(page), "| `kernel.") + strings.Count(string(page), "| `fs."); rows != len(Sysctls) {
		t.Errorf("docs/manual/appliance.md has %d rows of settings, want %d", rows, len(Sysctls))
	}
}

func TestLockdownNeedsSignedModules(t *testing.T) {
	for _, tt := range []struct{ name, now, enforce, want, wrote string }{
		{"none of it", "", "", "has no lockdown", ""},
		{"unsigned modules", "[none] integrity confidentiality\n", "N\n", "not asked for", ""},
		{"signed modules", "[none] integrity confidentiality\n", "Y\n", "lockdown is integrity", "integrity"},
		{"already", "none [integrity] confidentiality\n", "Y\n", "since the kernel's start", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			file := filepath.Join(root, "sys/kernel/security/lockdown")
			if tt.now != "" {
				put(t, root, "sys/kernel/security/lockdown", tt.now)
			}
			put(t, root, "sys/module/module/parameters/sig_enforce", tt.enforce)
			got, err := Lockdown(root)
			if err != nil || !strings.Contains(got, tt.want) {
				t.Errorf("Lockdown = %q, %v, want %q", got, err, tt.want)
			}
			if text, _ := os.ReadFile(file); tt.wrote != "" && string(text) != tt.wrote || tt.wrote == "" && string(text) != tt.now {
				t.Errorf("lockdown = %q", text)
			}
		})
	}
}

func TestClockNeverGoesBehindWhatTheBoxKnows(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	build := at("2026-11-01T00:00:00Z")
	for _, tt := range []struct {
		name     string
		rtc, now time.Time
		noRTC    error
		want     string // what it is set to
		alarm    string
	}{
		{"good hardware clock", at("2026-11-21T10:00:00Z"), at("1970-01-01T00:00:05Z"), nil, "2026-11-21T10:00:00Z", ""},
		{"the kernel has set it", at("2026-11-21T10:00:00Z"), at("2026-11-21T10:00:01Z"), nil, "", ""},
		{"empty battery", at("2000-01-01T00:00:00Z"), at("2000-01-01T00:00:00Z"), nil, "2026-11-01T00:00:00Z", "battery"},
		{"no hardware clock", time.Time{}, at("1970-01-01T00:00:05Z"), os.ErrNotExist, "2026-11-01T00:00:00Z", "does not answer"},
		{"no hardware clock, time known", time.Time{}, at("2026-11-21T10:00:01Z"), os.ErrNotExist, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := &fakeKernel{rtc: tt.rtc, noRTC: tt.noRTC}
			_, alarm := SetTime(k, "/dev/rtc0", tt.now, build)
			var want []string
			if tt.want != "" {
				want = []string{"clock " + tt.want}
			}
			if !slices.Equal(k.did, want) {
				t.Errorf("did %q, want %q", k.did, want)
			}
			if (alarm != nil) != (tt.alarm != "") || alarm != nil && !strings.Contains(alarm.Text, tt.alarm) {
				t.Errorf("alarm = %+v, want %q", alarm, tt.alarm)
			}
		})
	}
	state := t.TempDir()
	if got, err := NotedTime(state); err != nil || !got.IsZero() {
		t.Errorf("NotedTime = %v, %v before there was one", got, err)
	}
	if err := NoteTime(state, build); err != nil {
		t.Fatal(err)
	}
	if got, err := NotedTime(state); err != nil || !got.Equal(build) {
		t.Errorf("NotedTime = %v, %v, want %v", got, err, build)
	}
	put(t, state, timeFile, "yesterday")
	if _, err := NotedTime(state); err == nil {
		t.Error("NotedTime takes what is no time")
	}
}

func TestSeedCountsOnceAndOnItsMachine(t *testing.T) {
	state, k := t.TempDir(), &fakeKernel{}
	if bits, err := FeedSeed(k, state, "m1"); bits != 0 || err != nil {
		t.Errorf("FeedSeed = %d, %v without a seed", bits, err)
	}
	save := func() {
		t.Helper()
		if err := SaveSeed(k, state, "m1"); err != nil {
			t.Fatal(err)
		}
	}
	save()
	if bits, err := FeedSeed(k, state, "m1"); bits != seedBits || err != nil || len(k.seed) != seedSize || k.bits != bits {
		t.Errorf("FeedSeed = %d, %v; the kernel got %d bytes for %d bits", bits, err, len(k.seed), k.bits)
	}
	if bits, err := FeedSeed(k, state, "m1"); bits != 0 || err != nil {
		t.Errorf("FeedSeed = %d, %v the second time", bits, err)
	}
	for _, machine := range []string{"m2", ""} {
		save()
		if bits, err := FeedSeed(k, state, machine); bits != 0 || err != nil || k.bits != 0 {
			t.Errorf("FeedSeed = %d, %v on machine %q", bits, err, machine)
		}
	}
	if err := SaveSeed(k, state, ""); err != nil {
		t.Fatal(err)
	}
	if bits, err := FeedSeed(k, state, ""); bits != 0 || err != nil {
		t.Errorf("FeedSeed = %d, %v on machines that nothing tells apart", bits, err)
	}
	save()
	if err := os.Truncate(filepath.Join(state, seedFile), int64(len(seedHead("m1"))+9)); err != nil {
		t.Fatal(err)
	}
	if bits, err := FeedSeed(k, state, "m1"); bits != 0 || err != nil {
		t.Errorf("FeedSeed = %d, %v of a short one", bits, err)
	}
	k.rand = unix.EAGAIN
	if err := SaveSeed(k, state, "m1"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(state, seedFile)); err == nil {
		t.Error("a seed was kept of a generator that was not ready")
	}
}

func TestJudgeTellsNewFromBroken(t *testing.T) {
	super := func(magic, state uint16, incompat, errs uint32) []byte {
		b := make([]byte, superBlockSize)
		le := binary.LittleEndian
		le.PutUint16(b[superMagic:], magic)
		le.PutUint16(b[superState:], state)
		le.PutUint32(b[superIncompat:], incompat)
		le.PutUint32(b[superErrors:], errs)
		return b
	}
	for _, tt := range []struct {
		name   string
		super  []byte
		marked bool
		want   content
	}{
		{"zeros", super(0, 0, 0, 0), false, unused},
		{"garbage of an earlier life", super(0x1234, 7, 9, 1), false, unused},
		{"destroyed", super(0, 0, 0, 0), true, broken},
		{"unmounted", super(ext4Magic, 1, 0x2c2, 0), true, clean},
		{"unmounted, made by somebody else", super(ext4Magic, 1, 0x2c2, 0), false, clean},
		{"power cut", super(ext4Magic, 1, 0x2c6, 0), true, dirty},
		{"errors", super(ext4Magic, 3, 0x2c2, 0), true, dirty},
		{"errors noted", super(ext4Magic, 1, 0x2c2, 1), true, dirty},
		{"mounted without a journal", super(ext4Magic, 0, 0x2c2, 0), true, dirty},
	} {
		if got := judge(tt.super, tt.marked); got != tt.want {
			t.Errorf("%s: judge = %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestUnmountEndsWhatRuns(t *testing.T) {
	root := t.TempDir()
	put(t, root, "proc/self/mountinfo", "1 1 8:1 / /state rw - ext4 /dev/vda5 rw\n2 1 8:2 / /data rw - ext4 /dev/vda6 rw\n")
	put(t, root, "proc/77/cmdline", "evener\x00role")
	put(t, root, "proc/78/cmdline", "") // the kernel's
	put(t, root, fmt.Sprintf("proc/%d/cmdline", os.Getpid()), "evener\x00init")
	k := &fakeKernel{fail: map[string]error{"unmount /state": unix.EBUSY}}
	k.kill = func(pid int, sig unix.Signal) {
		if sig == unix.SIGKILL {
			if err := os.RemoveAll(filepath.Join(root, "proc", fmt.Sprint(pid))); err != nil {
				t.Error(err)
			}
		}
	}
	if err := Unmount(k, root, 40*time.Millisecond, quiet, "/data", "/state", "/none"); err != nil {
		t.Error(err)
	}
	want := []string{"kill 77 terminated", "kill 77 killed", "unmount /data", "unmount /state", "remount /state"}
	if !slices.Equal(k.did, want) {
		t.Errorf("did %q, want %q", k.did, want)
	}
	k.fail["mount /state"] = unix.EBUSY
	if err := Unmount(k, root, 0, quiet, "/state"); err == nil || !strings.Contains(err.Error(), "/state") {
		t.Errorf("Unmount = %v, want what is still writable", err)
	}
}

func TestAlarmsReachOtherProcesses(t *testing.T) {
	root := t.TempDir()
	if list, err := ReadAlarms(root); list != nil || err != nil {
		t.Errorf("ReadAlarms = %v, %v before there is one", list, err)
	}
	a := NewAlarms(root)
	for _, x := range []Alarm{{Object: "state", Text: "broken", Grave: true}, {Object: "clock", Text: "slow"}} {
		if err := a.Raise(x); err != nil {
			t.Fatal(err)
		}
	}
	list, err := ReadAlarms(root)
	if err != nil || !slices.Equal(list, a.list) || len(list) != 2 || list[0].Text != "broken" {
		t.Errorf("ReadAlarms = %+v, %v", list, err)
	}
	put(t, root, AlarmsFile, "{")
	if _, err := ReadAlarms(root); err == nil {
		t.Error("ReadAlarms takes what is no list")
	}
}

func TestLogFileKeepsToItsLimit(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log/box.log")
	l, err := OpenLogFile(name, 100)
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Repeat("x", 39) + "\n"
	for range 7 {
		if _, err := l.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	for n, want := range map[string]int{name: 40, name + ".1": 80} {
		if text, err := os.ReadFile(n); err != nil || len(text) != want {
			t.Errorf("%s has %d bytes, %v, want %d", filepath.Base(n), len(text), err, want)
		}
	}
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if _, err := l.Write([]byte(line)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write = %v after Close", err)
	}
	if l, err = OpenLogFile(name, 100); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Write([]byte(line)); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(name); err != nil || len(text) != 80 {
		t.Errorf("the log has %d bytes, %v, want that it goes on", len(text), err)
	}
}
