// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// small is a tree with every kind of entry.
func small(t *testing.T) *Tree {
	t.Helper()
	source := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(source, []byte("#!program\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tr := NewTree()
	tr.File("etc/hosts", 0o644, []byte("127.0.0.1 localhost\n"))
	tr.Copy("sbin/x", 0o755, source)
	tr.Link("etc/mtab", "/proc/mounts")
	tr.Dir("tmp", 0o777|fs.ModeSticky)
	tr.Device("dev/console", 0o600, 5, 1)
	return tr
}

func TestTreeMakesTheFoldersAbove(t *testing.T) {
	want := []string{"dev", "dev/console", "etc", "etc/hosts", "etc/mtab", "sbin", "sbin/x", "tmp"}
	if got := small(t).Names(); !slices.Equal(got, want) {
		t.Errorf("Names() = %q, want %q", got, want)
	}
}

func TestTreeFollowsLinksOfFolders(t *testing.T) {
	tr := NewTree()
	tr.Link("lib", "usr/lib")
	tr.Link("usr/sbin", "../bin")
	tr.Link("a", "b")
	tr.Link("b", "a")
	tr.File("lib/modules/x", 0o644, nil)
	tr.File("usr/sbin/y", 0o755, []byte("y"))
	tr.Dir("lib", 0o755)
	want := []string{"a", "b", "bin", "bin/y", "lib", "usr", "usr/lib", "usr/lib/modules", "usr/lib/modules/x", "usr/sbin"}
	if got := tr.Names(); !slices.Equal(got, want) {
		t.Errorf("Names() = %q, want %q", got, want)
	}
	if data, err := tr.Read("usr/sbin/y"); err != nil || string(data) != "y" || !tr.Has("lib/modules/x") {
		t.Errorf("what lies behind a link is not found: %q, %v", data, err)
	}
	if got := tr.place("a/x"); !fs.ValidPath(got) {
		t.Errorf("place in a circle of links = %q", got)
	}
}

func TestTreeReadTellsWhatIsNoFile(t *testing.T) {
	for _, name := range []string{"etc", "etc/mtab", "nonesuch"} {
		if _, err := small(t).Read(name); err == nil || !strings.Contains(err.Error(), "the tree has no file "+name) {
			t.Errorf("Read(%q) = %v", name, err)
		}
	}
}

// unpack has cpio read an initrd, and returns how it lists it.
func unpack(t *testing.T, initrd []byte) (list, dir string) {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(initrd))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	archive, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for _, args := range [][]string{{"-itvn", "--quiet"}, {"-id", "--quiet", "--no-preserve-owner", "-D", dir, "etc/*", "sbin/*"}} {
		cmd := exec.Command("cpio", args...)
		cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C")
		cmd.Stdin = bytes.NewReader(archive)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("cpio %s: %v\n%s", args, err, out)
		}
		list += string(out)
	}
	return list, dir
}

func TestInitrdIsReadByCpio(t *testing.T) {
	var a, b bytes.Buffer
	for _, w := range []*bytes.Buffer{&a, &b} {
		if err := small(t).writeInitrd(w); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same tree gives two initrds")
	}
	list, dir := unpack(t, a.Bytes())
	var got []string
	for line := range strings.Lines(list) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	want := []string{
		"drwxr-xr-x 2 0 0 0 Jan 1 1970 dev",
		"crw------- 1 0 0 5, 1 Jan 1 1970 dev/console",
		"drwxr-xr-x 2 0 0 0 Jan 1 1970 etc",
		"-rw-r--r-- 1 0 0 20 Jan 1 1970 etc/hosts",
		"lrwxrwxrwx 1 0 0 12 Jan 1 1970 etc/mtab -> /proc/mounts",
		"drwxr-xr-x 2 0 0 0 Jan 1 1970 sbin",
		"-rwxr-xr-x 1 0 0 10 Jan 1 1970 sbin/x",
		"drwxrwxrwt 2 0 0 0 Jan 1 1970 tmp",
	}
	if !slices.Equal(got, want) {
		t.Errorf("cpio lists\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if data, err := os.ReadFile(filepath.Join(dir, "etc/hosts")); err != nil || string(data) != "127.0.0.1 localhost\n" {
		t.Errorf("etc/hosts = %q, %v", data, err)
	}
}

func TestTreeWritesNoDevice(t *testing.T) {
	if err := small(t).writeTo(t.TempDir()); err == nil || !strings.Contains(err.Error(), "dev/console is a device") {
		t.Errorf("writeTo = %v", err)
	}
}

func TestAddTakesFoldersAndRefusesTheRest(t *testing.T) {
	dir := t.TempDir()
	if err := small2(dir); err != nil {
		t.Fatal(err)
	}
	tr := NewTree()
	if err := tr.Add("opt", dir); err != nil {
		t.Fatal(err)
	}
	if want := []string{"opt", "opt/a", "opt/a/run", "opt/a/text", "opt/link"}; !slices.Equal(tr.Names(), want) {
		t.Errorf("Names() = %q, want %q", tr.Names(), want)
	}
	if got := tr.entries["opt/a/run"].mode.Perm(); got != 0o755 {
		t.Errorf("a program has mode %o", got)
	}
	if err := tr.Add("dev", "/dev/null"); err == nil || !strings.Contains(err.Error(), "neither a file, a folder nor a link") {
		t.Errorf("Add of a device: %v", err)
	}
}

func small2(dir string) error {
	for _, err := range []error{
		os.Mkdir(filepath.Join(dir, "a"), 0o700),
		os.WriteFile(filepath.Join(dir, "a/text"), []byte("x"), 0o600),
		os.WriteFile(filepath.Join(dir, "a/run"), []byte("x"), 0o700),
		os.Symlink("a", filepath.Join(dir, "link")),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}
