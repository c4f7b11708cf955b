// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"encoding/binary"
	"fmt"
	"syscall"
	"testing"
	"time"
)

// cpu returns the time that this process has computed.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// million returns two boxes on loopback of which left holds a million records.
func million(b *testing.B) (left, right *box) {
	left, right = newBox(b, "left", nil), newBox(b, "right", nil)
	var key [8]byte
	for i := range 1000000 {
		binary.BigEndian.PutUint64(key[:], uint64(i))
		left.table.values[string(key[:])] = string(Stamp{Time: 1, Node: "left"}.Append(nil)) + "0123456789012345"
	}
	meet(b, left, right)
	return left, right
}

// BenchmarkSnapshot measures how fast a box that comes back is filled.
func BenchmarkSnapshot(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		left, right := million(b)
		began := cpu()
		b.StartTimer()
		start := time.Now()
		left.start(b)
		right.start(b)
		for left.peerOf("right").Acked < 1000000 {
			time.Sleep(5 * time.Millisecond)
		}
		took := time.Since(start)
		b.ReportMetric(1e6/took.Seconds(), "records/s")
		b.ReportMetric(float64(cpu()-began)/1e6, "cpu-ns/record")
		b.StopTimer()
		left.end()
		right.end()
		b.StartTimer()
	}
}

// BenchmarkDeltas offers changes at a rate for a while, as the packet path
// would, with a million records held; both boxes are in this process.
func BenchmarkDeltas(b *testing.B) {
	left, right := million(b)
	left.start(b)
	right.start(b)
	defer left.end()
	defer right.end()
	for left.peerOf("right").Acked < 1000000 {
		time.Sleep(5 * time.Millisecond)
	}
	for _, rate := range []int{10000, 100000, 200000} {
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			var key [8]byte
			value := append(Stamp{Time: 2, Node: "left"}.Append(nil), "0123456789012345"...)
			before, began, start := left.peerOf("right"), cpu(), time.Now()
			n := 0
			for b.Loop() {
				for range rate { // one second's worth
					n++
					binary.BigEndian.PutUint64(key[:], uint64(n*7919%1000000))
					binary.BigEndian.PutUint64(value, uint64(start.UnixNano()+int64(n)))
					left.table.log.Put(key[:], value)
					if n%100 == 0 {
						time.Sleep(time.Until(start.Add(time.Duration(n) * time.Second / time.Duration(rate))))
					}
				}
			}
			for left.peerOf("right").Queued > 0 {
				time.Sleep(time.Millisecond)
			}
			took := time.Since(start)
			after := left.peerOf("right")
			b.ReportMetric(float64(after.Acked-before.Acked)/took.Seconds(), "acked/s")
			b.ReportMetric(100*float64(cpu()-began)/float64(took), "cpu-%")
			b.ReportMetric(float64(after.LagP50)/1e6, "lag-p50-ms")
			b.ReportMetric(float64(after.LagP99)/1e6, "lag-p99-ms")
			b.ReportMetric(float64(after.Snapshots-before.Snapshots), "snapshots")
		})
	}
}
