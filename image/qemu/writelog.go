// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// A DiskWrite is one thing that a guest asked its disk for.
type DiskWrite struct {
	Off, Len int64 // in bytes; Len is 0 for a flush
	Flush    bool  // all that came before is on the medium; QEMU makes one of FUA too
	Discard  bool  // the guest does not need the content of the place any more

	at int64 // of the data in the file
}

// A WriteLog has everything that a guest wrote to its disk, in order: see
// [Config].WriteLog.
type WriteLog struct {
	Writes []DiskWrite

	f *os.File
}

// The file that QEMU's blklogwrites keeps is that of the kernel's dm-log-writes
// (Documentation/admin-guide/device-mapper/log-writes.rst), little-endian: a sector with
// magic, version, number of entries and size of a sector; then for each entry a sector
// with place and length in sectors, flags and the length of what follows, and the data.
const (
	logMagic   = 0x6a736677736872
	logVersion = 1
	logHead    = 28 // bytes of it that count
	logEntry   = 24

	logFlush   = 1 << 0
	logDiscard = 1 << 2
	logMark    = 1 << 3
)

var errWriteLog = errors.New("it is no log of writes")

// OpenWriteLog reads what a guest has written up to its last flush. The guest may go on
// meanwhile.
func OpenWriteLog(name string) (*WriteLog, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	l := &WriteLog{f: f}
	if err := l.read(); err != nil {
		f.Close()
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return l, nil
}

func (l *WriteLog) read() error {
	head := make([]byte, logHead)
	if _, err := io.ReadFull(io.NewSectionReader(l.f, 0, logHead), head); err != nil {
		return fmt.Errorf("%w: %w", errWriteLog, err)
	}
	number := binary.LittleEndian.Uint64
	count, sector := number(head[16:]), int64(binary.LittleEndian.Uint32(head[24:]))
	if number(head) != logMagic || number(head[8:]) != logVersion || sector < 512 || sector > 64<<10 {
		return errWriteLog
	}
	at, entry := sector, make([]byte, logEntry)
	for i := range count {
		if _, err := io.ReadFull(io.NewSectionReader(l.f, at, logEntry), entry); err != nil {
			return fmt.Errorf("entry %d of %d: %w", i, count, err)
		}
		flags := number(entry[16:])
		w := DiskWrite{Off: int64(number(entry)) * sector, Len: int64(number(entry[8:])) * sector, at: at + sector,
			Flush: flags&logFlush != 0, Discard: flags&logDiscard != 0}
		if w.Off < 0 || w.Len < 0 {
			return fmt.Errorf("%w: entry %d is at %d", errWriteLog, i, w.Off)
		}
		at += sector
		if !w.Discard {
			at += w.Len
		}
		if flags&logMark == 0 {
			l.Writes = append(l.Writes, w)
		}
	}
	return nil
}

// Data reads the first n bytes of what the i-th write has brought.
func (l *WriteLog) Data(i int, n int64) ([]byte, error) {
	w := l.Writes[i]
	if n > w.Len || w.Discard {
		return nil, fmt.Errorf("write %d of the log has no %d bytes", i, n)
	}
	b := make([]byte, n)
	if _, err := l.f.ReadAt(b, w.at); err != nil {
		return nil, fmt.Errorf("write %d of the log: %w", i, err)
	}
	return b, nil
}

// Close closes the file.
func (l *WriteLog) Close() error { return l.f.Close() }
