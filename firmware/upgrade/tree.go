// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"evener/firmware/durable"
)

// copyTree makes to a copy of the folder from, whole or not at all.
func copyTree(from, to string) error {
	tmp := to + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := copyInto(from, tmp); err != nil {
		return errors.Join(err, os.RemoveAll(tmp))
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.Rename(tmp, to); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(to))
}

// copyInto copies folders and files, synced; a lock and a pipe have nothing to
// copy, and a link would lead out of the copy.
func copyInto(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	var dirs []string
	err := filepath.WalkDir(from, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		dest := filepath.Join(to, rel)
		switch {
		case e.IsDir():
			dirs = append(dirs, dest)
			return os.Mkdir(dest, 0o700)
		case e.Type().IsRegular():
			return copyFile(name, dest)
		}
		return fmt.Errorf("%s is neither a file nor a folder", name)
	})
	for _, d := range dirs {
		if err == nil {
			err = durable.SyncDir(d)
		}
	}
	return err
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, chownLike(out, info), out.Sync(), out.Close())
}

// restoreTree puts a copy of kept in the place of store. What was there goes to
// store.left in dir, unless a loss of power came between and it is there
// already. It can be done again from any point.
func restoreTree(kept, store, dir string) error {
	info, err := os.Stat(kept)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", kept)
	}
	fresh, left := store+".restore", filepath.Join(dir, "store.left")
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := copyInto(kept, fresh); err != nil {
		return errors.Join(err, os.RemoveAll(fresh))
	}
	if _, err := os.Stat(store); err == nil {
		if err := os.RemoveAll(left); err != nil {
			return err
		}
		if err := os.Rename(store, left); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(fresh, store); err != nil {
		return err
	}
	return errors.Join(durable.SyncDir(filepath.Dir(store)), durable.SyncDir(dir))
}
