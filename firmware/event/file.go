// SPDX-License-Identifier: Apache-2.0

package event

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/durable"
)

// The two files: when the newer one is full it takes the place of the older.
const (
	newFile = "events.jsonl"
	oldFile = "events.1.jsonl"
)

// A line of the file is an event, the acknowledgement of one, or the beginning of
// an epoch. In the file its CRC-32 stands before it: "1c291ca3 {...}".
type line struct {
	Event *Event `json:"event,omitempty"`
	Seq   uint64 `json:"seq,omitempty"`
	Ack   *Ack   `json:"ack,omitempty"`
	Epoch string `json:"epoch,omitempty"`
}

// maxLine bounds a line that is read.
const maxLine = 1 << 20

const sumLen = 9 // eight digits and a space

func (l line) encode() ([]byte, error) {
	b, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	return append(fmt.Appendf(nil, "%08x ", crc32.ChecksumIEEE(b)), append(b, '\n')...), nil
}

var errLine = errors.New("it is no line of the events")

// decode reads a line without its newline.
func decode(b []byte) (l line, err error) {
	if len(b) < sumLen || b[sumLen-1] != ' ' {
		return l, errLine
	}
	sum, err := strconv.ParseUint(string(b[:sumLen-1]), 16, 32)
	if err != nil || uint32(sum) != crc32.ChecksumIEEE(b[sumLen:]) {
		return l, errLine
	}
	if err := json.Unmarshal(b[sumLen:], &l); err != nil {
		return l, fmt.Errorf("%w: %v", errLine, err)
	}
	return l, nil
}

// load reads both files and returns the writer that goes on with the newer.
func (j *Journal) load() (*writer, error) {
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return nil, err
	}
	w := &writer{j: j}
	for _, name := range []string{oldFile, newFile} {
		size, err := j.read(name)
		if err != nil {
			return nil, err
		}
		w.size = size
	}
	return w, nil
}

// read takes a file in and returns how long it is up to its last newline.
func (j *Journal) read(name string) (size int64, err error) {
	f, err := os.Open(filepath.Join(j.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	bad := 0
	size, err = eachLine(f, func(b []byte) {
		l, err := decode(b)
		if err != nil {
			bad++
			return
		}
		j.take(l)
	})
	if bad > 0 {
		j.log.Warn("damaged lines of the events left out", "file", name, "lines", bad)
	}
	return size, err
}

// eachLine calls f with each whole line and returns where the last one ends. A
// line that is too long is given without its end, and so is damaged.
func eachLine(r io.Reader, f func([]byte)) (size int64, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	var buf []byte
	n := int64(0)
	for {
		part, err := in.ReadSlice('\n')
		n += int64(len(part))
		if len(buf) < maxLine {
			buf = append(buf, part...)
		}
		switch err {
		case nil:
			f(bytes.TrimSuffix(buf, []byte("\n")))
			size, n, buf = size+n, 0, buf[:0]
		case bufio.ErrBufferFull:
		case io.EOF:
			return size, nil
		default:
			return size, err
		}
	}
}

// take takes a line of the file into memory.
func (j *Journal) take(l line) {
	switch {
	case l.Epoch != "":
		j.epoch, j.seq = l.Epoch, max(j.seq, l.Seq)
	case l.Event != nil && l.Event.Seq > j.seq:
		j.keep(*l.Event)
		j.seq = l.Event.Seq
	case l.Ack != nil:
		if e := j.find(l.Seq); e != nil && e.Ack == nil {
			e.Ack = l.Ack
		}
	}
}

// A writer is the goroutine that owns the files.
type writer struct {
	j    *Journal
	file *os.File // nil: to be opened
	size int64    // bytes of the newer file that are on the disk
}

// run writes until the journal is closed.
func (w *writer) run() {
	defer close(w.j.done)
	for {
		<-w.j.wake
		err := w.drain()
		w.told(err)
		w.j.mu.Lock()
		closed := w.j.closed
		w.j.mu.Unlock()
		if closed {
			if w.file != nil {
				w.file.Close() // all of it is synced
			}
			return
		}
		if err != nil {
			time.AfterFunc(w.j.cfg.Retry, func() {
				select {
				case w.j.wake <- struct{}{}:
				default: // it wakes already
				}
			})
		}
	}
}

// told keeps how the last try ended. Once lines are written again, what was lost
// is an event.
func (w *writer) told(err error) {
	j := w.j
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil && j.failing == nil {
		j.log.Error("events not written", "err", err)
	}
	if err == nil && j.failing != nil {
		j.log.Info("events written again")
	}
	if err == nil && j.lost > 0 && !j.closed {
		n, why := j.lost, "the disk was slow"
		if j.failing != nil {
			why = j.failing.Error()
		}
		j.lost = 0
		e := New(EventsLost, "events", map[string]any{"lost": n, "reason": why})
		e.Time = time.Now().Round(0).UTC()
		j.add(e)
	}
	j.failing = err
}

// drain writes what waits.
func (w *writer) drain() error {
	j := w.j
	for {
		j.mu.Lock()
		batch := j.queue[:min(len(j.queue), 512)]
		j.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		if err := w.write(bytes.Join(batch, nil)); err != nil {
			return err
		}
		j.mu.Lock()
		j.queue = append([][]byte(nil), j.queue[len(batch):]...)
		j.mu.Unlock()
	}
}

// write appends b, all or nothing.
func (w *writer) write(b []byte) error {
	if w.size > 0 && w.size+int64(len(b)) > w.j.cfg.MaxFile {
		if err := w.rotate(); err != nil {
			return err
		}
	}
	if w.file == nil {
		if err := w.open(); err != nil {
			return err
		}
	}
	_, err := w.file.Write(b)
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		w.file.Close()
		w.file = nil // open cuts off what came of this
		return err
	}
	w.size += int64(len(b))
	return nil
}

// open opens the newer file, without what is behind its last whole line.
func (w *writer) open() error {
	f, err := os.OpenFile(filepath.Join(w.j.dir, newFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	if err := f.Truncate(w.size); err != nil {
		f.Close()
		return err
	}
	w.file = f
	return durable.SyncDir(w.j.dir)
}

// rotate makes the newer file the older one. The new one begins with the epoch.
func (w *writer) rotate() error {
	if w.file != nil {
		w.file.Close() // all of it is synced
		w.file = nil
	}
	err := os.Rename(filepath.Join(w.j.dir, newFile), filepath.Join(w.j.dir, oldFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	w.size = 0
	w.j.mu.Lock()
	b, err := line{Epoch: w.j.epoch}.encode()
	w.j.mu.Unlock()
	if err != nil {
		return err
	}
	return w.write(b)
}
