// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"evener/firmware/durable"
)

// A disk is as much of a file system as the log needs. Names are relative to its
// folder. Tests put one in its place that fails and fills up.
type disk interface {
	List() ([]string, error)
	Open(name string) (io.ReadCloser, error)
	Append(name string) (file, error)          // makes it where there is none
	Replace(name string, content []byte) error // durable, the old or the new content
	Truncate(name string, size int64) error    // durable
	Remove(name string) error
	Sync() error // the folder
}

// A file is written at its end.
type file interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
}

// An osDisk is a folder of the real file system.
type osDisk struct{ dir string }

func openDir(dir string) (osDisk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return osDisk{}, err
	}
	return osDisk{dir}, osDisk{filepath.Dir(dir)}.Sync()
}

func (d osDisk) path(name string) string { return filepath.Join(d.dir, name) }

func (d osDisk) List() ([]string, error) {
	es, err := os.ReadDir(d.dir)
	names := make([]string, 0, len(es))
	for _, e := range es {
		names = append(names, e.Name())
	}
	return names, err
}

func (d osDisk) Open(name string) (io.ReadCloser, error) { return os.Open(d.path(name)) }

func (d osDisk) Append(name string) (file, error) {
	return os.OpenFile(d.path(name), os.O_WRONLY|os.O_CREATE|os.O_APPEND|unix.O_NOFOLLOW, 0o600)
}

func (d osDisk) Replace(name string, content []byte) error {
	return durable.Replace(d.path(name), content, 0o600)
}

func (d osDisk) Truncate(name string, size int64) error {
	f, err := os.OpenFile(d.path(name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return err
	}
	return f.Sync()
}

func (d osDisk) Remove(name string) error { return os.Remove(d.path(name)) }

func (d osDisk) Sync() error { return durable.SyncDir(d.dir) }
