// SPDX-License-Identifier: Apache-2.0

package image

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// machines are the ELF machines of the architectures.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// checkProgram says whether a file is a program for arch that needs no library.
func checkProgram(file, arch string) error {
	p, err := readProgram(file)
	if err != nil {
		return fmt.Errorf("%s: %w; build it first", file, err)
	}
	if p.machine != machines[arch] {
		return fmt.Errorf("%s is for %v: it must be for %s", file, p.machine, arch)
	}
	if p.loader != "" || len(p.needs) > 0 {
		return fmt.Errorf("%s needs libraries: it must be static (CGO_ENABLED=0)", file)
	}
	return nil
}

// A program is what the head of an ELF file says.
type program struct {
	machine elf.Machine
	loader  string   // of its libraries; empty: it is static, or a library itself
	needs   []string // libraries
}

func readProgram(file string) (program, error) {
	f, err := elf.Open(file)
	if err != nil {
		return program{}, err
	}
	defer f.Close()
	p := program{machine: f.Machine}
	for _, s := range f.Progs {
		if s.Type != elf.PT_INTERP || s.Filesz < 1 || s.Filesz > 4096 {
			continue
		}
		text := make([]byte, s.Filesz-1) // without the zero at its end
		if _, err := s.ReadAt(text, 0); err != nil {
			return p, err
		}
		p.loader = string(text)
	}
	p.needs, err = f.ImportedLibraries()
	return p, err
}

// triplets are the folders of libraries that Debian's loader looks into by itself.
var triplets = map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}

// A linker brings programs of unpacked packages into a tree with the libraries
// they need.
type linker struct {
	arch  string
	roots []string // of the packages
	tree  *Tree
}

// add adds the program that has the path from in one of the packages.
func (l *linker) add(name, from string) error {
	file, err := l.find(from)
	if err != nil {
		return err
	}
	return l.addFile(name, file)
}

func (l *linker) addFile(name, file string) error {
	if l.tree.Has(name) {
		return nil
	}
	l.tree.Copy(name, 0o755, file)
	p, err := readProgram(file)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if p.machine != machines[l.arch] {
		return fmt.Errorf("%s is for %v, not for %s", file, p.machine, l.arch)
	}
	if p.loader != "" {
		if err := l.add(p.loader[1:], p.loader[1:]); err != nil {
			return fmt.Errorf("loader of %s: %w", name, err)
		}
	}
	for _, lib := range p.needs {
		if err := l.library(lib); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// library adds a library by its name. Its place in the tree is where the loader
// looks without a cache.
func (l *linker) library(lib string) error {
	if path.Base(lib) != lib {
		return fmt.Errorf("library %q has a path", lib)
	}
	for _, dir := range []string{"lib", "usr/lib"} {
		from := path.Join(dir, triplets[l.arch], lib)
		file, err := l.find(from)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		return l.addFile(path.Join("lib", triplets[l.arch], lib), file)
	}
	return fmt.Errorf("library %s is in none of the packages", lib)
}

// find returns the file behind a path in the packages, through symbolic links.
func (l *linker) find(name string) (string, error) {
	for range 8 {
		i := slices.IndexFunc(l.roots, func(root string) bool {
			_, err := os.Lstat(filepath.Join(root, name))
			return err == nil
		})
		if i < 0 {
			return "", fmt.Errorf("%s is in none of the packages: %w", name, fs.ErrNotExist)
		}
		file := filepath.Join(l.roots[i], name)
		target, err := os.Readlink(file)
		if err != nil {
			return file, nil // no link
		}
		if path.IsAbs(target) {
			name = path.Clean(target)[1:]
		} else {
			name = path.Join(path.Dir(name), target)
		}
	}
	return "", fmt.Errorf("%s: too many links", name)
}
