// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
)

// A memDisk is a file system in memory that forgets, when the power is cut,
// what was not synced: the content of files by Sync, names by SyncDir. What was
// not synced may survive in part, as on a real disk: a prefix of the renames of
// each directory, any torn form of the content.
type memDisk struct {
	names   map[string]*inode // as running programs see them
	durable map[string]*inode // as a power cut leaves them at least
	journal map[string][]func(map[string]*inode)
	locked  bool

	ops   int
	fault func(n int, op string) outcome // nil: none
}

type inode struct{ data, synced []byte }

// An outcome is what a fault does to one operation.
type outcome int

const (
	fine      outcome = iota
	refused           // fails without an effect, but a write is half done
	lied              // takes effect, and fails
	noSpace           // as refused, with another error
	powerLost         // half done at most, and the program ends
)

var (
	errIO    = errors.New("input/output error")
	errFull  = errors.New("no space left on device")
	errPower = errors.New("power lost")
)

func newMemDisk() *memDisk {
	return &memDisk{names: make(map[string]*inode), durable: make(map[string]*inode),
		journal: make(map[string][]func(map[string]*inode))}
}

// op counts an operation and runs effect as the fault demands.
func (d *memDisk) op(name string, effect func()) error {
	d.ops++
	o := fine
	if d.fault != nil {
		o = d.fault(d.ops, name)
	}
	switch o {
	case refused:
		return errIO
	case noSpace:
		return errFull
	case powerLost:
		panic(errPower)
	case lied:
		effect()
		return errIO
	}
	effect()
	return nil
}

// change records a change of names in dir, so that it can be lost.
func (d *memDisk) change(name string, f func(map[string]*inode)) {
	f(d.names)
	dir := path.Dir(name)
	d.journal[dir] = append(d.journal[dir], f)
}

func (d *memDisk) ReadFile(name string) (b []byte, err error) {
	if err := d.op("read", func() {
		if n := d.names[name]; n != nil {
			b = bytes.Clone(n.data)
		} else {
			err = &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
	}); err != nil {
		return nil, err
	}
	return b, err
}

func (d *memDisk) Create(name string) (file, error) {
	n := d.names[name]
	err := d.op("create", func() {
		if n != nil {
			n.data = nil
			return
		}
		n = &inode{}
		d.change(name, func(m map[string]*inode) { m[name] = n })
	})
	return &memFile{d, n}, err
}

func (d *memDisk) Rename(from, to string) error {
	return d.op("rename", func() {
		n := d.names[from]
		d.change(to, func(m map[string]*inode) {
			delete(m, from)
			m[to] = n
		})
	})
}

func (d *memDisk) Remove(name string) error {
	return d.op("remove", func() {
		d.change(name, func(m map[string]*inode) { delete(m, name) })
	})
}

func (d *memDisk) List(dir string) (names []string, err error) {
	err = d.op("list", func() {
		for n := range d.names {
			if strings.HasPrefix(n, dir+"/") && n != dir+"/" {
				names = append(names, strings.TrimPrefix(n, dir+"/"))
			}
		}
	})
	slices.Sort(names)
	return names, err
}

func (d *memDisk) Mkdir(dir string) error {
	return d.op("mkdir", func() {
		d.change(dir, func(m map[string]*inode) { m[dir+"/"] = &inode{} })
	})
}

func (d *memDisk) SyncDir(dir string) error {
	return d.op("syncdir", func() {
		for _, f := range d.journal[path.Clean(dir)] {
			f(d.durable)
		}
		delete(d.journal, path.Clean(dir))
	})
}

func (d *memDisk) Lock(string) (io.Closer, error) {
	if d.locked {
		return nil, &LockedError{Dir: "mem"}
	}
	if err := d.op("lock", func() { d.locked = true }); err != nil {
		d.locked = false // the file that held it is closed
		return nil, err
	}
	return unlocker{d}, nil
}

type unlocker struct{ d *memDisk }

func (u unlocker) Close() error { u.d.locked = false; return nil }

type memFile struct {
	d *memDisk
	n *inode
}

func (f *memFile) Write(b []byte) (int, error) {
	done := false
	defer func() {
		if !done { // torn
			f.n.data = append(f.n.data, b[:len(b)/2]...)
		}
	}()
	err := f.d.op("write", func() {
		done = true
		f.n.data = append(f.n.data, b...)
	})
	return len(b), err
}

func (f *memFile) Sync() error {
	return f.d.op("sync", func() { f.n.synced = bytes.Clone(f.n.data) })
}

func (f *memFile) Close() error { return f.d.op("close", func() {}) }

// afterCrash returns the disk as it may be found after a power cut. rng nil
// loses all that was not synced.
func (d *memDisk) afterCrash(rng *rand.Rand) *memDisk {
	names := maps.Clone(d.durable)
	for _, dir := range slices.Sorted(maps.Keys(d.journal)) {
		fs := d.journal[dir]
		if rng == nil {
			fs = nil
		} else {
			fs = fs[:rng.IntN(len(fs)+1)]
		}
		for _, f := range fs {
			f(names)
		}
	}
	c := newMemDisk()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if dir := path.Dir(name); dir != "." && names[dir+"/"] == nil {
			continue
		}
		c.put(name, torn(names[name], rng))
	}
	return c
}

// asSeen returns the disk as the next program sees it if the power stays on.
func (d *memDisk) asSeen() *memDisk {
	c := newMemDisk()
	for name, n := range d.names {
		c.put(name, n.data)
	}
	return c
}

func (d *memDisk) put(name string, b []byte) {
	n := &inode{bytes.Clone(b), bytes.Clone(b)}
	d.names[name], d.durable[name] = n, n
}

// torn returns what may be left of a file.
func torn(n *inode, rng *rand.Rand) []byte {
	if rng == nil || bytes.Equal(n.data, n.synced) {
		return n.synced
	}
	switch b := bytes.Clone(n.data); rng.IntN(4) {
	case 0:
		return n.synced
	case 1:
		return b
	case 2:
		return b[:rng.IntN(len(b)+1)]
	default: // the length is right, a block is not
		clear(b[rng.IntN(len(b)+1):])
		return b
	}
}
