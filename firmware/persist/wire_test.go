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
	f.Add([]byte{}, []byte{1})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		r, asOf, err := ParseRecord(key, value)
		if err != nil {
			return
		}
		if k, v := r.AppendKey(nil), r.AppendValue(nil, asOf); !bytes.Equal(k, key) || !bytes.Equal(v, value) {
			t.Errorf("%x %x is read as %+v, which is written %x %x", key, value, r, k, v)
		}
		NewSources(SourcesConfig{Max: 64}).Merge(r, asOf, feedStart)
	})
}

func TestRecordsTravelWhole(t *testing.T) {
	r := SourceRecord{Key: feedKey(1), Ref: 9, Timeout: time.Hour, Closed: feedStart}
	got, asOf, err := ParseRecord(r.AppendKey(nil), r.AppendValue(nil, feedStart+1))
	if err != nil || got != r || asOf != feedStart {
		t.Errorf("a closed record comes as %+v of %d (%v), want %+v", got, asOf, err, r)
	}
	r.Open, r.Closed = 2, 0
	got, asOf, err = ParseRecord(r.AppendKey(nil), r.AppendValue(nil, feedStart+1))
	if r.Open = 1; err != nil || got != r || asOf != feedStart+1 {
		t.Errorf("an open record comes as %+v of %d (%v), want %+v", got, asOf, err, r)
	}
}
