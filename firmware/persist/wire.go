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
//	value: flags (1)  ref (8)  timeout, ns (8)  last use, Unix ns (8)
const (
	recordKey   = 24
	recordValue = 25
)

// AppendKey appends the key by which boxes name the record.
func (r SourceRecord) AppendKey(b []byte) []byte {
	id := pack(r.Key)
	b = binary.BigEndian.AppendUint64(b, id.scope)
	b = binary.BigEndian.AppendUint64(b, id.hi)
	return binary.BigEndian.AppendUint64(b, id.lo)
}

// AppendValue appends the rest of the record, as of the time now.
func (r SourceRecord) AppendValue(b []byte, now int64) []byte {
	flags, used := byte(0), r.Closed
	if r.Open > 0 {
		flags, used = flagOpen, now
	}
	b = append(b, flags)
	b = binary.BigEndian.AppendUint64(b, r.Ref)
	b = binary.BigEndian.AppendUint64(b, uint64(min(r.Timeout, MaxTimeout)))
	return binary.BigEndian.AppendUint64(b, uint64(used))
}

// ParseRecord reads what AppendKey and AppendValue have written. Open is 0 or 1,
// and asOf the time for which it says so.
func ParseRecord(key, value []byte) (r SourceRecord, asOf int64, err error) {
	if len(key) != recordKey || len(value) != recordValue {
		return r, 0, fmt.Errorf("a record has %d and %d bytes, not %d and %d", recordKey, recordValue, len(key), len(value))
	}
	id := entryID{binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:]), binary.BigEndian.Uint64(key[16:])}
	timeout := binary.BigEndian.Uint64(value[9:])
	wall := int64(binary.BigEndian.Uint64(value[17:]))
	switch {
	case value[0] > flagOpen:
		return r, 0, fmt.Errorf("a record has the flags 0 or 1, not %d", value[0])
	case timeout == 0 || timeout > uint64(MaxTimeout):
		return r, 0, fmt.Errorf("a record lives 1ns to %v, not %d ns", MaxTimeout, timeout)
	case wall < 0 || wall > maxWall:
		return r, 0, fmt.Errorf("a record was used between 1970 and 2116, not at %d ns", wall)
	}
	r = SourceRecord{Key: id.key(), Ref: binary.BigEndian.Uint64(value[1:]), Timeout: time.Duration(timeout)}
	if value[0] == flagOpen {
		r.Open = 1
	} else {
		r.Closed = wall
	}
	return r, wall, nil
}
