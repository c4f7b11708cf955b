// SPDX-License-Identifier: Apache-2.0

package alert

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"evener/firmware/event"
)

// A scribe is a server that remembers when it was sent what.
type scribe struct {
	start time.Time
	down  atomic.Bool
	tries []time.Duration
	got   []int
}

func (s *scribe) send(_ context.Context, ms []Message) (int, error) {
	s.tries = append(s.tries, time.Since(s.start))
	if s.down.Load() {
		return 0, errors.New("it is down")
	}
	s.got = append(s.got, len(ms))
	return len(ms), nil
}

func (s *scribe) close() {}

// withScribe starts a dispatcher with one channel, "ops", that rules tell of all.
func withScribe(opts Options, l limits) (*Dispatcher, *scribe) {
	d := New(opts, quiet)
	s := &scribe{start: time.Now()}
	c := newChannel(d, "ops", "mail", "x", Mail{Name: "ops"}, s, l)
	d.channels = []*channel{c}
	d.cfg = Config{Rules: []Rule{{To: []string{"ops"}, Severity: event.Warning}}}
	c.start()
	return d, s
}

func TestStormIsOneMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := withScribe(Options{}, limits{batch: 1000, collect: 2 * time.Second, every: 30 * time.Second})
		defer d.Close()
		for i := range 200 {
			d.Event(down("shop", fmt.Sprint("web", i)))
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		for i := range 200 {
			d.Event(down("api", fmt.Sprint("web", i)))
		}
		time.Sleep(time.Minute)
		d.Event(down("late", "web1"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := fmt.Sprint(s.got, s.tries); got != "[200 200 1] [2s 32s 1m8s]" {
			t.Errorf("e-mails with events, and when = %v", got)
		}
	})
}

func TestRetryBacksOffAndTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []event.Kind
		d, s := withScribe(Options{Queue: 3, Notify: func(e event.Event) { told = append(told, e.Kind) }}, limits{batch: 10})
		s.down.Store(true)
		for range 5 {
			d.Event(down("shop", "web1"))
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got := fmt.Sprint(s.tries[:8]); got != "[0s 1s 3s 7s 15s 31s 1m3s 2m3s]" {
			t.Errorf("tries at %v", got)
		}
		st := d.Status()[0]
		if !st.Failing || st.Waiting != 3 || st.Dropped != 2 || st.Error != "it is down" || !st.Success.IsZero() {
			t.Errorf("status %+v", st)
		}
		s.down.Store(false)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		st = d.Status()[0]
		if st.Failing || st.Waiting != 0 || st.Sent != 3 || st.Success.IsZero() || st.Error == "" {
			t.Errorf("status afterwards %+v", st)
		}
		d.Close()
		if got := fmt.Sprint(told); got != "[alert.failed alert.restored alert.dropped]" {
			t.Errorf("told %v", got)
		}
	})
}

func TestRulesChoose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			name string
			rule Rule
			want int
		}{
			{"all", Rule{}, 1},
			{"severity", Rule{Severity: event.Error}, 0},
			{"kind", Rule{Kinds: []string{"config.*", "member.*"}}, 1},
			{"other kind", Rule{Kinds: []string{"config.*"}}, 0},
			{"object", Rule{Objects: []string{"pool/*"}}, 1},
			{"other object", Rule{Objects: []string{"pool/api"}}, 0},
		} {
			d, s := withScribe(Options{}, limits{batch: 10})
			c.rule.To = []string{"ops"}
			d.cfg.Rules = []Rule{c.rule, {To: []string{"somebody else"}}}
			d.Event(down("shop", "web1"))
			synctest.Wait()
			d.Close()
			if len(s.got) != c.want {
				t.Errorf("%s: told %d times, want %d", c.name, len(s.got), c.want)
			}
		}
	})
}

func TestChangedChannelKeepsWhatWaits(t *testing.T) {
	d := New(Options{Backoff: time.Hour}, quiet)
	defer d.Close()
	// Port 1 of the loopback network refuses.
	one := Syslog{Name: "s", Address: "127.0.0.1:1", Transport: "tcp", Send: []Source{Events}}
	d.Use(Config{Syslog: []Syslog{one}})
	d.Event(down("shop", "web1"))
	first := d.channels[0]
	d.Use(Config{Syslog: []Syslog{one}, Rules: []Rule{{To: []string{"s"}}}})
	if d.channels[0] != first {
		t.Error("a channel that stays was made anew")
	}
	one.Facility = 5
	d.Use(Config{Syslog: []Syslog{one}})
	if d.channels[0] == first || d.Status()[0].Waiting != 1 {
		t.Errorf("status after a change = %+v", d.Status()[0])
	}
	d.Use(Config{})
	if len(d.Status()) != 0 {
		t.Errorf("status without channels = %+v", d.Status())
	}
	var missing *NotFoundError
	if err := d.Test(t.Context(), "s", down("shop", "x")); !errors.As(err, &missing) {
		t.Errorf("Test of no channel = %v", err)
	}
}
