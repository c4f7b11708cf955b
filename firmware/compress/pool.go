// SPDX-License-Identifier: Apache-2.0

package compress

// A PoolConfig bounds what a Pool holds. A zero field takes the default named
// beside it.
type PoolConfig struct {
	Budget int // 64 MiB: bytes that encoders may hold, in use and idle together
	Idle   int // 8: encoders that are kept for the next stream
}

// A Pool makes encoders and keeps some of those that come back, for they are
// large. It belongs to one loop: nothing in it is locked.
type Pool struct {
	cfg   PoolConfig
	idle  []*Encoder // the one used last is the last
	stats PoolStats
}

// PoolStats is what a pool holds and did.
type PoolStats struct {
	Active  int    // encoders in use
	Idle    int    // encoders kept
	Memory  int    // bytes that both may hold, by Setting.Memory
	Made    uint64 // encoders made
	Reused  uint64 // streams that got an idle one
	Refused uint64 // streams that got none: the budget was spent
	Failed  uint64 // streams that an encoder broke
}

// NewPool returns an empty pool.
func NewPool(cfg PoolConfig) *Pool {
	if cfg.Budget == 0 {
		cfg.Budget = 64 << 20
	}
	if cfg.Idle == 0 {
		cfg.Idle = 8
	}
	return &Pool{cfg: cfg}
}

// Get returns an encoder at the beginning of a stream; nil if the budget is
// spent: then the answer goes out as it is. An idle one of another setting gives
// way. A setting for which Check has an error gets nothing but that error.
func (p *Pool) Get(s Setting) (*Encoder, error) {
	s, err := s.normalize()
	if err != nil {
		return nil, err
	}
	e := p.takeIdle(s)
	if e == nil {
		if !p.makeRoom(s.Memory()) {
			p.stats.Refused++
			return nil, nil
		}
		if e, err = newEncoder(s); err != nil {
			return nil, err
		}
		p.stats.Made++
		p.stats.Memory += s.Memory()
	} else {
		p.stats.Reused++
	}
	p.stats.Active++
	if err := e.begin(); err != nil {
		p.Put(e)
		return nil, err
	}
	return e, nil
}

// takeIdle returns the idle encoder of a setting that was used last, or nil.
func (p *Pool) takeIdle(s Setting) *Encoder {
	for i := len(p.idle) - 1; i >= 0; i-- {
		if e := p.idle[i]; e.setting == s {
			p.removeIdle(i)
			e.idle = false
			return e
		}
	}
	return nil
}

func (p *Pool) removeIdle(i int) {
	n := copy(p.idle[i:], p.idle[i+1:])
	p.idle[i+n] = nil
	p.idle = p.idle[:i+n]
}

// makeRoom drops idle encoders, those used longest ago first, until need more
// bytes fit into the budget. It reports whether they do.
func (p *Pool) makeRoom(need int) bool {
	free := p.cfg.Budget - p.stats.Memory
	for _, e := range p.idle {
		free += e.setting.Memory()
	}
	if free < need {
		return false // not even without all idle ones: keep them
	}
	for p.stats.Memory+need > p.cfg.Budget {
		p.dropOldest()
	}
	return true
}

func (p *Pool) dropOldest() {
	p.stats.Memory -= p.idle[0].setting.Memory()
	p.removeIdle(0)
}

// Put takes an encoder back, wherever its stream is: also one that was cut off.
// It must not be used any more.
func (p *Pool) Put(e *Encoder) {
	if e.idle {
		panic("compress: an encoder was put back twice")
	}
	e.idle = true
	p.stats.Active--
	if e.err != nil && e.err != errClosed {
		p.stats.Failed++
		p.stats.Memory -= e.setting.Memory()
		return
	}
	p.idle = append(p.idle, e)
	if len(p.idle) > p.cfg.Idle {
		p.dropOldest()
	}
}

// Stats returns the numbers of the moment.
func (p *Pool) Stats() PoolStats {
	s := p.stats
	s.Idle = len(p.idle)
	return s
}
