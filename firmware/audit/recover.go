// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

const (
	filePrefix = "audit-"
	fileSuffix = ".jsonl"
)

// fileName names the file that begins with record seq; names sort as numbers.
func fileName(seq uint64) string { return fmt.Sprintf("%s%020d%s", filePrefix, seq, fileSuffix) }

// firstOf returns the number in a file's name.
func firstOf(name string) (uint64, bool) {
	n, ok := strings.CutPrefix(name, filePrefix)
	n, end := strings.CutSuffix(n, fileSuffix)
	seq, err := strconv.ParseUint(n, 10, 64)
	return seq, ok && end && err == nil && seq > 0 && fileName(seq) == name
}

// lines reads a file line by line.
type lines struct {
	r   *bufio.Reader
	buf []byte
	pos int64 // in the file, after the last newline
	n   int64 // bytes after pos that were read
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, 64<<10)} }

var (
	errTorn = errors.New("it does not end with a newline")
	errLong = errors.New("it is longer than any record")
)

// next returns the next line without its newline, errTorn with what follows the
// last newline, or io.EOF. Of a line that is longer than a record it returns the
// beginning, with errLong.
func (l *lines) next() ([]byte, error) {
	l.buf, l.n = l.buf[:0], 0
	long := false
	for {
		part, err := l.r.ReadSlice('\n')
		l.n += int64(len(part))
		if len(l.buf) <= maxLine {
			l.buf = append(l.buf, part...)
		} else {
			long = true
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && len(l.buf) == 0:
			return nil, io.EOF
		case err == io.EOF:
			return l.buf, errTorn
		case err != nil:
			return nil, err
		}
		l.pos, l.n = l.pos+l.n, 0
		if long || len(l.buf) > maxLine+1 {
			return l.buf[:maxLine], errLong
		}
		return l.buf[:len(l.buf)-1], nil
	}
}

// recover finds the end of the chain and returns records that tell of what it met.
func (l *Log) recover() (notes []Record, err error) {
	l.anchor, err = readAnchor(l.disk)
	var bad *anchorError
	if err != nil && !errors.As(err, &bad) {
		return nil, err
	}
	if err := l.listFiles(); err != nil {
		return nil, err
	}
	l.head = l.anchor
	if len(l.files) == 0 {
		l.files = []segment{{name: fileName(l.anchor.Seq + 1), first: l.anchor.Seq + 1}}
		if l.anchor.Seq > 0 {
			return []Record{boxRecord(MethodBroken, "there is no file of records after the anchor")}, nil
		}
		return []Record{boxRecord(MethodBegun, "")}, nil
	}
	e, err := l.readEnd()
	if err != nil {
		return nil, err
	}
	l.head = e.head
	last := &l.files[len(l.files)-1]
	if e.torn > 0 {
		if err := l.disk.Truncate(last.name, e.good); err != nil {
			return nil, err
		}
		l.log.Warn("torn end of audit log cut off", "file", last.name, "bytes", e.torn)
		notes = append(notes, boxRecord(MethodTorn, fmt.Sprintf(
			"%d bytes at the end of %s were no whole record and were cut off", e.torn, last.name)))
	}
	last.size = e.good
	if e.damaged > 0 {
		l.log.Error("end of audit log is damaged", "file", last.name, "lines", e.damaged)
		notes = append(notes, boxRecord(MethodBroken, fmt.Sprintf(
			"%d lines at the end of %s are damaged and were left; the chain goes on after record %d",
			e.damaged, last.name, e.head.Seq)))
		l.head.Seq += e.damaged // their numbers are not given again
		l.files = append(l.files, segment{name: fileName(l.head.Seq + 1), first: l.head.Seq + 1})
	}
	return notes, nil
}

// listFiles finds the files, and removes those that the anchor has made needless.
func (l *Log) listFiles() error {
	names, err := l.disk.List()
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, n := range names {
		if first, ok := firstOf(n); ok {
			l.files = append(l.files, segment{name: n, first: first})
		}
	}
	for len(l.files) > 1 && l.files[1].first <= l.anchor.Seq+1 {
		if err := l.disk.Remove(l.files[0].name); err != nil {
			return err
		}
		l.files = l.files[1:]
	}
	return l.measure()
}

// measure notes the lengths of the files.
func (l *Log) measure() error {
	for i := range l.files {
		f, err := l.disk.Open(l.files[i].name)
		if err != nil {
			return err
		}
		l.files[i].size, err = io.Copy(io.Discard, f)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// An end is what the last files say about where the chain ends.
type end struct {
	head    anchor
	good    int64  // bytes of the last file up to its last newline
	torn    int64  // bytes after it
	damaged uint64 // lines at its end, before the torn one, that are no records
}

// readEnd reads the last file, and those before it for as long as it holds no
// record, and keeps the last records in memory.
func (l *Log) readEnd() (end, error) {
	e := end{head: l.anchor}
	for i := len(l.files) - 1; i >= 0; i-- {
		one, recs, err := l.readFile(l.files[i].name)
		if err != nil {
			return end{}, err
		}
		if i == len(l.files)-1 {
			e.good, e.torn, e.damaged = one.good, one.torn, one.damaged
		}
		if len(l.recent) == 0 && len(recs) > 0 {
			r := recs[len(recs)-1]
			e.head = anchor{r.Seq, r.Hash}
		}
		l.recent = append(recs, l.recent...)
		if len(l.recent) >= l.cfg.Recent {
			l.recent = l.recent[len(l.recent)-l.cfg.Recent:]
			break
		}
	}
	return e, nil
}

// readFile reads a file to its end. A last line that is whole but for its newline
// counts as torn.
func (l *Log) readFile(name string) (e end, recs []Record, err error) {
	f, err := l.disk.Open(name)
	if err != nil {
		return end{}, nil, err
	}
	defer f.Close()
	in := newLines(f)
	for {
		line, err := in.next()
		switch err {
		case nil, errLong:
			r, bad := parseLine(line)
			if bad != nil || err != nil {
				e.damaged++
				break
			}
			e.damaged, recs = 0, append(recs, r)
			if len(recs) > 2*l.cfg.Recent {
				recs = append(recs[:0], recs[len(recs)-l.cfg.Recent:]...)
			}
		case errTorn, io.EOF:
			e.good, e.torn = in.pos, in.n
			return e, recs, nil
		default:
			return end{}, nil, err
		}
	}
}

// An anchorError says that the anchor cannot be read as one.
type anchorError struct{ why string }

func (e *anchorError) Error() string { return e.why }

func readAnchor(d disk) (anchor, error) {
	none := anchor{Hash: zeros}
	f, err := d.Open(anchorFile)
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return none, err
	}
	var a anchor
	if err := json.Unmarshal(b, &a); err != nil {
		return none, &anchorError{"it is no anchor: " + err.Error()}
	}
	if again, err := json.Marshal(a); err != nil || !bytes.Equal(append(again, '\n'), b) || len(a.Hash) != len(zeros) {
		return none, &anchorError{"it is no anchor: it has not the bytes that the box writes"}
	}
	return a, nil
}
