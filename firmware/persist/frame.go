// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"encoding/binary"
	"hash/crc32"
)

// A journal is a row of frames of 64 bytes, little endian:
//
//	0  kind    8  scope   16  address (16 bytes)   32  ref
//	1  flags   40 timeout, ns   48 time, Unix ns   60 CRC-32C of 0 to 59
//	2  high 16 bits of the stamp's tick   4  its term   56 low 32 bits of its tick
//
// The stamp is 0 in journals that are older than stamps. No frame crosses a disk
// sector, and each stands for itself: a damaged one is left out and the next is read.
const frameSize = 64

// The kinds of frames.
const (
	frameHead  = 'H' // the first: its address is magic
	framePut   = 'P' // a record as of time: in use then if flagOpen, last used then if not
	frameGone  = 'G' // the record was cleared
	frameClean = 'C' // last of a file that was closed as it should be
)

// Flags of a record, in a journal and between boxes: at most one.
const (
	flagOpen    = 1
	flagCleared = 2
)

const magic = "evener sources 1"

// maxWall is the latest time that a frame may tell: the year 2116, so that adding
// to it never overflows.
const maxWall = int64(1) << 62

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type frame struct {
	kind    byte
	flags   byte
	id      entryID
	ref     uint64
	timeout int64
	wall    int64
	stamp   Stamp
}

// append appends the encoded frame.
func (f frame) append(b []byte) []byte {
	var r [frameSize]byte
	r[0] = f.kind
	r[1] = f.flags
	binary.LittleEndian.PutUint16(r[2:], uint16(f.stamp.Tick>>32))
	binary.LittleEndian.PutUint32(r[4:], f.stamp.Term)
	binary.LittleEndian.PutUint32(r[56:], uint32(f.stamp.Tick))
	binary.LittleEndian.PutUint64(r[8:], f.id.scope)
	binary.BigEndian.PutUint64(r[16:], f.id.hi)
	binary.BigEndian.PutUint64(r[24:], f.id.lo)
	binary.LittleEndian.PutUint64(r[32:], f.ref)
	binary.LittleEndian.PutUint64(r[40:], uint64(f.timeout))
	binary.LittleEndian.PutUint64(r[48:], uint64(f.wall))
	binary.LittleEndian.PutUint32(r[60:], crc32.Checksum(r[:60], castagnoli))
	return append(b, r[:]...)
}

// parseFrame decodes the first frameSize bytes of r, and reports whether they are
// whole and make sense.
func parseFrame(r []byte) (f frame, ok bool) {
	if binary.LittleEndian.Uint32(r[60:]) != crc32.Checksum(r[:60], castagnoli) {
		return frame{}, false
	}
	f = frame{
		kind:  r[0],
		flags: r[1],
		id: entryID{
			binary.LittleEndian.Uint64(r[8:]),
			binary.BigEndian.Uint64(r[16:]),
			binary.BigEndian.Uint64(r[24:]),
		},
		ref:     binary.LittleEndian.Uint64(r[32:]),
		timeout: int64(binary.LittleEndian.Uint64(r[40:])),
		wall:    int64(binary.LittleEndian.Uint64(r[48:])),
		stamp: Stamp{
			Term: binary.LittleEndian.Uint32(r[4:]),
			Tick: uint64(binary.LittleEndian.Uint16(r[2:]))<<32 | uint64(binary.LittleEndian.Uint32(r[56:])),
		},
	}
	switch f.kind {
	case frameHead, frameGone, frameClean:
		return f, true
	case framePut:
		return f, f.flags <= flagCleared && f.timeout > 0 && f.timeout <= int64(MaxTimeout) &&
			f.wall >= 0 && f.wall <= maxWall
	}
	return frame{}, false
}

// headFrame returns the first frame of a journal.
func headFrame() frame {
	return frame{kind: frameHead, id: entryID{
		hi: binary.BigEndian.Uint64([]byte(magic)),
		lo: binary.BigEndian.Uint64([]byte(magic[8:])),
	}}
}

// put returns e as a frame; at is the table's time at wall-clock time now.
func (e *entry) put(now, at int64) frame {
	f := frame{kind: framePut, flags: e.flags(), id: e.id, ref: e.ref, timeout: e.timeout, wall: now, stamp: e.stamp}
	if f.flags != flagOpen {
		f.wall = max(now-(at-e.closed), 0)
	}
	return f
}

func (e *entry) flags() byte {
	switch {
	case e.cleared:
		return flagCleared
	case e.open > 0:
		return flagOpen
	}
	return 0
}

// drain appends frames for what changed since the last drain. It holds the lock
// for a chunk at a time.
func (s *shard) drain(b []byte, now, at int64) []byte {
	s.mu.Lock()
	for _, id := range s.gone {
		b = frame{kind: frameGone, id: id, wall: now}.append(b)
		if e := s.get(id); e != nil { // it came again, and the journal may have it already
			s.note(e, at, forJournal)
		}
	}
	s.gone = nil
	todo := s.dirty
	s.dirty = nil
	s.mu.Unlock()

	for len(todo) > 0 {
		n := min(len(todo), chunk)
		s.mu.Lock()
		for _, at1 := range todo[:n] {
			e := s.entry(at1)
			e.dirty = false
			if e.used {
				e.toldOpen = e.open > 0
				b = e.put(now, at).append(b)
			}
		}
		s.mu.Unlock()
		todo = todo[n:]
	}
	return b
}
