// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestJournalOfSomethingElseIsReportedAndReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, journalName), bytes.Repeat([]byte("x"), 200), 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSources(SourcesConfig{})
	if _, err := j.Load(s, t0); !errors.Is(err, errNotJournal) {
		t.Errorf("Load = %v, want %v", err, errNotJournal)
	}
	s.Begin(key(1), 1, time.Hour, t0)
	if err := errors.Join(j.Flush(t0), j.Close(t0)); err != nil {
		t.Fatal(err)
	}
	if j, err = OpenJournal(dir); err != nil {
		t.Fatal(err)
	}
	defer j.Close(t0)
	if r, err := j.Load(NewSources(SourcesConfig{}), t0); err != nil || r.Records != 1 {
		t.Errorf("Load = %+v, %v, want 1 record", r, err)
	}
}

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

func FuzzJournalReplay(f *testing.F) {
	good := headFrame().append(nil)
	good = frame{kind: framePut, id: pack(key(1)), ref: 1, timeout: second, wall: t0}.append(good)
	good = frame{kind: frameGone, id: pack(key(1))}.append(good)
	good = frame{kind: framePut, flags: flagOpen, id: pack(key(2)), ref: 2, timeout: int64(MaxTimeout), wall: 1 << 62}.append(good)
	f.Add(good, true)
	f.Add(good[:100], false)
	f.Fuzz(func(t *testing.T, data []byte, sum bool) {
		data = bytes.Clone(data)
		if sum { // let the fuzzer past the checksums
			for i := 0; i+frameSize <= len(data); i += frameSize {
				b := data[i : i+frameSize]
				binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
			}
		}
		s := NewSources(SourcesConfig{Max: 64})
		r, err := replayFrom(section(data), s, t0)
		if err == nil && r.Frames*frameSize+r.Torn != len(data) {
			t.Errorf("%d frames and %d bytes of %d", r.Frames, r.Torn, len(data))
		}
		s.List(t0, func(rec SourceRecord) bool {
			if rec.Timeout <= 0 || rec.Timeout > MaxTimeout || rec.Closed > t0 {
				t.Errorf("loaded %+v", rec)
			}
			return true
		})
	})
}
