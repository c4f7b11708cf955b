// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"evener/image/kmod/kmodtest"
)

// unpacked lays folders as FromDebian finds them in its cache.
func unpacked(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestZonesComeOnce(t *testing.T) {
	root := unpacked(t, map[string]string{"Europe/Berlin": "b", "UTC": "u", "posix/UTC": "u", "right/UTC": "u", "localtime": "x",
		"zone1970.tab": "z", "zone.tab": "old", "leap-seconds.list": "l"})
	if err := os.Symlink("UTC", filepath.Join(root, "Zulu")); err != nil {
		t.Fatal(err)
	}
	tr := NewTree()
	if err := addZones(tr, root); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range tr.Names() {
		if !tr.entries[name].mode.IsDir() {
			got = append(got, strings.TrimPrefix(name, "usr/share/zoneinfo/"))
		}
	}
	if want := []string{"Europe/Berlin", "UTC", "Zulu", "zone1970.tab"}; !slices.Equal(got, want) {
		t.Errorf("zones = %q, want %q", got, want)
	}
}

func TestCertificatesAreJoined(t *testing.T) {
	const dir = "usr/share/ca-certificates/mozilla/"
	root := unpacked(t, map[string]string{dir + "b.crt": "B\n", dir + "a.crt": "A", dir + "note": "x"})
	tr := NewTree()
	if err := addCertificates(tr, root); err != nil {
		t.Fatal(err)
	}
	if data, err := tr.Read(CertificatesFile); err != nil || string(data) != "A\nB\n" {
		t.Errorf("certificates = %q, %v", data, err)
	}
	if err := addCertificates(tr, t.TempDir()); err == nil {
		t.Error("a package without certificates is taken")
	}
}

// kernelPackage is as much of a kernel's package as FromDebian looks at, with a
// module for each name in the list.
func kernelPackage(t *testing.T, omit string) string {
	t.Helper()
	const modules = "lib/modules/6.1.0-9-amd64/"
	files := map[string]string{"boot/vmlinuz-6.1.0-9-amd64": string(bzImage()), modules + "modules.builtin": "kernel/x/y.ko\n"}
	rules, err := parseModuleRules(moduleList)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		file := r.what
		switch {
		case strings.HasSuffix(file, "/") || file == omit || r.drop:
			continue
		case !strings.Contains(file, "/"):
			file = "drivers/some/" + file + ".ko"
		}
		name := strings.TrimSuffix(filepath.Base(file), ".ko")
		files[modules+"kernel/"+file] = string(kmodtest.Module("name="+name, "vermagic=6.1.0-9-amd64 SMP"))
	}
	return unpacked(t, files)
}

func TestDebianKernelIsChosenFrom(t *testing.T) {
	b := &Base{Arch: "amd64", strict: true}
	if err := b.debianKernel(kernelPackage(t, "")); err != nil {
		t.Fatal(err)
	}
	if b.Index.Version != "6.1.0-9-amd64" || b.modulesDir() != "lib/modules/6.1.0-9-amd64" {
		t.Errorf("kernel %s, modules in %s", b.Index.Version, b.modulesDir())
	}
	for name, want := range map[string]bool{"virtio_blk": true, "squashfs": true, "aes_ce_blk": false} { // the last is for arm64
		if _, got := b.Index.Module(name); got != want {
			t.Errorf("module %s taken: %v, want %v", name, got, want)
		}
	}
	if err := (&Base{Arch: "amd64", strict: true}).debianKernel(kernelPackage(t, "virtio_blk")); err == nil || !strings.Contains(err.Error(), "has no module virtio_blk") {
		t.Errorf("a kernel without a module of the list: %v", err)
	}
	if err := (&Base{Arch: "arm64"}).debianKernel(kernelPackage(t, "")); err == nil || !strings.Contains(err.Error(), "is no arm64 Image") {
		t.Errorf("a kernel of another architecture: %v", err)
	}
	if err := (&Base{Arch: "amd64"}).debianKernel(t.TempDir()); err == nil || !strings.Contains(err.Error(), "0 folders of modules") {
		t.Errorf("a package without modules: %v", err)
	}
}

func TestCheckKernel(t *testing.T) {
	arm := bytes.Repeat([]byte{0}, 1024)
	copy(arm, "MZ")
	copy(arm[56:], "ARM\x64")
	for name, tt := range map[string]struct {
		data []byte
		arch string
		want string
	}{
		"x86":        {bzImage(), "amd64", ""},
		"arm":        {arm, "arm64", ""},
		"x86 as arm": {bzImage(), "arm64", "no arm64 Image"},
		"arm as x86": {arm, "amd64", "no bzImage"},
		"gzip":       {append([]byte("\x1f\x8b"), arm...), "arm64", "uncompressed"},
		"short":      {[]byte("MZ"), "arm64", "EOF"},
	} {
		file := filepath.Join(t.TempDir(), "kernel")
		if err := os.WriteFile(file, tt.data, 0o644); err != nil {
			t.Fatal(err)
		}
		err := checkKernel(file, tt.arch)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestSpecIsChecked(t *testing.T) {
	good := spec(t)
	for want, spoil := range map[string]func(*Spec){
		"cannot be built from a base for amd64": func(s *Spec) { s.Arch = "arm64" },
		"no board is named":                     func(s *Spec) { s.Boards = nil },
		"no key is given":                       func(s *Spec) { s.Keys.List = nil },
		"it must be from 1970 to 2106":          func(s *Spec) { s.Created = time.Unix(-1, 0) },
	} {
		s := good
		spoil(&s)
		if _, err := s.Build(t.Context(), &Base{Arch: "amd64"}, t.TempDir()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Build = %v, want %q", err, want)
		}
	}
}
