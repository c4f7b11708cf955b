// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"evener/firmware/api"
	"evener/firmware/backup"
)

// maxSpooled is how many files a spool has at the same time.
const maxSpooled = 2

// A spool keeps the files of transfers, which may be large, while they last. A
// file has no name after it was made, so that nothing is left of it whatever
// happens to this process.
type spool struct {
	dir  string // "": there is none
	slot chan struct{}
	make func(dir, pattern string) (*os.File, error)
}

// newSpool returns the spool in dir. It removes what a loss of power may have left
// there.
func newSpool(dir string) (spool, error) {
	s := spool{dir, make(chan struct{}, maxSpooled), os.CreateTemp}
	if dir == "" {
		return s, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return s, err
	}
	left, err := filepath.Glob(filepath.Join(dir, "transfer-*"))
	for _, name := range left {
		err = errors.Join(err, os.Remove(name))
	}
	return s, err
}

// A spooled file takes backup.MaxFile bytes; to close it is to remove it.
type spooled struct {
	f    *os.File
	size int64
	free func()
}

// file returns an empty file that only its holder can reach.
func (s spool) file() (*spooled, error) {
	if s.dir == "" {
		return nil, api.Errorf(api.CodeFailed, "transfer.no_folder", "this box has no folder for transfers")
	}
	select {
	case s.slot <- struct{}{}:
	default:
		return nil, api.Errorf(api.CodeTooMany, "too_many.transfers", "%d backups are on their way already: wait for one", maxSpooled)
	}
	free := func() { <-s.slot }
	f, err := s.make(s.dir, "transfer-*") // mode 0600
	if err == nil {
		if err = os.Remove(f.Name()); err != nil {
			f.Close()
		}
	}
	if err != nil {
		free()
		return nil, spoolError(err)
	}
	return &spooled{f, 0, free}, nil
}

// spoolError says what a full disk means here.
func spoolError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return api.Errorf(api.CodeFailed, "disk.full", "the box's disk is full: it needs room for the backup as it is transferred (%v)", err)
	}
	return err
}

// Write adds p to the file.
func (s *spooled) Write(p []byte) (int, error) {
	if s.size+int64(len(p)) > backup.MaxFile {
		return 0, api.Errorf(api.CodeTooLarge, "backup.size", "a backup has at most %d MiB", backup.MaxFile>>20)
	}
	n, err := s.f.Write(p)
	s.size += int64(n)
	return n, spoolError(err)
}

// Read reads on; see rewind.
func (s *spooled) Read(p []byte) (int, error) { return s.f.Read(p) }

// rewind has the next Read begin at the first byte.
func (s *spooled) rewind() error {
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the spooled backup: %w", err)
	}
	return nil
}

// Close removes the file. It may be called again.
func (s *spooled) Close() error {
	if s.free != nil {
		s.free()
		s.free = nil
	}
	if err := s.f.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
