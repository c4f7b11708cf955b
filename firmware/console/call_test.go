// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"evener/firmware/api"
)

// A busy engine takes its time for one method. Whoever does not wait for it gets what
// the sockets of the box make of that.
type busy struct {
	*part
	method string
	takes  time.Duration
}

func (p busy) Call(ctx context.Context, method string, params, result any) error {
	if method == p.method {
		select {
		case <-time.After(p.takes):
		case <-ctx.Done():
			return api.Errorf(api.CodeFailed, "unreachable", "the engine does not answer: %v", ctx.Err())
		}
	}
	return p.part.Call(ctx, method, params, result)
}

// changes are what the console has the engine change, and how that is said.
var changes = []struct {
	method string
	types  []string
	done   string
}{
	{"config.commit", loggedIn("2\r", "1\r", "\r", "\r", "y\r"), "Revision 5 runs now"},
	{"config.rollback", loggedIn("6\r", "2\r", "y\r"), "Revision 5 runs now"},
	{"config.confirm", loggedIn("6\r", "2\r", "y\r", "k\r"), "It stays."},
	{"config.revert", loggedIn("6\r", "2\r", "y\r", "r\r"), "It went back."},
	{"user.set_password", []string{"\r", "5\r", "1\r", "another password\r", "another password\r", "\r"}, "is changed"},
}

func TestABusyEngineIsWaitedFor(t *testing.T) {
	for _, c := range changes {
		t.Run(c.method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBox()
				b.cfg.Engine = busy{b.eng, c.method, 40 * time.Second}
				b.begin(t)
				b.types(c.types...)
				time.Sleep(41 * time.Second)
				if out := b.shown(); !strings.Contains(out, c.done) || strings.Contains(out, "does not answer") {
					t.Errorf("shown:\n%s", out)
				}
				b.hangUp()
			})
		})
	}
}

func TestNobodyElseDoesWhatABusyEngineHas(t *testing.T) {
	for _, c := range changes {
		t.Run(c.method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBox()
				b.cfg.Engine = busy{b.eng, c.method, time.Hour}
				b.begin(t)
				b.types(c.types...)
				time.Sleep(2 * time.Minute)
				out := b.shown()
				if !strings.Contains(out, "It is not known whether it was done") || strings.Contains(out, c.done) || strings.Contains(out, "in this way") {
					t.Errorf("shown:\n%s", out)
				}
				for _, call := range b.sup.calls {
					if !strings.HasPrefix(call, "recovery.revisions") && !strings.HasPrefix(call, "recovery.diff") {
						t.Errorf("the supervisor was asked for %s", call)
					}
				}
				b.hangUp()
			})
		})
	}
}

// A mayHang is a part that does not answer any more once it hangs.
type mayHang struct {
	*part
	hangs atomic.Bool
}

func (p *mayHang) Call(ctx context.Context, method string, params, result any) error {
	if p.hangs.Load() {
		return deaf{}.Call(ctx, method, params, result)
	}
	return p.part.Call(ctx, method, params, result)
}

func TestTheSupervisorDoesWhatAnEngineThatHangsDidNotGet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		engine := &mayHang{part: b.eng}
		b.cfg.Engine = engine
		b.begin(t)
		b.types(loggedIn("6\r", "2\r")...)
		engine.hangs.Store(true)
		b.types("y\r")
		time.Sleep(time.Minute)
		b.types("y\r")
		if out := b.shown(); !strings.Contains(out, "Revision 5 has its text") {
			t.Errorf("shown:\n%s", out)
		}
		if calls := strings.Join(b.eng.calls, " "); strings.Contains(calls, "config.rollback") {
			t.Errorf("the engine has it too: %s", calls)
		}
		b.hangUp()
	})
}
