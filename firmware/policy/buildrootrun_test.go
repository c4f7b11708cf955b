// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// comesBack has the Buildroot in the folder checkout load a defconfig and write it
// again: a symbol that it does not know, or whose dependencies are not met, is lost
// on the way.
func comesBack(t *testing.T, checkout, name string) {
	t.Helper()
	out := t.TempDir()
	saved := filepath.Join(out, "saved")
	external := filepath.Join(absRoot(t), "buildroot")
	for _, args := range [][]string{{name}, {"savedefconfig", "BR2_DEFCONFIG=" + saved}} {
		cmd := exec.Command("make", append([]string{"-C", checkout, "O=" + out, "BR2_EXTERNAL=" + external}, args...)...)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("make %v: %v\n%s", args, err, text)
		}
	}
	got, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	if want := buildroot(t, "configs/"+name); string(got) != want {
		t.Errorf("%s comes back changed:\n%s\nwant\n%s", name, got, want)
	}
}

// standInRoot makes what Buildroot hands to post-build.sh, without the files named.
func standInRoot(t *testing.T, without ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range strings.Fields(`sbin/evener sbin/modprobe sbin/mke2fs sbin/e2fsck sbin/fsck.ext4 sbin/debugfs bin/sh usr/bin/openssl
		usr/sbin/useradd etc/mke2fs.conf etc/ssl/certs/ca-certificates.crt etc/init.d/rcS etc/profile lib/libc.so lib/firmware/x.fw
		lib/modules/6.18.33/modules.builtin lib/modules/6.18.33/kernel/x.ko usr/share/zoneinfo/UTC`) {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range without {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func postBuild(t *testing.T, dir string) (string, error) {
	t.Helper()
	script, err := filepath.Abs(filepath.Join(root, "buildroot/board/evener/post-build.sh"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command(script, dir).CombinedOutput()
	return string(text), err
}

func TestPostBuildLeavesOnlyProgramsThatRun(t *testing.T) {
	dir := standInRoot(t)
	for range 2 { // a second build finds the root of the first
		if text, err := postBuild(t, dir); err != nil {
			t.Fatalf("post-build.sh: %v\n%s", err, text)
		}
		for name, want := range map[string]bool{
			"sbin/evener": true, "sbin/modprobe": true, "usr/sbin/mke2fs": true, "usr/sbin/e2fsck": true,
			"lib/libc.so": true, "lib/firmware/x.fw": true, "lib/modules/6.18.33/kernel/x.ko": true, "etc/mke2fs.conf": true,
			"sbin/mke2fs": false, "sbin/e2fsck": false, "sbin/fsck.ext4": false, "sbin/debugfs": false, "bin/sh": false,
			"usr/bin/openssl": false, "usr/sbin/useradd": false, "etc/init.d": false, "etc/profile": false,
		} {
			if _, err := os.Lstat(filepath.Join(dir, name)); (err == nil) != want {
				t.Errorf("/%s is there: %v, want %v", name, err == nil, want)
			}
		}
	}
}

func TestPostBuildRefusesARootThatLacksSomething(t *testing.T) {
	for _, name := range []string{"sbin/evener", "sbin/modprobe", "sbin/mke2fs", "sbin/e2fsck", "etc/mke2fs.conf",
		"etc/ssl/certs/ca-certificates.crt", "usr/share/zoneinfo/UTC", "lib/modules/6.18.33/modules.builtin"} {
		text, err := postBuild(t, standInRoot(t, name))
		if word := filepath.Base(name); err == nil || !strings.Contains(text, word) && !strings.Contains(text, "modules") {
			t.Errorf("without %s: %v, %q; want a refusal that names it", name, err, text)
		}
	}
}
