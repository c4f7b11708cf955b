// SPDX-License-Identifier: Apache-2.0

package image

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// archives puts stand-ins for apt-get and apt-cache before the real ones: they
// serve the packages in the folder that is returned, and note their calls in
// the file calls there.
func archives(t *testing.T) string {
	t.Helper()
	dir, bin := t.TempDir(), t.TempDir()
	get := `#!/bin/sh
echo "apt-get $*" >> ` + dir + `/calls
grep -q "APT::Architecture \"amd64\"" "$APT_CONFIG" || { echo "E: wrong configuration" >&2; exit 100; }
[ "$1" = update ] && exit 0
shift 2
for p; do cp ` + dir + `/${p}_*.deb . || { echo "E: Unable to locate package $p" >&2; exit 100; }; done
`
	cache := `#!/bin/sh
echo "$2"
case $2 in linux-image-amd64) echo "  Depends: linux-image-6.1.0-9-amd64";; *) echo "  Depends: linux-base";; esac
`
	if err := errors.Join(os.WriteFile(filepath.Join(bin, "apt-get"), []byte(get), 0o755),
		os.WriteFile(filepath.Join(bin, "apt-cache"), []byte(cache), 0o755)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	return dir
}

// deb makes a package with one file that has the package's version in it.
func deb(t *testing.T, dir, name, version, arch string) {
	t.Helper()
	root := t.TempDir()
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: x <x@example.org>\nSource: src-%s\nDescription: x\n", name, version, arch, name)
	file := filepath.Join(root, "usr/share", name)
	if err := errors.Join(os.MkdirAll(filepath.Join(root, "DEBIAN"), 0o755), os.MkdirAll(filepath.Dir(file), 0o755),
		os.WriteFile(filepath.Join(root, "DEBIAN/control"), []byte(control), 0o644), os.WriteFile(file, []byte(version), 0o644)); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, name+"_"+strings.ReplaceAll(version, ":", "%3a")+"_"+arch+".deb")
	if _, err := output(exec.Command("dpkg-deb", "--root-owner-group", "-b", root, out)); err != nil {
		t.Fatal(err)
	}
}

func TestFetchUnpacksAndKeeps(t *testing.T) {
	dir, cache := archives(t), filepath.Join(t.TempDir(), "cache")
	deb(t, dir, "linux-image-6.1.0-9-amd64", "6.1.9-1", "amd64")
	deb(t, dir, "tzdata", "1:2026f", "all")
	for range 2 {
		packages, err := Fetch(t.Context(), "amd64", []string{"linux-image-amd64", "tzdata"}, cache)
		if err != nil {
			t.Fatal(err)
		}
		k, z := packages[0], packages[1]
		if k.Name != "linux-image-6.1.0-9-amd64" || k.Asked != "linux-image-amd64" || k.Version != "6.1.9-1" || len(k.SHA256) != 64 {
			t.Errorf("kernel = %+v", k)
		}
		if text, err := os.ReadFile(filepath.Join(z.Root, "usr/share/tzdata")); err != nil || string(text) != "1:2026f" {
			t.Errorf("tzdata's file = %q, %v", text, err)
		}
		if c := z.component(); c.PURL != "pkg:deb/debian/tzdata@1%3A2026f?arch=all" || c.Properties[0].Value != "src-tzdata" || c.Hashes[0].Content != z.SHA256 {
			t.Errorf("component = %+v", c)
		}
	}
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	if want := "apt-get update -q\napt-get download -q linux-image-6.1.0-9-amd64 tzdata\n"; err != nil || string(calls) != want {
		t.Errorf("apt was called so, %v:\n%swant\n%s", err, calls, want)
	}
}

func TestFetchGoesOnAfterAFailure(t *testing.T) {
	dir, cache := archives(t), filepath.Join(t.TempDir(), "cache")
	deb(t, dir, "a", "1", "amd64")
	_, err := Fetch(t.Context(), "amd64", []string{"a", "b"}, cache)
	if err == nil || !strings.Contains(err.Error(), "packages for amd64: apt-get download: exit status 100: ") || !strings.Contains(err.Error(), "E: Unable to locate package b") {
		t.Fatalf("Fetch of what there is not: %v", err)
	}
	deb(t, dir, "b", "2", "amd64")
	if packages, err := Fetch(t.Context(), "amd64", []string{"a", "b"}, cache); err != nil || len(packages) != 2 {
		t.Errorf("Fetch = %+v, %v", packages, err)
	}
	// Somebody removed the files of one of them.
	if err := os.RemoveAll(filepath.Join(cache, "a_1_amd64")); err != nil {
		t.Fatal(err)
	}
	if _, err := Fetch(t.Context(), "amd64", []string{"a"}, cache); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(cache, "a_1_amd64/usr/share/a")); err != nil {
		t.Error(err)
	}
}

func TestFetchRefuses(t *testing.T) {
	dir := archives(t)
	deb(t, dir, "other", "1", "arm64")
	if _, err := Fetch(t.Context(), "amd64", []string{"other"}, filepath.Join(t.TempDir(), "c")); err == nil || !strings.Contains(err.Error(), "it should be for amd64") {
		t.Errorf("a package of another architecture: %v", err)
	}
	if _, err := Fetch(t.Context(), "riscv64", nil, t.TempDir()); err == nil || !strings.Contains(err.Error(), `must be amd64 or arm64, not "riscv64"`) {
		t.Errorf("another architecture: %v", err)
	}
	cache := t.TempDir()
	if err := os.WriteFile(filepath.Join(cache, "packages.json"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Fetch(t.Context(), "amd64", []string{"other"}, cache); err == nil || !strings.Contains(err.Error(), "remove the folder "+cache) {
		t.Errorf("a broken list: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Fetch(t.Context(), "amd64", []string{"other"}, t.TempDir()); err == nil || !strings.Contains(err.Error(), "the program apt-get is missing") {
		t.Errorf("no apt: %v", err)
	}
}

// TestLinkerBringsLibraries takes a program of this machine, whose folders are
// laid out as Debian's packages are.
func TestLinkerBringsLibraries(t *testing.T) {
	p, err := readProgram("/usr/bin/mksquashfs")
	if err != nil {
		t.Fatal(err)
	}
	arch := "amd64"
	if p.machine != machines[arch] {
		arch = "arm64"
	}
	l := linker{arch: arch, roots: []string{"/nonesuch", "/"}, tree: NewTree()}
	if err := l.add("usr/sbin/mksquashfs", "usr/bin/mksquashfs"); err != nil {
		t.Fatal(err)
	}
	for _, lib := range append(p.needs, "libc.so.6") {
		if name := "lib/" + triplets[arch] + "/" + lib; !l.tree.Has(name) {
			t.Errorf("%s is not there: %q", name, l.tree.Names())
		}
	}
	if !l.tree.Has(p.loader[1:]) {
		t.Errorf("the loader %s is not there", p.loader)
	}
	if err := l.add("x", "usr/bin/nonesuch"); err == nil || !strings.Contains(err.Error(), "is in none of the packages") {
		t.Errorf("add of what there is not: %v", err)
	}
	if err := l.library("libnonesuch.so.1"); err == nil || !strings.Contains(err.Error(), "library libnonesuch.so.1 is in none of the packages") {
		t.Errorf("library that is not there: %v", err)
	}
	if err := l.library("../evil.so"); err == nil {
		t.Error("a library with a path is taken")
	}
}
