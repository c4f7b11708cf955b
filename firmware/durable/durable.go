// SPDX-License-Identifier: Apache-2.0

// Package durable writes files so that a power cut leaves the old one or the new one. It
// does not know what is in them.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace gives a file a content and a mode, and returns once the disk has them. Where it
// fails the file is as it was, but for a failure of the disk at the very end, after which it
// is the old one or the new one.
//
// The content is written beside the file first, under its name with ".new". What is there of
// somebody else, who may write into the same folder, is not written into. Two calls for one
// file must not run at once.
func Replace(name string, content []byte, mode fs.FileMode) error {
	tmp := name + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err == nil {
		err = os.Rename(tmp, name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp)) // on a full disk it takes room for nothing
	}
	return SyncDir(filepath.Dir(name))
}

// SyncDir returns once the disk has the names in a folder: which files there are, not what
// is in them.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
