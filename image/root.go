// SPDX-License-Identifier: Apache-2.0

package image

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"evener/image/kmod"
	"evener/image/slot"
)

// A Spec says what image to build.
type Spec struct {
	Arch    string    // "amd64" or "arm64"
	Version string    // of the firmware, such as 1.4.0
	Boards  []string  // that it serves
	Created time.Time // the time of everything in it, so that builds are repeatable
	Evener  string    // file of the program, for that architecture; it may be empty if the source has /sbin/evener
	Init    string    // file of the first program after the kernel (image/cmd/init)

	// Modprobe is the file of the program that the kernel starts for a module
	// (image/cmd/modprobe); it may be empty if the source has /sbin/modprobe.
	Modprobe string

	Keys slot.Keys // whose signatures the image trusts
}

// A Base is what a source gives: a kernel, its modules, and the beginning of the
// root tree with the programs that are not ours.
type Base struct {
	Name    string      // of the source, in words
	Arch    string      // "amd64" or "arm64"
	Kernel  string      // file of the kernel's image, as boot loaders take it
	Modules string      // folder of its modules
	Index   *kmod.Index // of those that the root takes
	Root    *Tree       // without modules, kernel and what is ours
	Parts   []Component // for the list of what is in the image

	rules  []moduleRule
	strict bool // every module that a rule names must be there
}

// ModuleCount returns how many modules the root takes.
func (b *Base) ModuleCount() int {
	n := 0
	for _, m := range b.Index.Modules() {
		if m.File != "" {
			n++
		}
	}
	return n
}

// modulesDir returns the folder of the kernel's modules in a root tree.
func (b *Base) modulesDir() string { return "lib/modules/" + b.Index.Version }

// addModules adds the modules of an index and the index itself to a tree.
func (b *Base) addModules(t *Tree, x *kmod.Index) {
	dir := b.modulesDir()
	for _, m := range x.Modules() {
		if m.File != "" {
			t.Copy(dir+"/"+m.File, 0o644, filepath.Join(b.Modules, m.File))
		}
	}
	t.File(dir+"/"+kmod.IndexFile, 0o644, x.Encode())
}

// mountPoints are folders that process 1 mounts something on, in a slot and in the
// rescue system.
var mountPoints = []string{"data", "dev", "media", "mnt", "proc", "run", "state", "sys", "var"}

// root returns the whole tree of a slot but for the initrd, and leaves b as it is.
func (s Spec) root(b *Base) (*Tree, error) {
	t := NewTree()
	for name, e := range b.Root.entries {
		t.entries[name] = e
	}
	for _, dir := range append([]string{"boot", "etc"}, mountPoints...) {
		t.Dir(dir, 0o755)
	}
	t.Dir("tmp", 0o777|fs.ModeSticky)
	if err := s.programs(t); err != nil {
		return nil, err
	}
	b.addModules(t, b.Index)
	t.Copy("boot/vmlinuz", 0o644, b.Kernel)
	s.configuration(t, b)
	list, err := s.components(t, b)
	if err != nil {
		return nil, err
	}
	t.File(ComponentsFile, 0o644, list)
	return t, nil
}

// programs adds the firmware's own programs.
func (s Spec) programs(t *Tree) error {
	for _, p := range []struct{ name, file string }{{"sbin/evener", s.Evener}, {"sbin/modprobe", s.Modprobe}} {
		file := p.file
		if file == "" {
			e := t.entries[t.place(p.name)]
			if !e.mode.IsRegular() || e.source == "" {
				return fmt.Errorf("the source has no /%s: say which program to take", p.name)
			}
			file = e.source
		}
		if err := checkProgram(file, s.Arch); err != nil {
			return err
		}
		t.Copy(p.name, 0o755, file)
	}
	return nil
}

// users are those without rights that parts of the firmware run as. Their
// numbers never change: files on state and data are theirs.
var users = []struct {
	name string
	id   int
	note string
}{
	{"evener-console", 901, "the console"},
	{"evener-ha", 902, "high availability"},
	{"evener-engine", 903, "the balancing engine"},
}

// configuration adds the few files of /etc that programs and libraries look for.
// What changes on a running box is a link into /run.
func (s Spec) configuration(t *Tree, b *Base) {
	var passwd, group strings.Builder
	passwd.WriteString("root:x:0:0:root:/:/sbin/nologin\n")
	group.WriteString("root:x:0:\ntty:x:5:\n")
	for _, u := range users {
		fmt.Fprintf(&passwd, "%s:x:%d:%d:%s:/:/sbin/nologin\n", u.name, u.id, u.id, u.note)
		fmt.Fprintf(&group, "%s:x:%d:\n", u.name, u.id)
	}
	passwd.WriteString("nobody:x:65534:65534:nobody:/:/sbin/nologin\n")
	group.WriteString("nogroup:x:65534:\n")
	created := s.Created.UTC().Format(time.RFC3339)
	text := map[string]string{
		"passwd":         passwd.String(),
		"group":          group.String(),
		"hosts":          "127.0.0.1 localhost\n::1 localhost\n",
		"nsswitch.conf":  "passwd: files\ngroup: files\nhosts: files dns\n",
		"os-release":     fmt.Sprintf("NAME=Evener\nID=evener\nVERSION=%q\nVERSION_ID=%q\nPRETTY_NAME=%q\n", s.Version, s.Version, "Evener "+s.Version),
		"evener/release": fmt.Sprintf("version=%s\narch=%s\nkernel=%s\ncreated=%s\nsource=%s\n", s.Version, s.Arch, b.Index.Version, created, b.Name),
		"evener/board":   strings.Join(s.Boards, "\n") + "\n",
		"evener/keys":    s.Keys.String(),
	}
	for name, content := range text {
		t.File("etc/"+name, 0o644, []byte(content))
	}
	for name, target := range map[string]string{
		"resolv.conf": "/run/resolv.conf", "localtime": "/run/localtime", "mtab": "/proc/self/mounts",
	} {
		t.Link("etc/"+name, target)
	}
}

// checkKernel says whether a file is a kernel that GRUB can start on arch: on
// x86-64 a bzImage (Linux Documentation/x86/boot.rst: "HdrS" at 0x202), on arm64
// an Image (Documentation/arm64/booting.rst: "ARM\x64" at 56) with an EFI stub.
func checkKernel(file, arch string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, 0x210)
	if _, err := f.ReadAt(head, 0); err != nil {
		return fmt.Errorf("kernel %s: %w", file, err)
	}
	switch {
	case arch == "amd64" && string(head[0x202:0x206]) != "HdrS":
		return fmt.Errorf("kernel %s is no bzImage for x86-64", file)
	case arch == "arm64" && (string(head[56:60]) != "ARM\x64" || string(head[:2]) != "MZ"):
		return fmt.Errorf("kernel %s is no arm64 Image with an EFI stub, uncompressed", file)
	}
	return nil
}
