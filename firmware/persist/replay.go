// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"bufio"
	"errors"
	"io"
	"time"
)

// errNotJournal means that a file begins with something else.
var errNotJournal = errors.New(journalName + " is not a journal of this version: it is written anew")

// replay reads the file's frames into t.
func (j *Journal) replay(t *Sources, now int64) (LoadReport, error) {
	size, err := j.file.Size()
	if err != nil {
		return LoadReport{}, err
	}
	return replayFrom(io.NewSectionReader(j.file, 0, size), t, now)
}

// replayFrom applies a row of frames to t, in order. What is damaged is left out
// and counted; only a wrong beginning and a failing disk are errors.
func replayFrom(src *io.SectionReader, t *Sources, now int64) (LoadReport, error) {
	var r LoadReport
	in := bufio.NewReaderSize(src, 64<<10)
	clean, err := endsClean(src)
	if err != nil {
		return r, err
	}
	r.Clean = clean
	var b [frameSize]byte
	for {
		n, err := io.ReadFull(in, b[:])
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			r.Torn = n
			break
		}
		if err != nil {
			return r, err
		}
		f, ok := parseFrame(b[:])
		if r.Frames == 0 && (!ok || f != headFrame()) {
			return r, errNotJournal
		}
		r.Frames++
		if !ok {
			r.Damaged++
			continue
		}
		t.restore(f, r.Clean, now)
	}
	return r, nil
}

// endsClean reports whether the last frame says that the journal was closed.
func endsClean(src *io.SectionReader) (bool, error) {
	if src.Size() < frameSize || src.Size()%frameSize != 0 {
		return false, nil
	}
	var b [frameSize]byte
	if _, err := src.ReadAt(b[:], src.Size()-frameSize); err != nil {
		return false, err
	}
	f, ok := parseFrame(b[:])
	return ok && f.kind == frameClean, nil
}

// restore applies one frame. clean says that the frame tells the last of its
// record; else the record may have been used a little later.
func (t *Sources) restore(f frame, clean bool, now int64) {
	if f.kind != framePut && f.kind != frameGone {
		return
	}
	s := t.shard(f.id)
	s.mu.Lock()
	if e := s.get(f.id); e != nil && e.open == 0 {
		s.remove(e)
	}
	s.mu.Unlock()
	if f.kind == frameGone {
		return
	}
	if f.stamp == (Stamp{}) {
		f.stamp = stampAt(f.wall)
	}
	if !clean {
		f.wall += slack(f.timeout)
	}
	rec := SourceRecord{Key: f.id.key(), Ref: f.ref, Timeout: time.Duration(f.timeout), Closed: f.wall,
		Stamp: f.stamp, Cleared: f.flags == flagCleared}
	if f.flags == flagOpen {
		rec.Open = 1
	}
	t.Put(rec, now)
}
