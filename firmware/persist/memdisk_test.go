// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"bytes"
	"errors"
	"maps"
	"os"
)

var errDisk = errors.New("disk fails")

// A memDisk is a disk whose power can be cut: what was not synced is lost, or
// half there. Its failAt-th operation fails, having done half of its work.
type memDisk struct {
	names, lasting map[string]*memFile
	ops, failAt    int
}

type memFile struct {
	d            *memDisk
	data, synced []byte
}

func newMemDisk() *memDisk {
	return &memDisk{names: map[string]*memFile{}, lasting: map[string]*memFile{}}
}

func (d *memDisk) step() error {
	if d.ops++; d.ops == d.failAt {
		return errDisk
	}
	return nil
}

func (d *memDisk) Open(name string) (file, error) {
	f, ok := d.names[name]
	if !ok {
		return nil, os.ErrNotExist
	}
	return f, d.step()
}

func (d *memDisk) Create(name string) (file, error) {
	if err := d.step(); err != nil {
		return nil, err
	}
	d.names[name] = &memFile{d: d}
	return d.names[name], nil
}

func (d *memDisk) Rename(from, to string) error {
	if err := d.step(); err != nil {
		return err
	}
	d.names[to] = d.names[from]
	delete(d.names, from)
	return nil
}

func (d *memDisk) Remove(name string) error { delete(d.names, name); return d.step() }

func (d *memDisk) Sync() error {
	if err := d.step(); err != nil {
		return err
	}
	d.lasting = maps.Clone(d.names)
	return nil
}

func (d *memDisk) Close() error { return nil }

// cut returns the disk as it is after a power cut. names says whether renames
// that were not synced happened, half whether half of each unsynced write did.
func (d *memDisk) cut(names, half bool) *memDisk {
	from := d.lasting
	if names {
		from = d.names
	}
	after := newMemDisk()
	for name, f := range from {
		data := bytes.Clone(f.synced)
		if half {
			if n := (len(f.synced) + len(f.data)) / 2; n > len(data) {
				data = bytes.Clone(f.data[:n])
			}
		}
		after.names[name] = &memFile{d: after, data: data, synced: data}
		after.lasting[name] = after.names[name]
	}
	return after
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(f.data).ReadAt(p, off)
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	err := f.d.step()
	if err != nil {
		p = p[:len(p)/2+1]
	}
	if n := int(off) + len(p); n > len(f.data) {
		f.data = append(f.data, make([]byte, n-len(f.data))...)
	}
	copy(f.data[off:], p)
	return len(p), err
}

func (f *memFile) Size() (int64, error) { return int64(len(f.data)), f.d.step() }

func (f *memFile) Sync() error {
	if err := f.d.step(); err != nil {
		return err
	}
	f.synced = bytes.Clone(f.data)
	return nil
}

func (f *memFile) Close() error { return nil }
