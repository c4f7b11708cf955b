// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
)

// A LogFile takes the log of all processes of the box. It never grows beyond its
// limit: a full file gives way to a new one, and the one before that goes.
// It takes writes from several goroutines.
type LogFile struct {
	name  string
	limit int64

	mu   sync.Mutex // guards what follows
	f    *os.File
	size int64
}

// OpenLogFile goes on with the file name, which may become limit bytes long, and its
// predecessor name.1 as well.
func OpenLogFile(name string, limit int64) (*LogFile, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	l := &LogFile{name: name, limit: limit}
	return l, l.open()
}

func (l *LogFile) open() error {
	f, err := os.OpenFile(l.name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.f, l.size = f, st.Size()
	return nil
}

// Write appends b.
func (l *LogFile) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return 0, os.ErrClosed
	}
	if l.size+int64(len(b)) > l.limit && l.size > 0 {
		if err := l.turn(); err != nil {
			return 0, err
		}
	}
	n, err := l.f.Write(b)
	l.size += int64(n)
	return n, err
}

// turn begins a new file. mu is held.
func (l *LogFile) turn() error {
	err := errors.Join(l.f.Close(), os.Rename(l.name, l.name+".1"))
	l.f = nil
	return errors.Join(err, l.open())
}

// Close ends the log, so that its file system can be unmounted.
func (l *LogFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	f := l.f
	l.f = nil
	return errors.Join(f.Sync(), f.Close())
}
