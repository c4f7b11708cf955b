// SPDX-License-Identifier: Apache-2.0

package reactor

// BufferSize is the size of every buffer that Buffers hands out. The largest
// message head that a codec accepts must fit into one.
const BufferSize = 16 << 10

// Buffers keeps the free buffers of one loop. A connection borrows one only
// while it holds bytes; the zero value is empty and ready.
type Buffers struct{ free [][]byte }

// maxFreeBuffers bounds what Buffers holds without use, 8 MiB.
const maxFreeBuffers = 512

// Get returns a buffer of length BufferSize with arbitrary content.
func (b *Buffers) Get() []byte {
	if n := len(b.free); n > 0 {
		p := b.free[n-1]
		b.free = b.free[:n-1]
		return p
	}
	return make([]byte, BufferSize)
}

// Put takes a buffer back. Buffers of another capacity are left to the garbage
// collector.
func (b *Buffers) Put(p []byte) {
	if cap(p) == BufferSize && len(b.free) < maxFreeBuffers {
		b.free = append(b.free, p[:BufferSize])
	}
}
