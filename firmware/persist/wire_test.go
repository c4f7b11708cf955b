// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"bytes"
	"net/netip"
	"testing"
	"time"
)

func FuzzParseRecord(f *testing.F) {
	for _, r := range []SourceRecord{
		{Key: feedKey(1), Ref: 9, Timeout: time.Hour, Closed: feedStart},
		{Key: SourceKey{Scope: 1, Addr: netip.MustParseAddr("2001:db8::1")}, Ref: 1, Timeout: MaxTimeout, Open: 3},
	} {
		f.Add(r.AppendKey(nil), r.AppendValue(nil, feedStart))
	}
	gone := SourceRecord{Key: feedKey(1), Timeout: time.Hour, Cleared: true, Stamp: Stamp{1, maxTick}}
	f.Add(gone.AppendKey(nil), gone.AppendValue(nil, feedStart))
	f.Add([]byte{}, []byte{1})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		r, err := ParseRecord(key, value, feedStart)
		if err != nil {
			return
		}
		if k, v := r.AppendKey(nil), r.AppendValue(nil, feedStart); !bytes.Equal(k, key) || !bytes.Equal(v, value) {
			t.Errorf("%x %x is read as %+v, which is written %x %x", key, value, r, k, v)
		}
		NewSources(SourcesConfig{Max: 64}).Merge(r, feedStart)
	})
}

func TestRecordsTravelWhole(t *testing.T) {
	stamp := Stamp{3, 1 << 40}
	for _, r := range []SourceRecord{
		{Key: feedKey(1), Ref: 9, Timeout: time.Hour, Closed: feedStart - 5, Stamp: stamp},
		{Key: feedKey(1), Ref: 9, Timeout: time.Hour, Open: 1, Stamp: stamp},
		{Key: feedKey(1), Timeout: time.Hour, Cleared: true, Stamp: stamp},
	} {
		// The clock of the other box is an hour ahead.
		got, err := ParseRecord(r.AppendKey(nil), r.AppendValue(nil, feedStart), feedStart+int64(time.Hour))
		if r.Closed != 0 {
			r.Closed += int64(time.Hour)
		}
		if err != nil || got != r {
			t.Errorf("a record comes as %+v (%v), want %+v", got, err, r)
		}
	}
}
