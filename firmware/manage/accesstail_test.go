// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"testing"
	"testing/synctest"
	"time"

	"evener/firmware/accesslog"
)

// Under load a tail keeps what people can read, and tells the rest as a gap of
// the right size.
func TestTailKeepsWhatPeopleCanRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &tail{}
		see := func(n int) {
			for range n {
				f.see(accesslog.Seen{Record: &accesslog.Record{}}, true)
			}
		}
		see(1000)
		got := f.read(0, tailSize)
		if len(got.Entries) != tailBurst || got.Last != tailBurst {
			t.Fatalf("of 1000 at once %d are kept, up to %d, want %d", len(got.Entries), got.Last, tailBurst)
		}
		time.Sleep(2 * time.Second)
		see(1000)
		got = f.read(got.Last, tailSize)
		if len(got.Entries) != 2*tailRate || got.First != 1001 || got.Last != 1000+2*tailRate {
			t.Errorf("2s later %d are kept, from %d up to %d, want %d from 1001", len(got.Entries), got.First, got.Last, 2*tailRate)
		}
		time.Sleep(time.Minute)
		see(tailBurst)
		got = f.read(2000, tailSize)
		if len(got.Entries) != tailBurst || got.First != 2001 && got.First != 1 {
			t.Errorf("after a minute of quiet %d are kept, from %d, want %d", len(got.Entries), got.First, tailBurst)
		}
	})
}
