// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSubscriptionRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		l := serve(t, y.reg, ServerConfig{Identify: func(net.Conn) (Call, error) { return Call{Author: "ann", Role: Viewer}, nil }})
		nc := l.dial()
		defer nc.Close()
		in := bufio.NewReader(nc)
		for _, c := range []struct{ method, params, want string }{
			{"sub.open", `{"topic":"state.pool"}`, `there is no topic \"state.pool\" (did you mean \"state.pools\"?)`},
			{"sub.open", `{"topic":"log.events"}`, `log.events needs the role operator; ann has viewer`},
			{"sub.read", `{"topic":"log.events"}`, `log.events needs the role operator; ann has viewer`},
			{"sub.open", `{"topic":"state.pools","params":{"a":1}}`, `state.pools: there is no parameter \"a\"`},
			{"sub.open", `{"topic":"state.pools","max_hz":0.01}`, `max_hz must be 0.1 to 20`},
			{"sub.open", `{"topic":"state.pools","params":7}`, `params must be an object, not a number`},
			{"sub.close", `{"sub":1}`, `this connection has no subscription 1`},
			{"sub.update", `{"sub":1}`, `this connection has no subscription 1`},
		} {
			if got := ask(t, nc, in, c.method, c.params); !strings.Contains(got, c.want) {
				t.Errorf("%s %s = %s, want %s", c.method, c.params, got, c.want)
			}
		}
		for range maxSubs {
			ask(t, nc, in, "sub.open", `{"topic":"state.pools"}`)
		}
		if got := ask(t, nc, in, "sub.open", `{"topic":"state.pools"}`); !strings.Contains(got, "too_many.subs") {
			t.Errorf("one subscription too many = %s", got)
		}
		ask(t, nc, in, "sub.close", `{"sub":7}`)
		if got := ask(t, nc, in, "sub.open", `{"topic":"state.pools"}`); !strings.Contains(got, `"sub":`) {
			t.Errorf("after a close: %s", got)
		}
	})
	if _, e := newYard().reg.Call(t.Context(), Call{Author: "a", Role: Admin}, "sub.open", []byte(`{"topic":"state.pools"}`)); e == nil || e.Kind != "sub.transport" {
		t.Errorf("sub.open without a connection = %v, want sub.transport", e)
	}
}

func TestSubUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		nc, in := y.open(t, serve(t, y.reg, ServerConfig{}), `{"topic":"series.live","params":{"series":["a"]}}`)
		defer nc.Close()
		if got := ask(t, nc, in, "sub.update", `{"sub":1,"params":{"serie":[]}}`); !strings.Contains(got, `did you mean`) {
			t.Errorf("a wrong update = %s", got)
		}
		wantLine(t, line(t, in), `sub.event {"sub":1,"seq":2,"data":{"t":"2000-01-01T00:00:01Z","cols":{"a":[1]}}}`) // as before
		_, opened := cutEpoch(ask(t, nc, in, "sub.update", `{"sub":1,"params":{"series":["b"]}}`))
		wantLine(t, opened, `{"sub":1,"epoch":"","seq":1,"resumed":false}`)
		wantLine(t, line(t, in), `sub.event {"sub":1,"seq":2,"data":{"t":"2000-01-01T00:00:02Z","cols":{"b":[2]}}}`)
	})
}

// A topic that fails or panics ends its subscriptions and nothing else.
func TestFailingTopicEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		n := 0
		AddState(y.reg, Topic{Name: "state.bad", Purpose: "Goes bad.", Role: Viewer, Every: time.Second},
			func(context.Context, Call, struct{}) (map[string]int, error) {
				if n++; n%3 == 0 {
					panic("oh no")
				}
				return map[string]int{"n": n}, nil
			})
		nc, in := y.open(t, serve(t, y.reg, ServerConfig{}), `{"topic":"state.bad"}`)
		defer nc.Close()
		wantLine(t, line(t, in), `sub.event {"sub":1,"seq":2,"data":{"n":2}}`)
		wantLine(t, line(t, in), `sub.end {"sub":1,"kind":"internal"}`)
		_, opened := cutEpoch(ask(t, nc, in, "sub.open", `{"topic":"state.bad"}`))
		wantLine(t, opened, `{"sub":2,"epoch":"","seq":1,"resumed":false,"snapshot":{"objects":{"n":4}}}`)
	})
}

// Only what is asked for by nobody is not computed.
func TestIdleTopicsRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		asked := 0
		AddState(y.reg, Topic{Name: "state.busy", Purpose: "Moves.", Role: Viewer, Every: time.Second},
			func(context.Context, Call, struct{}) (map[string]int, error) {
				asked++
				return map[string]int{"n": asked}, nil
			})
		nc, _ := y.open(t, serve(t, y.reg, ServerConfig{}), `{"topic":"state.busy"}`)
		nc.Close()
		time.Sleep(time.Hour)
		if asked > 2 {
			t.Errorf("asked %d times with nobody there", asked)
		}
	})
}
