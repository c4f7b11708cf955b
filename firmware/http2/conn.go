// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"golang.org/x/net/http2/hpack"

	"evener/firmware/message"
)

// A Conn is one end of a connection.
type Conn struct {
	p       *Profile
	pool    *Pool
	server  bool
	greeted bool // the peer's preface came: the bytes, and its first SETTINGS
	acked   bool // the peer has acknowledged our SETTINGS
	err     *ConnError

	// Reading.
	frame  frame
	read   uint8          // bytes of the preface that came
	expct  uint32         // the stream that CONTINUATION is due on, 0 if it is not
	block  *block         // the head that is being decoded, or was in the last event
	dec    *hpack.Decoder // made for the first head
	shrink bool           // the next head must make the dynamic table smaller (RFC 7541 section 4.2)

	// Streams.
	streams []*Stream // those that are not released, by number
	opened  int       // those of a client that have no number yet
	lastID  uint32    // the highest of the side that begins streams
	closed  history

	// Windows.
	recvWindow int32 // what the peer may still send on the connection
	owed       int32 // what of it is to be given back
	ownWindow  int32 // of a new stream, for the peer
	sendWindow int32 // what we may still send on the connection
	peerWindow int32 // of a new stream, for us

	// What the peer has announced.
	peerStreams uint32
	peerFrame   int32
	peerHead    uint32 // bytes of a decoded head
	peerConnect bool
	lessTable   bool // in the SETTINGS at hand: less than what we could use
	peerTable   bool // acknowledged: the next head must say that we use none

	// Writing.
	out        []byte
	sent       int // bytes of out that are sent
	head       composition
	first      *Stream // queue of the streams that wait to write
	last       *Stream
	drain      drain
	accepts    uint32 // streams above are ignored: we said so in GOAWAY
	lost       uint32 // streams above were not processed: the peer said so in GOAWAY
	announcing bool   // Reset events are due for the streams above lost

	spent budget
}

// A frame is what is left of the one at hand.
type frame struct {
	typ, flags uint8
	pad        uint8
	id         uint32
	rest       int32   // bytes to come before the padding
	stream     *Stream // of DATA; nil if it goes nowhere
}

// A drain is how far [Conn.Drain] has come.
type drain uint8

const (
	undrained drain = iota
	announced       // GOAWAY with every stream allowed, and a PING behind it
	drained         // GOAWAY with the last stream
)

// NewServer returns the server's end of a connection. Its SETTINGS are in Out.
func NewServer(p *Profile, pool *Pool) *Conn {
	c := newConn(p, pool)
	c.server = true
	return c.greet()
}

// NewClient returns the client's end of a connection. Its preface and SETTINGS
// are in Out; streams may be opened at once.
func NewClient(p *Profile, pool *Pool) *Conn {
	c := newConn(p, pool)
	c.out = append(c.grow(len(preface)), preface...)
	return c.greet()
}

func newConn(p *Profile, pool *Pool) *Conn {
	return &Conn{
		p:           p,
		pool:        pool,
		recvWindow:  firstWindow,
		ownWindow:   firstWindow,
		sendWindow:  firstWindow,
		peerWindow:  firstWindow,
		peerStreams: 1<<32 - 1,
		peerFrame:   minFrame,
		peerHead:    1<<32 - 1,
		accepts:     maxID,
		lost:        maxID,
	}
}

// greet appends our SETTINGS and grants the window of the connection.
func (c *Conn) greet() *Conn {
	var b [8 * 6]byte
	s := b[:0]
	cfg := &c.p.c
	if c.server {
		s = appendSetting(s, settingMaxStreams, cfg.MaxStreams)
		s = appendSetting(s, settingNoPriorities, 1)
		if cfg.ExtendedConnect {
			s = appendSetting(s, settingConnect, 1)
		}
	} else {
		s = appendSetting(s, settingPush, 0)
	}
	if cfg.HeaderTable != firstTable {
		s = appendSetting(s, settingTable, cfg.HeaderTable)
	}
	if cfg.StreamWindow != firstWindow {
		s = appendSetting(s, settingWindow, cfg.StreamWindow)
	}
	if cfg.MaxFrame != minFrame {
		s = appendSetting(s, settingMaxFrame, cfg.MaxFrame)
	}
	s = appendSetting(s, settingMaxHead, cfg.MaxHead)
	out := c.grow(2*frameHead + len(s) + 4)
	out = appendFrame(out, len(s), typeSettings, 0, 0)
	c.out = append(out, s...)
	if more := cfg.ConnWindow - firstWindow; more > 0 {
		c.grant(0, more)
		c.recvWindow += int32(more)
	}
	return c
}

