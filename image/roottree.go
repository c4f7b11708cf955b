// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A Tree is the content of a file system to be: everything belongs to root, and
// no file has a time of its own, so that equal trees make equal images. Its
// paths are relative and clean, such as "etc/hosts"; the folders above a file
// come by themselves.
type Tree struct {
	entries map[string]entry
}

// An entry is a file, a folder, a symbolic link or a character device.
type entry struct {
	mode   fs.FileMode
	data   []byte // a file's content,
	source string // or where to read it
	target string // of a symbolic link
	major  uint32 // of a device
	minor  uint32
}

// NewTree returns an empty tree.
func NewTree() *Tree { return &Tree{entries: map[string]entry{}} }

// Dir adds a folder.
func (t *Tree) Dir(name string, perm fs.FileMode) { t.put(name, entry{mode: fs.ModeDir | perm}) }

// File adds a file with that content.
func (t *Tree) File(name string, perm fs.FileMode, data []byte) {
	t.put(name, entry{mode: perm, data: data})
}

// Copy adds a file whose content is read from the file source when the tree is
// written.
func (t *Tree) Copy(name string, perm fs.FileMode, source string) {
	t.put(name, entry{mode: perm, source: source})
}

// Link adds a symbolic link.
func (t *Tree) Link(name, target string) {
	t.put(name, entry{mode: fs.ModeSymlink | 0o777, target: target})
}

// Device adds a character device. Only an initrd can hold one: a squashfs is
// made without root's rights, and has devtmpfs.
func (t *Tree) Device(name string, perm fs.FileMode, major, minor uint32) {
	t.put(name, entry{mode: fs.ModeDevice | fs.ModeCharDevice | perm, major: major, minor: minor})
}

// Has tells whether there is an entry of that name.
func (t *Tree) Has(name string) bool {
	_, ok := t.entries[t.place(name)]
	return ok
}

// Read returns the content of a file.
func (t *Tree) Read(name string) ([]byte, error) {
	e, ok := t.entries[t.place(name)]
	if !ok || !e.mode.IsRegular() {
		return nil, fmt.Errorf("the tree has no file %s", name)
	}
	return e.content()
}

// Names returns the names of all entries, each folder before what is in it.
func (t *Tree) Names() []string {
	var names []string
	for name := range t.entries {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// put adds e and the folders above it. A path that leaves the tree is a mistake
// of the program: those of archives are checked where they are read.
func (t *Tree) put(name string, e entry) {
	if !fs.ValidPath(name) || name == "." {
		panic(fmt.Sprintf("image: %q is no path of a tree", name))
	}
	name = t.place(name)
	if old, ok := t.entries[name]; ok && e.mode.IsDir() && old.mode&fs.ModeSymlink != 0 {
		return // the folder is where the link leads
	}
	t.entries[name] = e
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := t.entries[dir]; !ok {
			t.entries[dir] = entry{mode: fs.ModeDir | 0o755}
		}
	}
}

// place returns where an entry of that name really lies: folders above it may be
// symbolic links, as lib is one to usr/lib where both are merged.
func (t *Tree) place(name string) string {
	for range 8 {
		moved := false
		for i, c := range name {
			e, ok := t.entries[name[:i]]
			if c != '/' || !ok || e.mode&fs.ModeSymlink == 0 {
				continue
			}
			target := e.target
			if !path.IsAbs(target) {
				target = path.Join("/", path.Dir(name[:i]), target)
			}
			name, moved = path.Join(target, name[i:])[1:], true
			break
		}
		if !moved {
			return name
		}
	}
	return name // links in a circle: they stay as they are
}

func (e entry) content() ([]byte, error) {
	if e.source != "" {
		return os.ReadFile(e.source)
	}
	return e.data, nil
}

// size returns the length of a file's content.
func (e entry) size() (int64, error) {
	if e.source == "" {
		return int64(len(e.data)), nil
	}
	st, err := os.Stat(e.source)
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// Add copies the file or folder from, with all below it, into the tree as name.
// It keeps whether a file can be run, and symbolic links as they are.
func (t *Tree) Add(name, from string) error {
	return filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		to := path.Join(name, filepath.ToSlash(rel))
		switch {
		case d.IsDir():
			if to != "." && !t.Has(to) {
				t.Dir(to, 0o755)
			}
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(file)
			if err != nil {
				return err
			}
			t.Link(to, target)
		case d.Type().IsRegular():
			return t.addFile(to, file, d)
		default:
			return fmt.Errorf("%s is neither a file, a folder nor a link", file)
		}
		return nil
	})
}

func (t *Tree) addFile(name, file string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	perm := fs.FileMode(0o644)
	if info.Mode()&0o111 != 0 {
		perm = 0o755
	}
	t.Copy(name, perm, file)
	return nil
}

// writeTo writes the tree into the empty folder dir, for a program that makes a
// file system of it.
func (t *Tree) writeTo(dir string) error {
	for _, name := range t.Names() {
		if err := t.entries[name].writeTo(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func (e entry) writeTo(file string) error {
	switch {
	case e.mode.IsDir():
		if err := os.Mkdir(file, 0o755); err != nil {
			return err
		}
		return os.Chmod(file, e.mode&(fs.ModePerm|fs.ModeSticky))
	case e.mode&fs.ModeSymlink != 0:
		return os.Symlink(e.target, file)
	case !e.mode.IsRegular():
		return fmt.Errorf("%s is a device: only an initrd can hold one", file)
	}
	r, err := e.open()
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		f.Close()
		return err
	}
	if err := f.Chmod(e.mode.Perm()); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func (e entry) open() (io.ReadCloser, error) {
	if e.source != "" {
		return os.Open(e.source)
	}
	return io.NopCloser(bytes.NewReader(e.data)), nil
}

// below tells whether name is dir or lies in it.
func below(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }
