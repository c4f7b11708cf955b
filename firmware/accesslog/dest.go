// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Stderr is the path that stands for standard error.
const Stderr = "stderr"

// A destination takes lines.
type destination interface {
	io.Writer
	io.Closer
}

// openDestination opens a file for appending, and makes it if it is not there. A
// pipe or a device is refused, because a write to it can block for ever.
func openDestination(path string) (destination, error) {
	switch path {
	case "":
		return nil, errors.New("no path")
	case Nowhere:
		return sinkhole{}, nil
	case Stderr:
		return standardError{}, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// endsCut reports whether the last line of a file has no end, because a crash or a
// full disk has cut it.
func endsCut(d destination) (bool, error) {
	f, ok := d.(*os.File)
	if !ok {
		return false, nil
	}
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], info.Size()-1); err != nil {
		return false, err
	}
	return last[0] != '\n', nil
}

// standardError is not closed with the log.
type standardError struct{}

func (standardError) Write(b []byte) (int, error) { return os.Stderr.Write(b) }
func (standardError) Close() error                { return nil }
