// SPDX-License-Identifier: Apache-2.0

package lcd

import "time"

// flaps is after how many short connections in a row a display that comes and
// goes is told of as such, and then no more.
const flaps = 3

// A state is what is known of the display of a panel.
type state struct {
	info      Info
	connected bool
	problem   string // why it is not connected
	since     time.Time
	told      bool // the log says already that there is none
	short     int  // connections in a row that did not last
}

// steady is how long a connection lasts that is worth the name.
func (p *Panel) steady() time.Duration { return 2 * p.cfg.RetryMax }

// found notes a connection. The log says so, unless the display comes and goes.
func (p *Panel) found(info Info) {
	p.mu.Lock()
	s := &p.state
	s.info, s.connected, s.problem, s.since = info, true, "", time.Now()
	flapping := s.short >= flaps
	if !flapping {
		s.told = false
	}
	p.mu.Unlock()
	if !flapping {
		p.logConnected(info)
	}
}

func (p *Panel) logConnected(info Info) {
	p.log.Info("panel connected", "model", info.Model, "firmware", info.Firmware,
		"rows", info.Rows, "cols", info.Cols)
}

// well notes that the display is still there. One that came and went and has
// stayed is told of after all.
func (p *Panel) well() {
	p.mu.Lock()
	s := &p.state
	settled := s.short >= flaps && time.Since(s.since) >= p.steady()
	if settled {
		s.short, s.told = 0, false
	}
	info := s.info
	p.mu.Unlock()
	if settled {
		p.logConnected(info)
	}
}

// lost notes that there is no display, and says whether there had been one for
// a good while. The log says so once.
func (p *Panel) lost(err error) (steady bool) {
	if err == nil {
		err = errGone
	}
	p.mu.Lock()
	s := &p.state
	was, told := s.connected, s.told
	if was {
		steady = time.Since(s.since) >= p.steady()
		s.short++
		if steady {
			s.short = 0
		}
	}
	short := s.short
	s.connected, s.told, s.problem = false, true, err.Error()
	p.mu.Unlock()
	switch {
	case told:
	case !was:
		p.log.Warn("panel not found", "err", err)
	case short == flaps:
		p.log.Warn("panel comes and goes", "err", err)
	default:
		p.log.Warn("panel lost", "err", err)
	}
	return steady
}