// A Kind says what an [Event] is about.
type Kind uint8

const (
	None     Kind = iota
	Request       // Stream, Head, End: a request begins
	Refused       // Reason, Head, and Status: see [Event]
	Response      // Stream, Head, End: the final answer begins
	Interim       // Stream, Head: an answer with 1xx, never 101
	Data          // Stream, Data, End
	Trailers      // Stream, Head: the fields behind the body; End is true
	Reset         // Stream, Code, Reason, ByPeer, Unprocessed
	GoAway        // LastID, Code: the peer takes no new streams
	Settings      // what the peer allows has changed, or is known now
)

// An Event is what [Conn.Next] has found.
//
// Refused is a request that must not be forwarded. If Status is not 0, Stream is
// open and wants an answer with that status, what else comes on it is dropped,
// and it is to be released like any other. If Status is 0 there is no Stream:
// it was reset. Head holds what was read before the fault, for a log.
//
// Reset is the end of a stream, which is to be released: by the peer (ByPeer),
// or by us for Reason. Unprocessed says that the peer has done nothing with the
// request, so that it may be sent again.
type Event struct {
	Kind        Kind
	End         bool // nothing more comes on the stream
	ByPeer      bool
	Unprocessed bool
	Reason      Reason
	Status      int
	Code        ErrCode
	LastID      uint32
	Stream      *Stream
	Head        *message.Head // valid until the next call of Next; see TakeHead
	Data        []byte        // a part of the bytes given to Next
}

// TakeHead gives the head with all its memory to h, in exchange for the memory
// of h, its Buf and Fields, which a later head is decoded into. Nothing is
// copied or allocated if h has memory to give.
func (ev *Event) TakeHead(h *message.Head) {
	buf := h.Buf[:0]
	*h, *ev.Head = *ev.Head, *h
	ev.Head.Reset()
	ev.Head.Buf = buf
}

// Streams returns how many streams are not released yet.
func (c *Conn) Streams() int { return len(c.streams) + c.opened }

// Idle reports whether there is no stream, nothing to send, and no frame half
// read.
func (c *Conn) Idle() bool {
	return c.Streams() == 0 && len(c.out) == 0 && c.block == nil && !c.frame.open() && c.greeted
}

// Open begins a stream of a client. It fails while the peer allows no more at
// once (or [Config.MaxStreams] does), and for ever once CanOpen does.
func (c *Conn) Open() (s *Stream, opened bool) {
	most := min(int64(c.p.c.MaxStreams), int64(c.peerStreams))
	if !c.CanOpen() || int64(c.Streams()) >= most {
		return nil, false
	}
	c.opened++
	return c.pool.stream(), true
}

// CanOpen reports whether streams can be opened on c, now or when others have
// ended. If not, new requests need another connection: the peer sent GOAWAY, c
// is draining or broken, or its numbers are used up.
func (c *Conn) CanOpen() bool {
	return !c.server && c.err == nil && c.lost == maxID && c.drain == undrained &&
		uint64(c.lastID)+2*uint64(c.opened+1) <= maxID
}

// ExtendedConnect reports whether the server takes CONNECT with :protocol (RFC
// 8441). It does not before its SETTINGS came.
func (c *Conn) ExtendedConnect() bool { return c.peerConnect }

// Close gives the memory of c to its Pool. Streams are to be released before;
// nothing may be called afterwards.
func (c *Conn) Close() {
	if c.out != nil {
		c.pool.freeOut(c.out)
	}
	if c.block != nil {
		c.pool.freeBlock(c.block)
	}
	*c = Conn{p: c.p, pool: c.pool, err: &connErrors[ok]}
}
