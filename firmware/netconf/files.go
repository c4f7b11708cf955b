// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"evener/firmware/durable"
)

// maxFile bounds a file that is kept to come back, in bytes.
const maxFile = 64 << 10

// readFile tells what is at path.
func readFile(path string) (File, error) {
	if link, err := os.Readlink(path); err == nil {
		return File{There: true, Link: link}, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return File{}, nil
	}
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return File{}, err
	}
	return File{There: true, Text: b}, nil
}

// putFile makes path what f says: old or new, never half of it.
func putFile(path string, f File) error {
	is, err := readFile(path)
	if err == nil && len(is.Text) > maxFile {
		err = fmt.Errorf("%s is longer than %d bytes, and would be lost", path, maxFile)
	}
	if err != nil {
		return err
	}
	switch {
	case !f.There:
		if err = os.Remove(path); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	case f.Link != "":
		err = replaceLink(path, f.Link)
	default:
		err = durable.Replace(path, f.Text, 0o644)
	}
	return pathError(path, err)
}

// pathError words what went wrong with path itself: the names of files beside it say
// nothing to people, and differ each time.
func pathError(path string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("%s is mounted from elsewhere, as in a container, and cannot be replaced: %w", path, unix.EBUSY)
	}
	if cause, ok := errors.AsType[unix.Errno](err); ok {
		return fmt.Errorf("write %s: %w", path, cause)
	}
	return fmt.Errorf("write %s: %w", path, err)
}

// replaceLink makes path a link.
func replaceLink(path, to string) error {
	dir, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	link := filepath.Join(dir, "link")
	if err := os.Symlink(to, link); err != nil {
		return err
	}
	return os.Rename(link, path)
}
