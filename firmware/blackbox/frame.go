// SPDX-License-Identifier: Apache-2.0

package blackbox

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"time"
)

// A slot of the file holds one frame:
//
//	0        4     6      8        16       24      28
//	"EVBB"  length kind   number   time     CRC-32C  JSON ...
//
// Numbers are little endian; the time is Unix nanoseconds; the checksum is of all
// that is before it and of the JSON.
const (
	slotSize   = 2048
	headSize   = 28
	maxPayload = slotSize - headSize
	magic      = "EVBB"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Kind says what a Frame tells of.
type Kind uint16

// The kinds.
const (
	KindStart Kind = iota + 1
	KindSecond
	KindEvent
	KindStop
)

// A Frame is one entry of a recording: one of its pointers is set.
type Frame struct {
	Seq    uint64    `json:"seq"`
	Time   time.Time `json:"time"`
	Start  *Start    `json:"start,omitempty"`
	Second *Second   `json:"second,omitempty"`
	Event  *Event    `json:"event,omitempty"`
	Stop   *Stop     `json:"stop,omitempty"`
}

// A Start begins a recording.
type Start struct {
	Version  string `json:"version"`
	PID      int    `json:"pid"`
	Revision uint64 `json:"revision" doc:"of the configuration"`
}

// A Stop ends a recording in order.
type Stop struct {
	Why string `json:"why"`
}

// An Event is something that happened.
type Event struct {
	Kind     string `json:"kind"`
	Severity string `json:"severity"`
	Object   string `json:"object"`
	Text     string `json:"text"`
}

// A Second is what the box did in one second.
type Second struct {
	Requests    float64   `json:"requests" doc:"in the second"`
	Errors      float64   `json:"errors" doc:"in the second"`
	Connections float64   `json:"connections" doc:"open"`
	Busy        float64   `json:"busy" doc:"share of their time that the event loops worked, 0 to 1"`
	Heap        uint64    `json:"heap" doc:"bytes"`
	Goroutines  int       `json:"goroutines"`
	Clusters    []Cluster `json:"clusters,omitempty" doc:"the busiest; those that did nothing are left out"`
}

// A Cluster is what one did in a second.
type Cluster struct {
	Name        string  `json:"name"`
	Requests    float64 `json:"requests"`
	Errors      float64 `json:"errors,omitempty"`
	Connections float64 `json:"connections"`
}

// encode writes a frame into a slot. What is too long is cut where it is a text, or
// left out where it is a list.
func encode(slot []byte, f Frame) error {
	kind, body, err := f.body()
	if err != nil {
		return err
	}
	clear(slot)
	copy(slot, magic)
	binary.LittleEndian.PutUint16(slot[4:], uint16(len(body)))
	binary.LittleEndian.PutUint16(slot[6:], uint16(kind))
	binary.LittleEndian.PutUint64(slot[8:], f.Seq)
	binary.LittleEndian.PutUint64(slot[16:], uint64(f.Time.UnixNano()))
	copy(slot[headSize:], body)
	binary.LittleEndian.PutUint32(slot[24:], sum(slot, len(body)))
	return nil
}

func sum(slot []byte, n int) uint32 {
	return crc32.Update(crc32.Checksum(slot[:24], castagnoli), castagnoli, slot[headSize:headSize+n])
}

func (f Frame) body() (Kind, []byte, error) {
	var kind Kind
	var v any
	switch {
	case f.Start != nil:
		s := *f.Start
		s.Version = cut(s.Version)
		kind, v = KindStart, s
	case f.Second != nil:
		return f.Second.body()
	case f.Event != nil:
		kind, v = KindEvent, Event{cut(f.Event.Kind), cut(f.Event.Severity), cut(f.Event.Object), cut(f.Event.Text)}
	default:
		kind, v = KindStop, Stop{cut(f.Stop.Why)}
	}
	b, err := json.Marshal(v)
	return kind, b, err
}

// maxText bounds a text: four of them fit into a slot, though JSON makes six bytes
// of some.
const maxText = 300

func cut(s string) string {
	const room = maxPayload/4 - 40
	if b, err := json.Marshal(s); err == nil && len(b) <= room {
		return s
	}
	s = s[:min(len(s), maxText)]
	for {
		if b, err := json.Marshal(s); err == nil && len(b) <= room || s == "" {
			return s
		}
		s = s[:len(s)*3/4]
	}
}

// body leaves out clusters from the end of the list until there is room.
func (s Second) body() (Kind, []byte, error) {
	for {
		b, err := json.Marshal(s)
		if err != nil || len(b) <= maxPayload {
			return KindSecond, b, err
		}
		s.Clusters = s.Clusters[:len(s.Clusters)*3/4]
	}
}

// decode reads a slot; ok is false if it holds no whole frame.
func decode(slot []byte) (f Frame, ok bool) {
	if len(slot) < slotSize || string(slot[:4]) != magic {
		return f, false
	}
	n := int(binary.LittleEndian.Uint16(slot[4:]))
	if n > maxPayload || binary.LittleEndian.Uint32(slot[24:]) != sum(slot, n) {
		return f, false
	}
	f.Seq = binary.LittleEndian.Uint64(slot[8:])
	f.Time = time.Unix(0, int64(binary.LittleEndian.Uint64(slot[16:]))).UTC()
	var v any
	switch Kind(binary.LittleEndian.Uint16(slot[6:])) {
	case KindStart:
		f.Start = new(Start)
		v = f.Start
	case KindSecond:
		f.Second = new(Second)
		v = f.Second
	case KindEvent:
		f.Event = new(Event)
		v = f.Event
	case KindStop:
		f.Stop = new(Stop)
		v = f.Stop
	default:
		return f, false // of a later version
	}
	return f, json.Unmarshal(slot[headSize:headSize+n], v) == nil
}
