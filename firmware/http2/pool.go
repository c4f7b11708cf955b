// SPDX-License-Identifier: Apache-2.0

package http2

// A Pool holds the memory that connections need only while they are busy:
// streams, output and the head that is being decoded. An idle Conn holds none of
// it. One Pool serves all connections of an event loop, whatever their Profile.
type Pool struct {
	streams *Stream // linked by next
	nstream int
	small   [][]byte // output of smallOut bytes
	large   [][]byte // of up to largeOut
	blocks  []*block
}

// What a Pool keeps; what is beyond goes to the garbage collector.
const (
	keepStreams = 4096
	keepSmall   = 64
	keepLarge   = 16
	keepBlocks  = 8

	smallOut = 16 << 10
	largeOut = 256 << 10
)

// NewPool returns an empty Pool.
func NewPool() *Pool { return new(Pool) }

func (p *Pool) stream() *Stream {
	s := p.streams
	if s == nil {
		return new(Stream)
	}
	p.streams = s.next
	p.nstream--
	s.next = nil
	return s
}

func (p *Pool) freeStream(s *Stream) {
	*s = Stream{}
	if p.nstream < keepStreams {
		s.next = p.streams
		p.streams = s
		p.nstream++
	}
}

// out returns an empty buffer with room for at least n bytes.
func (p *Pool) out(n int) []byte {
	if n <= smallOut {
		if i := len(p.small) - 1; i >= 0 {
			b := p.small[i]
			p.small = p.small[:i]
			return b
		}
		return make([]byte, 0, smallOut)
	}
	for i := len(p.large) - 1; i >= 0; i-- {
		if b := p.large[i]; cap(b) >= n {
			p.large[i] = p.large[len(p.large)-1]
			p.large = p.large[:len(p.large)-1]
			return b
		}
	}
	size := 4 * smallOut
	for size < n {
		size *= 2
	}
	return make([]byte, 0, size)
}

func (p *Pool) freeOut(b []byte) {
	switch c := cap(b); {
	case c == smallOut && len(p.small) < keepSmall:
		p.small = append(p.small, b[:0])
	case c > smallOut && c <= largeOut && len(p.large) < keepLarge:
		p.large = append(p.large, b[:0])
	}
}

func (p *Pool) block() *block {
	if i := len(p.blocks) - 1; i >= 0 {
		b := p.blocks[i]
		p.blocks = p.blocks[:i]
		return b.roomy()
	}
	return new(block).roomy()
}

func (p *Pool) freeBlock(b *block) {
	if len(p.blocks) < keepBlocks && cap(b.head.Buf)+cap(b.carry) <= largeOut {
		b.clear()
		p.blocks = append(p.blocks, b)
	}
}
