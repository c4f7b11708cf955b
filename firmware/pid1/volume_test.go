// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A tooled kernel mounts nothing, but runs the real programs of e2fsprogs.
type tooled struct{ fakeKernel }

func (k *tooled) Run(ctx context.Context, name string, args ...string) (string, int, error) {
	k.did = append(k.did, filepath.Base(name))
	if _, err := os.Stat(name); err != nil {
		name = "/sbin/" + filepath.Base(name)
	}
	return Kernel{}.Run(ctx, name, args...)
}

// newVolume returns a volume on a partition of size bytes that holds zeros.
func newVolume(t *testing.T, size int64) Volume {
	t.Helper()
	dir := t.TempDir()
	v := Volume{Name: "state", Label: "evener-state", Device: filepath.Join(dir, "vda5"), Target: "/state", Memory: "8m"}
	f, err := os.Create(v.Device)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	return v
}

func needTools(t *testing.T) {
	t.Helper()
	for _, name := range []string{"mke2fs", "e2fsck"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is missing (Debian package e2fsprogs)", name)
		}
	}
}

// garble overwrites n bytes at off.
func garble(t *testing.T, v Volume, off int64, n int) {
	t.Helper()
	f, err := os.OpenFile(v.Device, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, n), off); err != nil {
		t.Fatal(err)
	}
}

func TestVolumeIsMadeOnceAndThenUsed(t *testing.T) {
	needTools(t)
	v, k := newVolume(t, 64<<20), &tooled{}
	if !v.Unused() {
		t.Error("zeros do not count as unused")
	}
	for n, want := range []string{"mke2fs mount", "mount", "mount"} {
		k.did = nil
		made, alarm := v.Mount(t.Context(), k, quiet)
		if alarm != nil || made != (n == 0) {
			t.Fatalf("Mount = %v, %+v", made, alarm)
		}
		if got := verbs(k.did); got != want {
			t.Errorf("time %d: did %q, want %q", n, got, want)
		}
	}
	if out, status, err := k.Run(t.Context(), "/usr/sbin/e2fsck", "-fn", v.Device); err != nil || status != 0 {
		t.Errorf("e2fsck = %d, %v: %s", status, err, out)
	}
	if v.Unused() {
		t.Error("a volume with a file system counts as unused")
	}
}

// verbs returns the first words of what was done.
func verbs(did []string) string {
	var out []string
	for _, d := range did {
		out = append(out, strings.Fields(d)[0])
	}
	return strings.Join(out, " ")
}

func TestBrokenVolumeIsLeftAloneAndMemoryTakesItsPlace(t *testing.T) {
	needTools(t)
	for _, tt := range []struct {
		name   string
		damage func(*testing.T, Volume)
		want   string
	}{
		{"its superblock is gone", func(t *testing.T, v Volume) { garble(t, v, 0, 64<<10) }, "cannot be recognised"},
		{"its tables are gone", func(t *testing.T, v Volume) {
			garble(t, v, superOffset+superState, 1) // it was not unmounted
			garble(t, v, 4096, 8<<20)
		}, "e2fsck ended with"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, k := newVolume(t, 64<<20), &tooled{}
			if err := v.Make(t.Context(), k); err != nil {
				t.Fatal(err)
			}
			tt.damage(t, v)
			k.did = nil
			made, alarm := v.Mount(t.Context(), k, quiet)
			if made || alarm == nil || !alarm.Grave || !strings.Contains(alarm.Text, tt.want) || !strings.Contains(alarm.Text, "factory reset") {
				t.Fatalf("Mount = %v, %+v, want an alarm with %q", made, alarm, tt.want)
			}
			if slices.Contains(k.did, "mke2fs") || k.did[len(k.did)-1] != "mount tmpfs evener-state mode=0755,size=8m" {
				t.Errorf("did %q, want a file system in memory and nothing to the partition", k.did)
			}
			// A factory reset makes it anew.
			if err := v.Make(t.Context(), k); err != nil {
				t.Fatal(err)
			}
			if _, alarm := v.Mount(t.Context(), k, quiet); alarm != nil {
				t.Errorf("after a factory reset: %+v", alarm)
			}
		})
	}
}

// TestPowerCutWhileItIsMade: until the mark is there, the partition counts as unused,
// and is made again.
func TestPowerCutWhileItIsMade(t *testing.T) {
	needTools(t)
	v, k := newVolume(t, 64<<20), &tooled{}
	if err := v.Make(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	cut := &fakeKernel{run: func(string, []string) (string, int, error) {
		garble(t, v, 8192, 1<<20) // it had begun to write
		return "", 0, context.DeadlineExceeded
	}}
	if err := v.Make(t.Context(), cut); err == nil {
		t.Fatal("Make has not noticed the cut")
	}
	if !v.Unused() {
		t.Fatal("half a file system does not count as unused")
	}
	if made, alarm := v.Mount(t.Context(), k, quiet); !made || alarm != nil {
		t.Errorf("Mount = %v, %+v, want it made again", made, alarm)
	}
}

func TestVolumeThatIsMissing(t *testing.T) {
	k := &fakeKernel{}
	v := Volume{Name: "data", Target: "/data", Memory: "8m"}
	if _, alarm := v.Mount(t.Context(), k, quiet); alarm == nil || !strings.Contains(alarm.Text, "the disk has no such partition") || verbs(k.did) != "mount" {
		t.Errorf("alarm = %+v, did %q", alarm, k.did)
	}
	small := newVolume(t, 64<<10)
	if err := small.Make(t.Context(), k); err == nil || !strings.Contains(err.Error(), "too small") {
		t.Errorf("Make = %v on 64 KiB", err)
	}
}

func TestGrowingFoldersLieOnTheDataPartition(t *testing.T) {
	state, data := filepath.Join(t.TempDir(), "evener"), t.TempDir()
	for range 2 {
		if err := LinkData(state, data); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range onData {
		put(t, state, name+"/x", name)
		if text, err := os.ReadFile(filepath.Join(data, name, "x")); err != nil || string(text) != name {
			t.Errorf("%s on the data partition = %q, %v", name, text, err)
		}
	}
	// A link to elsewhere is set right, an empty folder gives way, a full one does not.
	for _, name := range onData[:3] {
		if err := os.Remove(filepath.Join(state, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/nowhere", filepath.Join(state, onData[0])); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(state, onData[1]), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, state, onData[2]+"/mine", "kept")
	err := LinkData(state, data)
	if err == nil || !strings.Contains(err.Error(), onData[2]) || strings.Contains(err.Error(), onData[1]) {
		t.Errorf("LinkData = %v, want the folder that stays, %s", err, onData[2])
	}
	for _, name := range onData[:2] {
		if to, err := os.Readlink(filepath.Join(state, name)); err != nil || to != filepath.Join(data, name) {
			t.Errorf("%s leads to %q, %v", name, to, err)
		}
	}
	if text, _ := os.ReadFile(filepath.Join(state, onData[2], "mine")); string(text) != "kept" {
		t.Errorf("the full folder holds %q", text)
	}
}
