// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"encoding/binary"
	"fmt"
	"time"
)

// A record travels between boxes as a key and a value, big endian:
//
//	key:   scope (8)  address (16, IPv4 as ::ffff:0:0/96)
//	value: flags (1)  ref (8)  timeout, ns (8)  idle, ns (8)  term (4)  tick (8)
//
// Idle is for how long the client was connected nowhere when the value was made: the
// clocks of boxes may differ. A value that waited for a peer makes the record live
// longer there by as much.
const (
	recordKey   = 24
	recordValue = 37
)

// AppendKey appends the key by which boxes name the record.
func (r SourceRecord) AppendKey(b []byte) []byte {
	id := pack(r.Key)
	b = binary.BigEndian.AppendUint64(b, id.scope)
	b = binary.BigEndian.AppendUint64(b, id.hi)
	return binary.BigEndian.AppendUint64(b, id.lo)
}

// AppendValue appends the rest of the record, as of the wall-clock time now.
func (r SourceRecord) AppendValue(b []byte, now int64) []byte {
	flags, idle := byte(0), max(now-r.Closed, 0)
	switch {
	case r.Cleared:
		flags, idle = flagCleared, 0
	case r.Open > 0:
		flags, idle = flagOpen, 0
	}
	b = append(b, flags)
	b = binary.BigEndian.AppendUint64(b, r.Ref)
	b = binary.BigEndian.AppendUint64(b, uint64(min(r.Timeout, MaxTimeout)))
	b = binary.BigEndian.AppendUint64(b, uint64(min(idle, int64(MaxTimeout))))
	b = binary.BigEndian.AppendUint32(b, r.Stamp.Term)
	return binary.BigEndian.AppendUint64(b, r.Stamp.Tick)
}

// ParseRecord reads what AppendKey and AppendValue have written, with times of the
// wall clock here, which shows now. Open is 0 or 1.
func ParseRecord(key, value []byte, now int64) (r SourceRecord, err error) {
	if len(key) != recordKey || len(value) != recordValue {
		return r, fmt.Errorf("a record has %d and %d bytes, not %d and %d", recordKey, recordValue, len(key), len(value))
	}
	id := entryID{binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:]), binary.BigEndian.Uint64(key[16:])}
	timeout, idle := binary.BigEndian.Uint64(value[9:]), binary.BigEndian.Uint64(value[17:])
	stamp := Stamp{binary.BigEndian.Uint32(value[25:]), binary.BigEndian.Uint64(value[29:])}
	flags := value[0]
	switch {
	case flags > flagCleared:
		return r, fmt.Errorf("a record has the flags 0, 1 or 2, not %d", flags)
	case timeout == 0 || timeout > uint64(MaxTimeout):
		return r, fmt.Errorf("a record lives 1ns to %v, not %d ns", MaxTimeout, timeout)
	case idle > uint64(MaxTimeout) || flags != 0 && idle != 0:
		return r, fmt.Errorf("a record is idle for 0s to %v, and only one that is neither open nor cleared, not for %d ns", MaxTimeout, idle)
	case stamp.Tick > maxTick:
		return r, fmt.Errorf("the tick of a record has 48 bits, not the value %#x", stamp.Tick)
	}
	r = SourceRecord{Key: id.key(), Ref: binary.BigEndian.Uint64(value[1:]), Timeout: time.Duration(timeout), Stamp: stamp}
	switch flags {
	case flagOpen:
		r.Open = 1
	case flagCleared:
		r.Cleared = true
	default:
		r.Closed = now - int64(idle)
	}
	return r, nil
}
