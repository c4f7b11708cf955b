// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"evener/firmware/durable"
)

// A disk is as much of a directory as a journal needs.
type disk interface {
	Open(name string) (file, error)   // for reading and writing; os.ErrNotExist
	Create(name string) (file, error) // empty
	Rename(from, to string) error
	Remove(name string) error
	Sync() error // makes what was created and renamed last
	Close() error
}

// A file is as much of a file as a journal needs.
type file interface {
	io.ReaderAt
	io.WriterAt
	Size() (int64, error)
	Sync() error
	Close() error
}

// dirDisk is a directory that no other process's journal is in.
type dirDisk struct {
	dir  string
	lock *os.File
}

// openDir takes the directory for this process; another owner is an error.
func openDir(dir string) (*dirDisk, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "sources.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: another process has the journal", dir)
		}
		return nil, fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	return &dirDisk{dir, lock}, nil
}

func (d *dirDisk) Open(name string) (file, error) { return d.open(name, os.O_RDWR) }

func (d *dirDisk) Create(name string) (file, error) {
	return d.open(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}

func (d *dirDisk) open(name string, flag int) (file, error) {
	f, err := os.OpenFile(filepath.Join(d.dir, name), flag, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d *dirDisk) Rename(from, to string) error {
	return os.Rename(filepath.Join(d.dir, from), filepath.Join(d.dir, to))
}

func (d *dirDisk) Sync() error { return durable.SyncDir(d.dir) }

func (d *dirDisk) Remove(name string) error { return os.Remove(filepath.Join(d.dir, name)) }

func (d *dirDisk) Close() error { return d.lock.Close() }

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}
