// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"path/filepath"
	"sync"

	"evener/firmware/accesslog"
	"evener/firmware/alert"
	"evener/firmware/audit"
	"evener/firmware/event"
	"evener/firmware/lb"
	"evener/firmware/manage"
)

// records is what an engine keeps of what happens, and whom it tells.
type records struct {
	audit  *audit.Log
	events *event.Journal
	alerts *alert.Dispatcher

	once sync.Once // of close
}

// openRecords takes over the audit log and the journal of events.
func (e *engine) openRecords(host string) (err error) {
	r := &e.records
	if r.audit, err = audit.Open(filepath.Join(e.cfg.state, "audit"), audit.Config{}, e.log); err != nil {
		return err
	}
	if r.events, err = event.Open(filepath.Join(e.cfg.state, "events"), event.Config{}, e.log); err != nil {
		return errors.Join(err, r.audit.Close())
	}
	r.alerts = alert.New(alert.Options{Host: host, Notify: func(ev event.Event) { r.events.Add(ev) }}, e.log)
	return nil
}

// memberChanged is told by the balancer.
func (r *records) memberChanged(c lb.Change) { manage.MemberChanged(r.events, c) }

// close writes what waits, so that another engine may go on. The second call does
// nothing.
func (r *records) close() (err error) {
	r.once.Do(func() {
		r.alerts.Close()
		err = errors.Join(r.events.Close(), r.audit.Close())
	})
	return err
}

// Tap lets somebody see what ends, and keeps records for that where no access log
// is written.
func (a *accessLog) Tap(f accesslog.Tap) (stop func(), err error) {
	return a.tap(func(l *accesslog.Log) func() { return l.Tap(f) })
}

// Sample lets f see so many records a second of each loop.
func (a *accessLog) Sample(perSecond int, f accesslog.Tap) (stop func(), err error) {
	return a.tap(func(l *accesslog.Log) func() { return l.Sample(perSecond, f) })
}

func (a *accessLog) tap(into func(*accesslog.Log) (untap func())) (stop func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx.Err() != nil {
		return nil, errors.New("the engine is about to end")
	}
	if a.log == nil {
		if err := a.begin(accesslog.Config{Loops: a.loops, Path: accesslog.Nowhere}); err != nil {
			return nil, err
		}
	}
	a.tapped++
	untap := into(a.log)
	return sync.OnceFunc(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		untap()
		if a.tapped--; a.tapped == 0 && a.cfg == nil {
			a.end()
		}
	}), nil
}
