// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"encoding/binary"
	"io"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// newTrack returns a track of n rows that nothing is known of. They lie in memory of
// their own, which goes back to the kernel when the track is gone: Go's collector would
// let the heap grow by as much again. Pages that nothing was written to take no memory.
// Whoever holds a row must hold its track too.
func newTrack(n int) *track {
	tr := &track{rows: make([]row, n)}
	mem, err := unix.Mmap(-1, 0, n*SeriesBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil { // the kernel gives no more mappings: the heap is as good
		mem = make([]byte, n*SeriesBytes)
	} else {
		runtime.AddCleanup(tr, func(mem []byte) { _ = unix.Munmap(mem) }, mem)
	}
	points := unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(mem))), n*rowPoints)
	for i := range tr.rows {
		tr.rows[i] = points[i*rowPoints : (i+1)*rowPoints : (i+1)*rowPoints]
	}
	return tr
}

// read sets r, of which nothing is known, to what in has, 4 bytes a point, little endian.
// buf has room for a row.
func (r row) read(in io.Reader, buf []byte) error {
	if _, err := io.ReadFull(in, buf[:SeriesBytes]); err != nil {
		return err
	}
	for p := range r {
		if v := binary.LittleEndian.Uint32(buf[4*p:]); v != 0 { // else its page need not be touched
			r[p] = v
		}
	}
	return nil
}
