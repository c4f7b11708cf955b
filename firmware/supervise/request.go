// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"errors"
	"fmt"
)

// take handles one frame of the process.
func (p *proc) take(f frame) {
	switch f.Type {
	case hello:
		p.version = f.Version
	case sayReady:
		p.unit.ready(p)
	case sayReleased:
		p.unit.released(p)
	case sayAlive:
		p.alive()
	case askAcquire, askKeep:
		p.askedAbout(f)
	case askRestart:
		if err := p.mayControl(); err != nil {
			p.reply(f.ID, err)
			return
		}
		p.unit.loop.restart(f.Role, func(err error) { p.reply(f.ID, err) })
	case askStatus:
		if err := p.mayControl(); err != nil {
			p.reply(f.ID, err)
			return
		}
		s := p.unit.loop.status()
		reply := frame{Type: answer, ID: f.ID, Status: &s}
		if _, err := reply.encode(); err != nil {
			p.reply(f.ID, err)
			return
		}
		p.send(reply)
	case askDial:
		p.unit.loop.dial(p, f.ID, f.Role)
	case sayHangUp:
		p.unit.loop.forgetDials(func(d dial) bool { return d.from == p && d.id == f.ID })
	default:
		p.unit.loop.log.Warn("unknown frame ignored", "role", p.unit.cfg.Name, "type", string(f.Type))
		if f.ID != 0 {
			p.reply(f.ID, fmt.Errorf("the supervisor (version %s) does not know the request %q",
				p.unit.loop.cfg.Version, f.Type))
		}
	}
}

// reply answers request id: done, or what went wrong.
func (p *proc) reply(id uint64, err error) {
	f := frame{Type: answer, ID: id}
	if err != nil {
		f.Error = cut(err.Error(), maxFrame/8) // JSON may make six bytes of one
	}
	p.send(f)
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}

func (p *proc) mayControl() error {
	if !p.unit.cfg.MayControl {
		return fmt.Errorf("the role %s has no right to control roles", p.unit.cfg.Name)
	}
	return nil
}

// mayListen says whether p may change the listeners of its role now.
func (p *proc) mayListen() error {
	if !p.unit.cfg.MayListen {
		return fmt.Errorf("the role %s has no right to listen", p.unit.cfg.Name)
	}
	if p != p.unit.active || p.state != Serving {
		return errors.New("only the running process of a role may change its listeners, after Go and before Drain")
	}
	return nil
}

// askedAbout gathers the frames of a request about listeners and carries it
// out when it is whole.
func (p *proc) askedAbout(f frame) {
	specs := append(p.asking[f.ID], f.Specs...)
	if f.More {
		if p.asking == nil {
			p.asking = map[uint64][]ListenSpec{}
		}
		if len(specs) > MaxSpecs || len(p.asking) > 16 {
			p.killed("it asked for too many listeners")
			return
		}
		p.asking[f.ID] = specs
		return
	}
	delete(p.asking, f.ID)
	err := p.mayListen()
	switch {
	case err != nil:
	case f.Type == askAcquire:
		err = p.acquire(f.ID, specs)
	default:
		p.keep(specs)
	}
	p.reply(f.ID, err)
}

// acquire opens what is missing and passes what p does not have yet.
func (p *proc) acquire(id uint64, specs []ListenSpec) error {
	held, role := p.unit.loop.held, p.unit.cfg.Name
	if err := held.acquire(role, specs); err != nil {
		return err
	}
	if p.passed == nil {
		p.passed = map[listenKey]int{}
	}
	for _, s := range specs {
		h := held[s.key()]
		if p.passed[s.key()] == len(h.fds) {
			continue
		}
		p.send(frame{Type: socketsOf, ID: id, Specs: []ListenSpec{h.spec}}, h.fds...)
		p.passed[s.key()] = len(h.fds)
	}
	return nil
}

func (p *proc) keep(specs []ListenSpec) {
	for _, s := range p.unit.loop.held.keep(p.unit.cfg.Name, specs) {
		delete(p.passed, s.key())
		p.unit.loop.log.Info("listener closed", "role", p.unit.cfg.Name, "listener", s.String())
	}
}
