// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"evener/image/kmod"
	"evener/image/kmod/kmodtest"
	"evener/image/slot"
)

// static builds a small program of ours, once: all three of an image in these tests.
var static = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "evener-image-test-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "program")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", file, "evener/image/cmd/modprobe")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	_, err = output(cmd)
	return file, err
})

func program1(t *testing.T) string {
	t.Helper()
	file, err := static()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestMain(m *testing.M) {
	code := m.Run()
	if file, err := static(); err == nil {
		_ = os.RemoveAll(filepath.Dir(file))
	}
	os.Exit(code)
}

// bzImage is as much of a kernel as a builder looks at.
func bzImage() []byte {
	b := bytes.Repeat([]byte("kernel"), 1000)
	copy(b[0x202:], "HdrS")
	return b
}

const vermagic = "vermagic=6.18.33 SMP"

// rootfs are the files of a root such as Buildroot makes, merged: lib is usr/lib.
func rootfs(t *testing.T) []tarFile {
	program, err := os.ReadFile(program1(t))
	if err != nil {
		t.Fatal(err)
	}
	const modules = "./usr/lib/modules/6.18.33/"
	return []tarFile{
		{"./", tar.TypeDir, 0o755, ""},
		{"./lib", tar.TypeSymlink, 0o777, "usr/lib"},
		{"./sbin/evener", tar.TypeReg, 0o755, string(program)},
		{"./sbin/modprobe", tar.TypeReg, 0o755, string(program)},
		{"./usr/sbin/mke2fs", tar.TypeReg, 0o755, "mke2fs"},
		{"./usr/sbin/mkfs.ext4", tar.TypeLink, 0o755, "./usr/sbin/mke2fs"},
		{"./usr/lib/libc.so", tar.TypeReg, 0o755, "libc"},
		{"./etc/passwd", tar.TypeReg, 0o644, "root:x:0:0::/:/bin/sh\n"},
		{"./dev/console", tar.TypeChar, 0o600, ""},
		{modules + "build", tar.TypeSymlink, 0o777, "/home/builder"},
		{modules + "modules.builtin", tar.TypeReg, 0o644, "kernel/fs/ext4/ext4.ko\n"},
		{modules + "modules.dep", tar.TypeReg, 0o644, "x"},
		{modules + "kernel/fs/squashfs/squashfs.ko", tar.TypeReg, 0o644, string(kmodtest.Module("name=squashfs", vermagic))},
		{modules + "kernel/drivers/net/ethernet/igb.ko", tar.TypeReg, 0o644, string(kmodtest.Module("name=igb", "depends=dca", "alias=pci:v1d2*", vermagic))},
		{modules + "kernel/drivers/dca/dca.ko", tar.TypeReg, 0o644, string(kmodtest.Module("name=dca", vermagic))},
		{modules + "extra/odd.ko", tar.TypeReg, 0o644, string(kmodtest.Module("name=odd", vermagic))},
	}
}

// A tarFile is an entry of an archive; text is its content, or where it leads.
type tarFile struct {
	name string
	kind byte
	mode int64
	text string
}

func archive(t *testing.T, files []tarFile) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Typeflag: f.kind, Mode: f.mode}
		if f.kind == tar.TypeReg {
			h.Size = int64(len(f.text))
		} else {
			h.Linkname = f.text
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if f.kind == tar.TypeReg {
			if _, err := w.Write([]byte(f.text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// images lays the folder output/images of Buildroot.
func images(t *testing.T, files []tarFile) string {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "bzImage"), bzImage(), 0o644),
		os.WriteFile(filepath.Join(dir, "rootfs.tar"), archive(t, files), 0o644)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func spec(t *testing.T) Spec {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	return Spec{
		Arch: "amd64", Version: "1.2.3", Boards: []string{"qemu-x86_64", "generic-x86_64"}, Created: time.Unix(1_700_000_000, 0),
		Init: program1(t), Keys: slot.Keys{List: []slot.Key{{ID: slot.KeyID(key), Public: key, Comment: "test"}}},
	}
}

func buildFrom(t *testing.T, dir string) (*Base, Payload) {
	t.Helper()
	b, err := FromBuildroot(t.Context(), "amd64", dir, filepath.Join(t.TempDir(), "work"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := spec(t).Build(t.Context(), b, filepath.Join(t.TempDir(), "image"))
	if err != nil {
		t.Fatal(err)
	}
	return b, p
}

// list returns what unsquashfs says of a squashfs.
func list(t *testing.T, file string, args ...string) string {
	t.Helper()
	cmd := exec.Command("unsquashfs", append(args, file)...)
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C")
	out, err := output(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestTwoBuildsGiveTheSameBytes(t *testing.T) {
	files := rootfs(t)
	_, a := buildFrom(t, images(t, files))
	t.Setenv("SOURCE_DATE_EPOCH", "12345") // mksquashfs would mind it
	_, b := buildFrom(t, images(t, files))
	if a.SHA256 != b.SHA256 || a.Size != b.Size {
		t.Errorf("two payloads differ: %+v, %+v", a, b)
	}
	for i, file := range []string{a.Initrd, a.RescueInitrd} {
		x, err := os.ReadFile(file)
		y, err2 := os.ReadFile([]string{b.Initrd, b.RescueInitrd}[i])
		if err != nil || err2 != nil || !bytes.Equal(x, y) {
			t.Errorf("%s differs: %v %v", filepath.Base(file), err, err2)
		}
	}
	if err := spec(t).Manifest(a).Check(); err != nil {
		t.Errorf("manifest: %v", err)
	}
}

func TestBuildFromBuildroot(t *testing.T) {
	_, p := buildFrom(t, images(t, rootfs(t)))
	listed := list(t, p.File, "-lln", "-UTC")
	for _, want := range []string{
		"drwxr-xr-x 0/0 ", "-rwxr-xr-x 0/0 ", "2023-11-14 22:13 squashfs-root/boot/vmlinuz\n", "squashfs-root/boot/initrd.img\n",
		"squashfs-root/lib -> usr/lib\n", "squashfs-root/usr/lib/modules/6.18.33/extra/odd.ko\n", "squashfs-root/usr/lib/modules/6.18.33/evener.index\n",
		"squashfs-root/etc/resolv.conf -> /run/resolv.conf\n", "squashfs-root/sbin/evener\n", "squashfs-root/usr/sbin/mkfs.ext4\n",
	} {
		if !strings.Contains(listed, want) {
			t.Errorf("the root lacks %q:\n%s", want, listed)
		}
	}
	for _, bad := range []string{"modules.dep", "/build", "dev/console", "1970-01-01"} {
		if strings.Contains(listed, bad) {
			t.Errorf("the root has %q:\n%s", bad, listed)
		}
	}
	if first := strings.Fields(listed)[0]; first != "drwxr-xr-x" {
		t.Errorf("the root's own mode is %s: users other than root could not enter", first)
	}
	passwd, err := output(exec.Command("unsquashfs", "-cat", p.File, "etc/passwd"))
	if err != nil || !strings.Contains(string(passwd), "evener-console:x:901:901:") || strings.Contains(string(passwd), "/bin/sh") {
		t.Errorf("etc/passwd = %q, %v", passwd, err)
	}
	var doc struct {
		BOMFormat  string
		Components []Component
	}
	if err := json.Unmarshal(p.Components, &doc); err != nil || doc.BOMFormat != "CycloneDX" {
		t.Fatalf("list of components: %v\n%s", err, p.Components)
	}
	if !slices.ContainsFunc(doc.Components, func(c Component) bool { return c.Name == "golang.org/x/sys" && c.PURL != "" }) {
		t.Errorf("the list lacks the modules of the program: %s", p.Components)
	}
}

func TestInitrdsHaveWhatTheyNeed(t *testing.T) {
	b, p := buildFrom(t, images(t, rootfs(t)))
	for _, tt := range []struct {
		file       string
		want, lack []string
	}{
		{p.Initrd, []string{"init", "dev/console", "etc/evener/keys", "lib/modules/6.18.33/kernel/fs/squashfs/squashfs.ko"}, []string{"igb.ko", "sbin/evener", "odd.ko"}},
		{p.RescueInitrd, []string{"init", "sbin/evener", "sbin/modprobe", "usr/sbin/mke2fs", "usr/lib/libc.so", "dca.ko", "igb.ko", "state", "data", "var", "media"}, []string{"odd.ko", "boot/vmlinuz"}},
	} {
		data, err := os.ReadFile(tt.file)
		if err != nil {
			t.Fatal(err)
		}
		listed, _ := unpack(t, data)
		for _, w := range tt.want {
			if !strings.Contains(listed, w+"\n") {
				t.Errorf("%s lacks %s:\n%s", filepath.Base(tt.file), w, listed)
			}
		}
		for _, w := range tt.lack {
			if strings.Contains(listed, w) {
				t.Errorf("%s has %s:\n%s", filepath.Base(tt.file), w, listed)
			}
		}
	}
	if n := b.ModuleCount(); n != 4 {
		t.Errorf("ModuleCount() = %d, want 4", n)
	}
}

func TestFromBuildrootRefuses(t *testing.T) {
	without := func(name string) []tarFile {
		return slices.DeleteFunc(rootfs(t), func(f tarFile) bool { return strings.Contains(f.name, name) })
	}
	for _, tt := range []struct {
		name  string
		files []tarFile
		want  string
	}{
		{"no modules", without("/modules/"), "modules of 0 kernels"},
		{"two kernels", append(rootfs(t), tarFile{"usr/lib/modules/5.1/x", tar.TypeReg, 0o644, ""}), "modules of 2 kernels"},
		{"way out", append(rootfs(t), tarFile{"../x", tar.TypeReg, 0o644, ""}), `the path "../x" leaves the archive`},
		{"link", append(rootfs(t), tarFile{"x", tar.TypeLink, 0o644, "nonesuch"}), "a link to nonesuch"},
		{"no builtin", without("modules.builtin"), "modules.builtin"},
	} {
		_, err := FromBuildroot(t.Context(), "amd64", images(t, tt.files), filepath.Join(t.TempDir(), "work"))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := FromBuildroot(t.Context(), "arm64", images(t, rootfs(t)), t.TempDir()); err == nil || !strings.Contains(err.Error(), "Image") {
		t.Errorf("no kernel for arm64: %v", err)
	}
	b, err := FromBuildroot(t.Context(), "amd64", images(t, without("sbin/evener")), filepath.Join(t.TempDir(), "work"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := spec(t).Build(t.Context(), b, t.TempDir()); err == nil || !strings.Contains(err.Error(), "the source has no /sbin/evener") {
		t.Errorf("Build without a program: %v", err)
	}
}

func TestTooLargePayloadTellsTheLargestFiles(t *testing.T) {
	tr := NewTree()
	for i := range 12 {
		tr.File(fmt.Sprintf("f%02d", i), 0o644, make([]byte, i<<10))
	}
	file := filepath.Join(t.TempDir(), "slot.squashfs")
	if err := os.WriteFile(file, make([]byte, 3<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	err := tr.checkSize(file, 2<<20)
	if err == nil || !strings.HasPrefix(err.Error(), "slot.squashfs has 3.0 MiB, at most 2 MiB are allowed") ||
		!strings.Contains(err.Error(), "uncompressed:\n       0.0 MiB  /f11\n       0.0 MiB  /f10\n") || strings.Contains(err.Error(), "f01") {
		t.Errorf("checkSize = %v", err)
	}
	if err := tr.checkSize(file, 3<<20); err != nil {
		t.Errorf("checkSize at the limit: %v", err)
	}
}

func TestCheckProgram(t *testing.T) {
	if err := checkProgram(program1(t), "amd64"); err != nil {
		t.Error(err)
	}
	if err := checkProgram(program1(t), "arm64"); err == nil || !strings.Contains(err.Error(), "it must be for arm64") {
		t.Errorf("checkProgram of another architecture: %v", err)
	}
	if sh, err := exec.LookPath("mksquashfs"); err != nil {
		t.Error(err)
	} else if p, err := readProgram(sh); err != nil || p.loader == "" || len(p.needs) == 0 {
		t.Errorf("a program with libraries = %+v, %v", p, err)
	}
}

func TestModuleRules(t *testing.T) {
	x, err := kmod.Parse([]byte("evener-modules 1 6.1\nadd_on\tkernel/a/add-on.ko\t\t\t\nneeded\tkernel/b/needed.ko\t\t\t\nuser\tkernel/a/user.ko\tneeded\t\t\nz\tkernel/a/x/z.ko\t\t\t\n\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ rules, arch, system, want string }{
		{"a/", "amd64", inRoot, "add_on needed user z"},
		{"a/\n-a/x/", "amd64", inRoot, "add_on needed user"},
		{"a/\n-a/x/z.ko # why", "amd64", inRoot, "add_on needed user"},
		{"add-on arm64\nz", "amd64", inRoot, "z"},
		{"add-on initrd\nz rescue\nuser", "arm64", inInitrd, "add_on"},
		{"add-on initrd\nz rescue\nuser", "arm64", inRescue, "add_on z"},
		{"nonesuch", "amd64", inRoot, "error: modules.txt:1: kernel 6.1 for amd64 has no module nonesuch"},
		{"z x", "amd64", inRoot, `error: line 1: "x" is none of`},
		{"-z initrd", "amd64", inRoot, `error: line 1: "initrd" is none of`},
	} {
		var got []string
		rules, err := parseModuleRules(tt.rules)
		if err == nil {
			var sub *kmod.Index
			if sub, err = selectModules(x, rules, tt.arch, tt.system, true); err == nil {
				for _, m := range sub.Modules() {
					got = append(got, m.Name)
				}
			}
		}
		text := strings.Join(got, " ")
		if err != nil {
			text = "error: " + err.Error()
		}
		if !strings.HasPrefix(text, tt.want) || err == nil && text != tt.want {
			t.Errorf("%q on %s in %s: %s, want %s", tt.rules, tt.arch, tt.system, text, tt.want)
		}
	}
	if _, err := parseModuleRules(moduleList); err != nil {
		t.Errorf("modules.txt: %v", err)
	}
}
