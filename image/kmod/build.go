// SPDX-License-Identifier: Apache-2.0

package kmod

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Build reads every module (*.ko) below a kernel's folder of modules and what
// the file modules.builtin there says is part of the kernel itself. It needs
// modules as the kernel takes them: a compressed one is an error.
func Build(fsys fs.FS) (*Index, error) {
	b := builder{aliases: map[string][]string{}, seen: map[string]string{}}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return nil
		case path.Ext(name) == ".ko":
			return b.add(fsys, name)
		case strings.Contains(path.Base(name), ".ko."):
			return fmt.Errorf("%s is compressed: unpack it first", name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := b.builtin(fsys); err != nil {
		return nil, err
	}
	return b.index()
}

type builder struct {
	version string
	modules []Module
	aliases map[string][]string // of each module
	seen    map[string]string   // the file of each module
}

func (b *builder) add(fsys fs.FS, name string) error {
	in, err := readFile(fsys, name)
	if err != nil {
		return err
	}
	if in.Name == "" {
		in.Name = Canonical(strings.TrimSuffix(path.Base(name), ".ko"))
	}
	if other := b.seen[in.Name]; other != "" {
		return fmt.Errorf("%s and %s are both module %s", other, name, in.Name)
	}
	switch {
	case b.version == "":
		b.version = in.Version
	case b.version != in.Version:
		return fmt.Errorf("%s is for kernel %s, the modules before it are for %s", name, in.Version, b.version)
	}
	b.seen[in.Name] = name
	b.modules = append(b.modules, Module{Name: in.Name, File: name, Depends: in.Depends, Pre: in.Pre, Post: in.Post})
	b.aliases[in.Name] = in.Aliases
	return nil
}

func readFile(fsys fs.FS, name string) (Info, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return Info{}, err
	}
	defer f.Close()
	r, ok := f.(io.ReaderAt)
	if !ok {
		data, err := io.ReadAll(f)
		if err != nil {
			return Info{}, err
		}
		r = bytes.NewReader(data)
	}
	in, err := ReadModInfo(r)
	if err != nil {
		return Info{}, fmt.Errorf("%s: %w", name, err)
	}
	return in, nil
}

// builtin adds what the kernel has in itself: modules.builtin has the paths
// such modules would have had.
func (b *builder) builtin(fsys fs.FS) error {
	data, err := fs.ReadFile(fsys, "modules.builtin")
	if err != nil {
		return fmt.Errorf("what the kernel has built in: %w", err)
	}
	for row := range strings.Lines(string(data)) {
		name := Canonical(strings.TrimSuffix(path.Base(strings.TrimSpace(row)), ".ko"))
		if strings.TrimSpace(row) == "" || b.seen[name] != "" {
			continue
		}
		b.seen[name] = "the kernel itself"
		b.modules = append(b.modules, Module{Name: name})
	}
	return nil
}

// index sorts what was read and checks that every module has what it needs.
func (b *builder) index() (*Index, error) {
	if b.version == "" {
		return nil, fmt.Errorf("there is no module (*.ko)")
	}
	x := &Index{Version: b.version, modules: b.modules}
	slices.SortFunc(x.modules, func(m, n Module) int { return strings.Compare(m.Name, n.Name) })
	for i, m := range x.modules {
		for _, d := range m.Depends {
			if _, ok := x.find(d); !ok {
				return nil, fmt.Errorf("%s needs module %s, which is not there", m.File, d)
			}
		}
		for _, pattern := range b.aliases[m.Name] {
			if strings.ContainsAny(pattern, "\t\n") {
				return nil, fmt.Errorf("%s: alias %q has a tab or a line's end", m.File, pattern)
			}
			pattern = Canonical(pattern)
			x.aliases = append(x.aliases, alias{pattern: pattern, fixed: literal(pattern), module: int32(i)})
		}
	}
	slices.SortFunc(x.aliases, compareAliases)
	x.aliases = slices.CompactFunc(x.aliases, func(a, b alias) bool { return compareAliases(a, b) == 0 })
	return x, nil
}
