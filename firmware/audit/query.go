// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// A Filter says which records are wanted; an empty field wants all.
type Filter struct {
	From, To time.Time // To is not included
	User     string
	Method   string // exactly, or a pattern such as server.*
	Object   string // exactly, what is below it, or a pattern such as pool/*/member/web2
	Outcome  string // ok, error (all but ok), or a kind
	Text     string // found anywhere, in any case of letters
}

// Match reports whether r is wanted.
func (f Filter) Match(r Record) bool {
	switch {
	case !f.From.IsZero() && r.Time.Before(f.From), !f.To.IsZero() && !r.Time.Before(f.To),
		f.User != "" && r.User != f.User,
		f.Method != "" && !like(f.Method, r.Method),
		f.Object != "" && !like(f.Object, r.Object) && !strings.HasPrefix(r.Object, f.Object+"/"),
		f.Outcome == "error" && r.Outcome == OK,
		f.Outcome != "" && f.Outcome != "error" && r.Outcome != f.Outcome:
		return false
	}
	return f.Text == "" || r.has(strings.ToLower(f.Text))
}

// like compares with a pattern of path.Match; a pattern that is none is text.
func like(pattern, s string) bool {
	ok, err := path.Match(pattern, s)
	return ok && err == nil || pattern == s
}

func (r Record) has(lower string) bool {
	for _, s := range []string{r.What, r.Object, r.Method, r.User, r.Before, r.After, r.Message, r.Note, r.Remote, r.Origin, r.Outcome, r.Session} {
		if strings.Contains(strings.ToLower(s), lower) {
			return true
		}
	}
	return false
}

// An opened file is read up to size, also when it was removed meanwhile.
type opened struct {
	segment
	r io.ReadCloser
}

// A snapshot is the files as they were at one moment.
type snapshot struct {
	files        []opened // never empty
	anchor, head anchor
	kept         anchor // as the disk has the anchor
	keptErr      error
}

// snapshot opens all files. One that is missing is left out: Verify finds the gap.
func (l *Log) snapshot() (s snapshot, err error) {
	l.keep.Lock()
	defer l.keep.Unlock()
	l.mu.Lock()
	files := slices.Clone(l.files)
	s.anchor, s.head = l.anchor, l.head
	l.mu.Unlock()
	s.kept, s.keptErr = readAnchor(l.disk)
	for _, f := range files {
		r, err := l.disk.Open(f.name)
		if errors.Is(err, fs.ErrNotExist) {
			r, err = io.NopCloser(strings.NewReader("")), nil
		}
		if err != nil {
			s.close()
			return snapshot{}, fmt.Errorf("read audit log: %w", err)
		}
		s.files = append(s.files, opened{f, r})
	}
	return s, nil
}

func (s snapshot) close() {
	for _, f := range s.files {
		f.r.Close()
	}
}

// Query returns the newest records that f wants, the newest first: at most limit
// of them, and only those with a number below before (0: any). Damaged lines are
// left out; Verify tells of them.
func (l *Log) Query(ctx context.Context, f Filter, limit int, before uint64) ([]Record, error) {
	snap, err := l.snapshot()
	if err != nil {
		return nil, err
	}
	defer snap.close()
	out := []Record{}
	for _, file := range slices.Backward(snap.files) {
		if before > 0 && file.first >= before {
			continue
		}
		var found []Record // of this file, the oldest first
		err := scan(ctx, file, func(r Record) error {
			if (before == 0 || r.Seq < before) && f.Match(r) {
				found = append(found, r)
				if len(found) >= 2*limit {
					found = append(found[:0], found[len(found)-limit:]...)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for _, r := range slices.Backward(found) {
			if len(out) == limit {
				return out, nil
			}
			out = append(out, r)
		}
		if len(out) == limit {
			break
		}
	}
	return out, nil
}

// scan calls f with the good records of a file.
func scan(ctx context.Context, file opened, f func(Record) error) error {
	in := newLines(io.LimitReader(file.r, file.size))
	for n := 0; ; n++ {
		if n%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		line, err := in.next()
		switch err {
		case nil:
			if r, bad := parseLine(line); bad == nil {
				if err := f(r); err != nil {
					return err
				}
			}
		case errLong:
		case io.EOF, errTorn:
			return nil
		default:
			return fmt.Errorf("read audit log: %s: %w", file.name, err)
		}
	}
}

// Each calls each with the records that f wants and whose number is over since, the
// oldest first, until each fails.
func (l *Log) Each(ctx context.Context, f Filter, since uint64, each func(Record) error) error {
	snap, err := l.snapshot()
	if err != nil {
		return err
	}
	defer snap.close()
	for i, file := range snap.files {
		if i+1 < len(snap.files) && snap.files[i+1].first <= since+1 {
			continue // all of it is older
		}
		err := scan(ctx, file, func(r Record) error {
			if r.Seq <= since || !f.Match(r) {
				return nil
			}
			return each(r)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Export writes the records that f wants to w as they are in the log, one JSON
// object a line, the oldest first, and returns how many.
func (l *Log) Export(ctx context.Context, w io.Writer, f Filter) (n int, err error) {
	out := bufio.NewWriter(w)
	err = l.Each(ctx, f, 0, func(r Record) error {
		line, err := r.MarshalJSON()
		if err == nil {
			n++
			_, err = out.Write(append(line, '\n'))
		}
		return err
	})
	if err != nil {
		return n, err
	}
	return n, out.Flush()
}
