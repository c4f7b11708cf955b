// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestRowsGoBackToTheKernel checks that rows are no part of the heap, and that their
// mapping ends with their track.
func TestRowsGoBackToTheKernel(t *testing.T) {
	data := func() int { // bytes that are mapped to be written to
		text, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "VmData:")
		n, err := strconv.Atoi(strings.Fields(rest)[0])
		if err != nil {
			t.Fatal(err)
		}
		return n << 10
	}
	const all = 496 * SeriesBytes
	before := data()
	tracks := make([]*track, 100)
	for i := range tracks {
		tracks[i] = newTrack(1 + i%9)
		for n, r := range tracks[i].rows {
			r.set(rowPoints-1, float64(n))
			if got := r.get(rowPoints - 1); got != float32(n) || len(r) != rowPoints || cap(r) != rowPoints {
				t.Fatalf("row %d has %v in %d points", n, got, len(r))
			}
		}
	}
	var m runtime.MemStats
	if runtime.ReadMemStats(&m); m.HeapAlloc > all/2 {
		t.Errorf("the heap has %d bytes, with rows of %d", m.HeapAlloc, all)
	}
	if now := data(); now < before+all*3/4 {
		t.Fatalf("there were %d bytes, and are %d with rows of %d", before, now, all)
	}
	runtime.KeepAlive(tracks)
	tracks = nil
	for end := time.Now().Add(time.Minute); data() > before+all/2; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("there were %d bytes, and are %d after the rows are gone", before, data())
		}
		runtime.GC()
	}
}
