// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"fmt"
	"time"
)

// A proc is one process of a unit and where it is in its life. It is the sink
// of what the process says: said, hungUp and ended are called from other
// goroutines, everything else from the loop's.
type proc struct {
	process
	unit    *unit
	state   State
	version string
	since   time.Time
	drainBy time.Time // when draining must be over
	verdict string    // why we killed it, if we did

	timer *time.Timer // the deadline of the present state
	turn  int         // counts deadlines; one that lost the race with clear is void

	beat     *time.Timer // the heartbeat's
	lastBeat time.Time

	asking map[uint64][]ListenSpec // of requests that go on in another frame
	passed map[listenKey]int       // how many sockets it has of each listener
}

func (p *proc) said(f frame) {
	p.unit.loop.post(func() { p.take(f) })
}

// hungUp gives a process that has closed its channel a moment to end.
func (p *proc) hungUp() {
	p.unit.loop.post(func() {
		p.deadline(p.unit.cfg.KillTimeout, func() {
			p.killed("it had closed its control channel")
		})
	})
}

func (p *proc) ended(cause string) {
	p.unit.loop.post(func() { p.unit.ended(p, cause) })
}

// deadline runs f after d unless the state has changed by then.
func (p *proc) deadline(d time.Duration, f func()) {
	p.clear()
	turn := p.turn
	p.timer = p.unit.loop.after(max(d, 0), func() {
		if p.turn == turn {
			f()
		}
	})
}

// clear cancels the deadline.
func (p *proc) clear() {
	p.turn++
	if p.timer != nil {
		p.timer.Stop()
	}
}

// alive starts the time until the next heartbeat is due.
func (p *proc) alive() {
	silence := p.unit.cfg.Heartbeat
	if silence == 0 || p.state != Serving {
		return
	}
	p.lastBeat = time.Now()
	if p.beat != nil {
		p.beat.Reset(silence)
		return
	}
	p.beat = p.unit.loop.after(silence, func() {
		if p.state == Serving && time.Since(p.lastBeat) >= silence {
			p.killed(fmt.Sprintf("it had given no sign of life for %v", silence))
		}
	})
}

// quiet stops watching the heartbeat.
func (p *proc) quiet() {
	if p.beat != nil {
		p.beat.Stop()
	}
}

// end tells the process to exit and kills it if it does not.
func (p *proc) end() {
	if p.state == Stopping {
		return
	}
	p.state = Stopping
	patience := p.unit.cfg.KillTimeout
	p.send(frame{Type: orderStop, Deadline: patience})
	p.deadline(patience, func() {
		p.killed(fmt.Sprintf("it had not stopped %v after it was told to", patience))
	})
}

// killed ends the process now, because of why.
func (p *proc) killed(why string) {
	p.verdict = why
	p.kill()
}

func (p *proc) status() ProcessStatus {
	return ProcessStatus{PID: p.pid(), State: p.state, Version: p.version, Since: p.since}
}
