// SPDX-License-Identifier: Apache-2.0

package reactor

// BufferSize is the size of every buffer that Buffers hands out. The largest
// message head that a codec accepts must fit into one.
const BufferSize = 16 << 10

// LargeSize is the size of the buffers for bulk: what many small calls would cost
// more than the memory.
const LargeSize = 64 << 10

// Buffers keeps the free buffers of one loop. A connection borrows one only
// while it holds bytes; the zero value is empty and ready. Each buffer that was
// got is put back once, also if it has been replaced by a larger one.
type Buffers struct {
	free  [][]byte
	large [][]byte
	lent  int
}

// What Buffers holds without use is bounded: 8 MiB of buffers and 1 MiB of large
// ones.
const (
	maxFreeBuffers = 512
	maxFreeLarge   = 16
)

// Get returns a buffer of length BufferSize with arbitrary content.
func (b *Buffers) Get() []byte {
	b.lent++
	if n := len(b.free); n > 0 {
		p := b.free[n-1]
		b.free = b.free[:n-1]
		return p
	}
	return make([]byte, BufferSize)
}

// GetLarge returns a buffer of length LargeSize with arbitrary content.
func (b *Buffers) GetLarge() []byte {
	b.lent++
	if n := len(b.large); n > 0 {
		p := b.large[n-1]
		b.large = b.large[:n-1]
		return p
	}
	return make([]byte, LargeSize)
}

// GetSize returns a buffer of at least n bytes.
func (b *Buffers) GetSize(n int) []byte {
	if n <= BufferSize {
		return b.Get()
	}
	b.lent++
	return make([]byte, n)
}

// Grow returns a buffer with the content of p, twice as long, in its place.
func (b *Buffers) Grow(p []byte) []byte {
	q := b.GetSize(2 * len(p))
	copy(q, p)
	b.Put(p)
	return q
}

// Lent returns how many buffers were got and not put back.
func (b *Buffers) Lent() int { return b.lent }

// Put takes a buffer back; nil is none. Buffers of another capacity are left to
// the garbage collector.
func (b *Buffers) Put(p []byte) {
	if p == nil {
		return
	}
	b.lent--
	switch {
	case cap(p) == BufferSize && len(b.free) < maxFreeBuffers:
		b.free = append(b.free, p[:BufferSize])
	case cap(p) == LargeSize && len(b.large) < maxFreeLarge:
		b.large = append(b.large, p[:LargeSize])
	}
}
