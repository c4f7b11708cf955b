// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"evener/firmware/durable"
)

// onData are the folders of the state that grow: they lie on the data partition, so
// that a full one cannot keep a configuration from being written.
var onData = []string{"audit", "captures", "events", "persist"}

// LinkData makes the growing folders of state links to folders of data. One that is a
// folder already, with something in it, is left alone, and told of in the error.
func LinkData(state, data string) error {
	if err := os.MkdirAll(state, 0o700); err != nil {
		return err
	}
	var errs []error
	for _, name := range onData {
		if err := linkOne(filepath.Join(state, name), filepath.Join(data, name)); err != nil {
			errs = append(errs, fmt.Errorf("folder %s: %w", name, err))
		}
	}
	return errors.Join(append(errs, durable.SyncDir(state))...)
}

func linkOne(name, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	st, err := os.Lstat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return os.Symlink(to, name)
	case err != nil:
		return err
	case st.Mode()&os.ModeSymlink != 0:
		if old, err := os.Readlink(name); err == nil && old == to {
			return nil
		}
		if err := os.Remove(name); err != nil {
			return err
		}
		return os.Symlink(to, name)
	case !st.IsDir():
		return errors.New("a file is in its place")
	}
	// Only an empty folder gives way to a link.
	if err := os.Remove(name); err != nil {
		return fmt.Errorf("it stays in the state, because it is not empty: %w", err)
	}
	return os.Symlink(to, name)
}
