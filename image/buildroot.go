// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"evener/image/kmod"
)

// FromBuildroot returns the base of an image for arch made from dir, the folder
// output/images of Buildroot: the kernel (bzImage or Image) and the root
// (rootfs.tar or rootfs.squashfs, of which the first is read without another
// program). The root's files are unpacked into the folder work.
//
// All modules of the kernel are taken: its configuration has chosen them.
func FromBuildroot(ctx context.Context, arch, dir, work string) (*Base, error) {
	b := &Base{Name: "buildroot", Arch: arch, Root: NewTree()}
	kernel := map[string]string{"amd64": "bzImage", "arm64": "Image"}[arch]
	b.Kernel = filepath.Join(dir, kernel)
	if err := checkKernel(b.Kernel, arch); err != nil {
		return nil, err
	}
	if err := errors.Join(os.RemoveAll(work), os.MkdirAll(work, 0o755)); err != nil {
		return nil, err
	}
	rootfs, err := unpackRoot(ctx, b.Root, dir, work)
	if err != nil {
		return nil, err
	}
	if err := b.ownKernel(work); err != nil {
		return nil, err
	}
	return b, b.buildrootParts(rootfs)
}

// unpackRoot fills the tree from the root that Buildroot has made, and returns
// that file.
func unpackRoot(ctx context.Context, t *Tree, dir, work string) (file string, err error) {
	f, err := os.Open(filepath.Join(dir, "rootfs.tar"))
	if err == nil {
		defer f.Close()
		if err := t.addTar(f, work); err != nil {
			return "", fmt.Errorf("%s: %w", f.Name(), err)
		}
		return f.Name(), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	squash := filepath.Join(dir, "rootfs.squashfs")
	if _, err := os.Stat(squash); err != nil {
		return "", fmt.Errorf("%s has neither rootfs.tar nor rootfs.squashfs: set BR2_TARGET_ROOTFS_TAR", dir)
	}
	root := filepath.Join(work, "root")
	if _, err := output(exec.CommandContext(ctx, "unsquashfs", "-no-xattrs", "-d", root, "-excludes", squash, "dev")); err != nil {
		return "", err
	}
	return squash, t.addRoot(root)
}

// addRoot adds the top of an unpacked root.
func (t *Tree) addRoot(root string) error {
	top, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, d := range top {
		if err := t.Add(d.Name(), filepath.Join(root, d.Name())); err != nil {
			return err
		}
	}
	return nil
}

// addTar adds what an archive holds; contents go into numbered files of the
// folder work. Devices are left out, since the kernel makes them anew in /dev.
func (t *Tree) addTar(r io.Reader, work string) error {
	a := tar.NewReader(r)
	for n := 0; ; n++ {
		h, err := a.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		name := path.Clean(strings.TrimPrefix(h.Name, "/"))
		if name == "." {
			continue
		}
		if !fs.ValidPath(name) {
			return fmt.Errorf("the path %q leaves the archive", h.Name)
		}
		if err := t.addTarEntry(a, h, name, filepath.Join(work, fmt.Sprint(n))); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
}

func (t *Tree) addTarEntry(r io.Reader, h *tar.Header, name, file string) error {
	perm := fs.FileMode(h.Mode) & fs.ModePerm
	switch h.Typeflag {
	case tar.TypeDir:
		t.Dir(name, perm)
	case tar.TypeSymlink:
		t.Link(name, h.Linkname)
	case tar.TypeLink:
		e, ok := t.entries[path.Clean(strings.TrimPrefix(h.Linkname, "/"))]
		if !ok {
			return fmt.Errorf("a link to %s, which does not come before it", h.Linkname)
		}
		t.put(name, e)
	case tar.TypeReg:
		f, err := os.Create(file)
		if err != nil {
			return err
		}
		if _, err := io.Copy(f, r); err != nil {
			f.Close()
			return err
		}
		t.Copy(name, perm, file)
		return f.Close()
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
	default:
		return fmt.Errorf("an entry of kind %q, which no root has", h.Typeflag)
	}
	return nil
}

// ownKernel takes the modules out of the root into a folder of their own. Build
// brings them back with their index.
func (b *Base) ownKernel(work string) error {
	prefix, err := b.modulesPrefix()
	if err != nil {
		return err
	}
	modules := NewTree()
	for name, e := range b.Root.entries {
		if rest, ok := strings.CutPrefix(name, prefix+"/"); ok {
			if e.mode&fs.ModeSymlink == 0 { // build and source lead to the builder's folders
				modules.put(rest, e)
			}
			delete(b.Root.entries, name)
		}
	}
	delete(b.Root.entries, prefix)
	b.Modules = filepath.Join(work, "modules")
	if err := os.Mkdir(b.Modules, 0o755); err != nil {
		return err
	}
	if err := modules.writeTo(b.Modules); err != nil {
		return err
	}
	if b.Index, err = kmod.Build(os.DirFS(b.Modules)); err != nil {
		return fmt.Errorf("modules of the kernel: %w", err)
	}
	if b.rules, err = parseModuleRules(moduleList); err != nil {
		return fmt.Errorf("modules.txt: %w", err)
	}
	return nil
}

// modulesPrefix returns the folder of the kernel's modules in the root.
func (b *Base) modulesPrefix() (string, error) {
	found := map[string]bool{}
	dir := b.Root.place("lib/modules/x")
	dir = strings.TrimSuffix(dir, "x")
	for name := range b.Root.entries {
		if rest, ok := strings.CutPrefix(name, dir); ok {
			version, _, _ := strings.Cut(rest, "/")
			found[dir+version] = true
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("the root has the modules of %d kernels in /%s, it should be one: %s",
			len(found), dir, strings.Join(slices.Sorted(maps.Keys(found)), ", "))
	}
	for p := range found {
		return p, nil
	}
	return "", nil
}

// buildrootParts lists kernel and root: what is in the latter Buildroot tells by
// legal-info.
func (b *Base) buildrootParts(rootfs string) error {
	for _, p := range []struct{ name, file string }{{"linux", b.Kernel}, {"buildroot-rootfs", rootfs}} {
		sum, err := fileSHA256(p.file)
		if err != nil {
			return err
		}
		b.Parts = append(b.Parts, Component{Type: "operating-system", Name: p.name, Version: b.Index.Version,
			Hashes: []hash{{"SHA-256", sum}}})
	}
	return nil
}
