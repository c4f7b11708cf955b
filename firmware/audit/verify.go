// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// A Report is what Verify has found.
type Report struct {
	First   uint64  `json:"first"`   // number of the first record that is kept
	Last    uint64  `json:"last"`    // of the last one that was checked
	Hash    string  `json:"hash"`    // of the last one: note it elsewhere to know the log again
	Records uint64  `json:"records"` // that are good
	Files   int     `json:"files"`
	Broken  *Broken `json:"broken,omitempty"` // the first place at which the chain is broken
	Breaks  int     `json:"breaks"`           // how many there are
}

// A Broken is a place at which the chain is broken.
type Broken struct {
	File string `json:"file"`
	Line int    `json:"line"` // from 1; 0: the file as such
	Why  string `json:"why"`
}

func (b *Broken) Error() string { return fmt.Sprintf("%s:%d: %s", b.File, b.Line, b.Why) }

// A verifier follows the chain.
type verifier struct {
	rep  Report
	at   anchor // the last good record
	lost bool   // since a break, until a good record: its link cannot be checked
}

func (v *verifier) broken(file string, line int, format string, args ...any) {
	v.rep.Breaks++
	v.lost = true
	if v.rep.Broken == nil {
		v.rep.Broken = &Broken{file, line, fmt.Sprintf(format, args...)}
	}
}

// Verify reads all that is kept and checks each record, each link, and that the
// end is the one that this log has written last. The error is that of reading; a
// broken chain is in the report.
func (l *Log) Verify(ctx context.Context) (Report, error) {
	s, err := l.snapshot()
	if err != nil {
		return Report{}, err
	}
	defer s.close()
	v := &verifier{at: s.anchor}
	var bad *anchorError
	switch {
	case errors.As(s.keptErr, &bad):
		v.broken(anchorFile, 1, "%s", bad.why)
	case s.keptErr != nil:
		return Report{}, fmt.Errorf("verify audit log: %w", s.keptErr)
	case s.kept != s.anchor:
		v.broken(anchorFile, 1, "it names record %d with hash %s; the box has written record %d with hash %s",
			s.kept.Seq, s.kept.Hash, s.anchor.Seq, s.anchor.Hash)
	}
	v.rep.First, v.rep.Files = s.files[0].first, len(s.files)
	for _, f := range s.files {
		if err := v.file(ctx, f); err != nil {
			return Report{}, fmt.Errorf("verify audit log: %s: %w", f.name, err)
		}
	}
	if last := s.files[len(s.files)-1]; v.at != s.head && v.rep.Broken == nil {
		v.broken(last.name, 0, "the log ends with record %d; the box has written up to record %d", v.at.Seq, s.head.Seq)
	}
	v.rep.Last, v.rep.Hash = v.at.Seq, v.at.Hash
	return v.rep, nil
}

// file checks one file.
func (v *verifier) file(ctx context.Context, f opened) error {
	in := newLines(io.LimitReader(f.r, f.size))
	for n := 1; ; n++ {
		if n%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		line, err := in.next()
		switch err {
		case nil:
			v.line(f.name, n, line)
		case io.EOF:
			if in.pos < f.size {
				v.broken(f.name, n, "the file ends after %d bytes; the box has written %d", in.pos, f.size)
			}
			return nil
		case errTorn:
			v.broken(f.name, n, "%s", err)
			return nil
		case errLong:
			v.broken(f.name, n, "%s", err)
		default:
			return err
		}
	}
}

func (v *verifier) line(file string, n int, line []byte) {
	r, err := parseLine(line)
	switch {
	case err != nil:
		v.broken(file, n, "%s", err)
		return
	case v.lost: // the break before it was told
	case r.Seq != v.at.Seq+1:
		v.broken(file, n, "record %d follows record %d", r.Seq, v.at.Seq)
	case r.Prev != v.at.Hash:
		v.broken(file, n, "record %d says that the record before it has hash %s, but it has %s", r.Seq, r.Prev, v.at.Hash)
	}
	v.lost = false
	v.at = anchor{r.Seq, r.Hash}
	v.rep.Records++
}
