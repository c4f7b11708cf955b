// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"evener/firmware/durable"
)

// A disk is as much of a file system as the store needs. Names are relative to
// its directory. Tests put one in its place that fails, fills up and loses
// power.
type disk interface {
	ReadFile(name string) ([]byte, error)
	Create(name string) (file, error) // empties it; readable by its owner only
	Rename(from, to string) error
	Remove(name string) error
	List(dir string) ([]string, error) // the names in dir, without its path
	Mkdir(dir string) error            // no error if it is there
	SyncDir(dir string) error
	Lock(name string) (io.Closer, error)
}

// A file is being written.
type file interface {
	io.WriteCloser
	Sync() error
}

// An osDisk is a directory of the real file system.
type osDisk struct{ dir string }

// openDir makes dir and returns it as a disk.
func openDir(dir string) (osDisk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return osDisk{}, err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return osDisk{}, err
	}
	return osDisk{abs}, durable.SyncDir(filepath.Dir(abs))
}

func (d osDisk) path(name string) string { return filepath.Join(d.dir, name) }

func (d osDisk) ReadFile(name string) ([]byte, error) { return os.ReadFile(d.path(name)) }

func (d osDisk) Create(name string) (file, error) {
	return os.OpenFile(d.path(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW, 0o600)
}

func (d osDisk) Rename(from, to string) error { return os.Rename(d.path(from), d.path(to)) }

func (d osDisk) Remove(name string) error { return os.Remove(d.path(name)) }

func (d osDisk) List(dir string) ([]string, error) {
	es, err := os.ReadDir(d.path(dir))
	names := make([]string, 0, len(es))
	for _, e := range es {
		names = append(names, e.Name())
	}
	return names, err
}

func (d osDisk) Mkdir(dir string) error {
	if err := os.Mkdir(d.path(dir), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

func (d osDisk) SyncDir(dir string) error { return durable.SyncDir(d.path(dir)) }

// Lock takes an flock on the file name and writes this process's number into
// it. The kernel lets go of it however the process ends.
func (d osDisk) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if err != unix.EWOULDBLOCK {
			return nil, &os.PathError{Op: "flock", Path: f.Name(), Err: err}
		}
		pid, err := io.ReadAll(io.LimitReader(f, 20))
		if err != nil {
			pid = nil
		}
		return nil, &LockedError{Dir: d.dir, PID: strings.TrimSpace(string(pid))}
	}
	// The number only words the error of the next opener: a full disk must not
	// keep the box from starting.
	if err := f.Truncate(0); err == nil {
		fmt.Fprintln(f, os.Getpid())
	}
	return f, nil
}

// replace writes b to the file name, so that a crash leaves the old or the new
// content. moved says that the rename was tried: the error then is of unknown
// effect.
func replace(d disk, name string, b []byte) (moved bool, err error) {
	tmp := name + ".tmp"
	if err := writeFile(d, tmp, b); err != nil {
		_ = d.Remove(tmp) // a remainder is removed at the next Open
		return false, err
	}
	if err := d.Rename(tmp, name); err != nil {
		_ = d.Remove(tmp)
		return true, err
	}
	return true, d.SyncDir(filepath.Dir(name))
}

// writeFile writes b to the file name and waits until it is on the disk.
func writeFile(d disk, name string, b []byte) error {
	f, err := d.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.Write(b); err != nil {
		f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
