// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"evener/image/kmod"
)

// debianPackages are those an image from Debian is made of, beside the kernel:
// file systems are made and checked by e2fsprogs, with its libraries.
var debianPackages = []string{
	"ca-certificates", "tzdata",
	"e2fsprogs", "libblkid1", "libc6", "libcom-err2", "libext2fs2", "libss2", "libuuid1",
}

// debianPrograms are the programs taken, and where they go.
var debianPrograms = map[string]string{
	"usr/sbin/mke2fs":  "sbin/mke2fs",
	"usr/sbin/e2fsck":  "sbin/e2fsck",
	"usr/sbin/tune2fs": "sbin/tune2fs",
}

// FromDebian returns the base of an image for arch made from packages of
// Debian 12, which are fetched into the folder cache (see [Fetch]).
func FromDebian(ctx context.Context, arch, cache string) (*Base, error) {
	kernel := "linux-image-" + arch
	packages, err := Fetch(ctx, arch, append([]string{kernel}, debianPackages...), cache)
	if err != nil {
		return nil, err
	}
	b := &Base{Name: "debian", Arch: arch, Root: NewTree(), strict: true}
	for _, p := range packages {
		b.Parts = append(b.Parts, p.component())
	}
	if err := b.debianKernel(packages[0].Root); err != nil {
		return nil, fmt.Errorf("package %s: %w", packages[0].Name, err)
	}
	l := linker{arch: arch, tree: b.Root}
	roots := map[string]string{}
	for _, p := range packages[1:] {
		l.roots = append(l.roots, p.Root)
		roots[p.Name] = p.Root
	}
	for name, from := range debianPrograms {
		if err := l.add(name, from); err != nil {
			return nil, err
		}
	}
	b.Root.Copy("etc/mke2fs.conf", 0o644, filepath.Join(roots["e2fsprogs"], "etc/mke2fs.conf"))
	if err := addCertificates(b.Root, roots["ca-certificates"]); err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	if err := addZones(b.Root, filepath.Join(roots["tzdata"], "usr/share/zoneinfo")); err != nil {
		return nil, fmt.Errorf("time zones: %w", err)
	}
	return b, nil
}

// debianKernel finds kernel and modules in the unpacked package and chooses
// among the modules.
func (b *Base) debianKernel(root string) error {
	dirs, err := filepath.Glob(filepath.Join(root, "lib/modules/*"))
	if err != nil || len(dirs) != 1 {
		return fmt.Errorf("%d folders of modules, it should be one", len(dirs))
	}
	b.Modules = dirs[0]
	b.Kernel = filepath.Join(root, "boot", "vmlinuz-"+filepath.Base(b.Modules))
	if err := checkKernel(b.Kernel, b.Arch); err != nil {
		return err
	}
	all, err := kmod.Build(os.DirFS(b.Modules))
	if err != nil {
		return err
	}
	if b.rules, err = parseModuleRules(moduleList); err != nil {
		return fmt.Errorf("modules.txt: %w", err)
	}
	b.Index, err = selectModules(all, b.rules, b.Arch, inRoot, b.strict)
	return err
}

// CertificatesFile is where programs look for the authorities they trust.
const CertificatesFile = "etc/ssl/certs/ca-certificates.crt"

// addCertificates joins the authorities' certificates into one file.
func addCertificates(t *Tree, root string) error {
	files, err := filepath.Glob(filepath.Join(root, "usr/share/ca-certificates/mozilla/*.crt"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("the package has none")
	}
	var all bytes.Buffer
	for _, file := range files { // Glob sorts
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		all.Write(bytes.TrimSpace(data))
		all.WriteByte('\n')
	}
	t.File(CertificatesFile, 0o644, all.Bytes())
	return nil
}

// zoneFiles are the files beside the zones themselves that are of use.
var zoneFiles = []string{"iso3166.tab", "zone1970.tab", "tzdata.zi", "leapseconds"}

// addZones adds the data of the time zones, without the second and third copy
// of each that Debian has in the folders posix and right.
func addZones(t *Tree, dir string) error {
	return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && (rel == "posix" || rel == "right"):
			return fs.SkipDir
		case d.IsDir():
			return nil
		case rel == "localtime", strings.Contains(rel, ".") && !slices.Contains(zoneFiles, rel):
			return nil
		}
		return t.Add("usr/share/zoneinfo/"+rel, file)
	})
}
