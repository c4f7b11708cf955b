// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"encoding/binary"
	"math"
)

// idle reports whether a stream has not begun yet: it is above all that have, or
// of the side that begins none, because nobody pushes.
func (c *Conn) idle(id uint32) bool {
	return id&1 == 0 || id > c.lastID
}

// priority ignores PRIORITY (RFC 9113 section 5.3.2) but for its oldest rule.
func (c *Conn) priority(id uint32, b []byte, ev *Event) {
	switch {
	case id == 0:
		c.fail(BadStreamID)
	case !c.spend(&c.spent.priorities, c.p.c.Budget.Priorities+10*c.spent.begun, PriorityFlood):
	case binary.BigEndian.Uint32(b)&maxID != id:
	case c.idle(id):
		c.fail(SelfDependency) // no stream to reset
	default:
		c.refuseAny(id, SelfDependency, ev)
	}
}

// badPriority handles a PRIORITY frame of a wrong length.
func (c *Conn) badPriority(f frame, ev *Event) int {
	switch {
	case f.id == 0:
		return c.fail(BadStreamID)
	case c.idle(f.id):
		return c.fail(BadFrameSize)
	}
	c.refuseAny(f.id, PrioritySize, ev)
	c.frame = f
	return frameHead
}

// refuseAny is refuse for a stream that may be released or not.
func (c *Conn) refuseAny(id uint32, r Reason, ev *Event) {
	c.refuse(id, c.find(id), r, ev)
}

// peerReset handles RST_STREAM.
func (c *Conn) peerReset(id uint32, code ErrCode, ev *Event) {
	switch {
	case id == 0:
		c.fail(BadStreamID)
		return
	case c.idle(id):
		c.fail(IdleStream)
		return
	}
	s := c.find(id)
	if s == nil || s.done() {
		c.spend(&c.spent.priorities, c.p.c.Budget.Priorities+10*c.spent.begun, PriorityFlood)
		return
	}
	if !s.has(sendEnd) {
		c.provoked()
	}
	c.stop(s, recvReset)
	*ev = Event{Kind: Reset, Stream: s, Code: code, ByPeer: true, Unprocessed: code == RefusedStreamError}
}

// ping answers PING, or goes on with draining at the answer to ours.
func (c *Conn) ping(f frame, b []byte) {
	switch {
	case f.id != 0:
		c.fail(BadStreamID)
	case !c.spend(&c.spent.pings, c.p.c.Budget.Pings+2*(c.spent.begun+c.spent.payloads), PingFlood):
	case f.flags&flagAck == 0:
		out := appendFrame(c.grow(frameHead+8), 8, typePing, flagAck, 0)
		c.out = append(out, b[:8]...)
		c.queuedControl()
	case c.drain == announced && string(b[:8]) == drainPing:
		c.finishDrain()
	}
}

// goAway handles GOAWAY. Streams of ours above the last one were not processed.
func (c *Conn) goAway(f frame, b []byte, ev *Event) {
	if f.id != 0 {
		c.fail(BadStreamID)
		return
	}
	last := binary.BigEndian.Uint32(b) & maxID
	if !c.spend(&c.spent.settings, c.p.c.Budget.Settings, SettingsFlood) {
		return
	}
	*ev = Event{Kind: GoAway, LastID: last, Code: ErrCode(binary.BigEndian.Uint32(b[4:]))}
	if c.server {
		return
	}
	if c.lost == maxID {
		last = min(last, maxID-1) // no new streams, even if all old ones are processed
	}
	c.lost = min(c.lost, last)
	c.announcing = true
}

// nextLost reports the next stream that a GOAWAY of the server has lost.
func (c *Conn) nextLost(ev *Event) bool {
	for i := len(c.streams) - 1; i >= 0; i-- {
		s := c.streams[i]
		if s.id <= c.lost {
			break
		}
		if !s.done() {
			c.stop(s, recvReset)
			*ev = Event{Kind: Reset, Stream: s, Code: RefusedStreamError, ByPeer: true, Unprocessed: true}
			return true
		}
	}
	c.announcing = false
	return false
}

// settingsHead begins a SETTINGS frame.
func (c *Conn) settingsHead(f frame, ev *Event) int {
	switch {
	case f.id != 0:
		return c.fail(BadStreamID)
	case f.rest%6 != 0, f.flags&flagAck != 0 && f.rest != 0:
		return c.fail(BadFrameSize)
	case !c.spend(&c.spent.settings, c.p.c.Budget.Settings, SettingsFlood):
		return 0
	case f.flags&flagAck != 0:
		c.settingsAcked()
	}
	c.frame = f
	if f.rest == 0 && f.flags&flagAck == 0 {
		c.settingsDone(ev)
	}
	return frameHead
}

// settings takes entries; b has whole ones.
func (c *Conn) settings(b []byte, ev *Event) {
	for ; len(b) != 0; b = b[6:] {
		c.setting(binary.BigEndian.Uint16(b), binary.BigEndian.Uint32(b[2:]))
		if c.err != nil {
			return
		}
	}
	if c.frame.rest == 0 {
		c.settingsDone(ev)
	}
}

func (c *Conn) settingsDone(ev *Event) {
	c.greeted = true
	c.peerTable = c.peerTable || c.lessTable
	c.lessTable = false
	c.out = appendFrame(c.grow(frameHead), 0, typeSettings, flagAck, 0)
	c.queuedControl()
	ev.Kind = Settings
}

// setting applies one of the peer's settings (RFC 9113 section 6.5.2); unknown
// ones mean nothing.
func (c *Conn) setting(id uint16, v uint32) {
	switch id {
	case settingTable:
		c.lessTable = c.lessTable || v < firstTable
	case settingPush:
		if v > 1 || v == 1 && !c.server {
			c.fail(BadSetting)
		}
	case settingMaxStreams:
		c.peerStreams = v
	case settingWindow:
		c.initialWindow(v)
	case settingMaxFrame:
		if v < minFrame || v > maxFrame {
			c.fail(BadSetting)
			return
		}
		c.peerFrame = int32(v)
	case settingMaxHead:
		c.peerHead = v
	case settingConnect:
		if v > 1 || v == 0 && c.peerConnect {
			c.fail(BadSetting)
			return
		}
		c.peerConnect = v == 1
	case settingNoPriorities:
		if v > 1 {
			c.fail(BadSetting)
		}
	}
}

// initialWindow changes what we may send on every stream (RFC 9113 section
// 6.9.2).
func (c *Conn) initialWindow(v uint32) {
	if v > maxWindow {
		c.fail(BadInitialWindow)
		return
	}
	delta := int64(v) - int64(c.peerWindow)
	c.peerWindow = int32(v)
	for _, s := range c.streams {
		w := int64(s.sendWindow) + delta
		if w > maxWindow {
			c.fail(BadInitialWindow)
			return
		}
		s.sendWindow = int32(max(w, math.MinInt32))
		c.wake(s)
	}
}

// settingsAcked lets ours take effect: the peer goes by them from here on.
func (c *Conn) settingsAcked() {
	if c.acked {
		return
	}
	c.acked = true
	c.shrink = c.p.c.HeaderTable < firstTable
	if c.dec != nil {
		c.dec.SetAllowedMaxDynamicTableSize(uint32(c.p.c.HeaderTable))
	}
	delta := int32(c.p.c.StreamWindow) - c.ownWindow
	c.ownWindow += delta
	for _, s := range c.streams {
		s.recvWindow += delta
	}
}
