// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A yard is a box with one topic of each class.
type yard struct {
	reg *Registry

	mu      sync.Mutex
	objects map[string]map[string]any
	asked   int // how often the objects were asked for

	pools *Topic
	log   *Topic
	ring  *Ring[string]
}

func newYard() *yard {
	y := &yard{reg: newBox(quiet, nil), objects: map[string]map[string]any{"shop": {"up": 1, "why": nil}}, ring: NewRing[string](1000)}
	y.pools = AddState(y.reg, Topic{Name: "state.pools", Purpose: "The pools.", Role: Viewer},
		func(context.Context, Call, struct{}) (map[string]map[string]any, error) {
			y.mu.Lock()
			defer y.mu.Unlock()
			y.asked++
			return maps.Clone(y.objects), nil
		})
	AddSeries(y.reg, Topic{Name: "series.live", Purpose: "The rates.", Role: Viewer, Every: time.Second}, nil,
		func(_ context.Context, _ Call, p struct {
			Series []string `json:"series"`
		}) (Tick, error) {
			t := Tick{Time: time.Now().UTC(), Cols: make(map[string]Column)}
			for _, s := range p.Series {
				t.Cols[s] = Column{float64(time.Now().Second())}
			}
			return t, nil
		})
	y.log = AddLog(y.reg, Topic{Name: "log.events", Purpose: "The events.", Role: Operator},
		func(_ context.Context, _ Call, p struct {
			With string `json:"with,omitempty"`
		}, after uint64, most int) (Batch[string], error) {
			return y.ring.Read(after, most, func(s string) bool { return strings.Contains(s, p.With) }), nil
		})
	return y
}

func (y *yard) set(key string, object map[string]any) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if object == nil {
		delete(y.objects, key)
	} else {
		y.objects[key] = object
	}
	y.pools.Changed()
}

// ask calls a method of nc and returns the line of the answer.
func ask(t *testing.T, nc net.Conn, in *bufio.Reader, method, params string) string {
	t.Helper()
	say(nc, fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params))
	return line(t, in)
}

// line reads one line and returns it without the envelope.
func line(t *testing.T, in *bufio.Reader) string {
	t.Helper()
	text, err := in.ReadString('\n')
	if err != nil {
		return err.Error()
	}
	var m struct {
		Method                string
		Params, Result, Error json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return strings.TrimSpace(m.Method + " " + string(m.Params) + string(m.Result) + string(m.Error))
}

func wantLine(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// cutEpoch takes the random part out of the answer of sub.open.
func cutEpoch(s string) (epoch, rest string) {
	const before = `"epoch":"`
	i := strings.Index(s, before) + len(before)
	return s[i : i+12], s[:i] + s[i+12:]
}

func TestStateSendsWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		nc := serve(t, y.reg, ServerConfig{}).dial()
		defer nc.Close()
		in := bufio.NewReader(nc)
		_, opened := cutEpoch(ask(t, nc, in, "sub.open", `{"topic":"state.pools"}`))
		wantLine(t, opened, `{"sub":1,"epoch":"","seq":1,"resumed":false,"snapshot":{"objects":{"shop":{"up":1}}}}`)
		y.set("shop", map[string]any{"up": 2, "why": "slow"})
		wantLine(t, line(t, in), `sub.event {"sub":1,"seq":2,"data":{"shop":{"up":2,"why":"slow"}}}`)
		y.set("shop", map[string]any{"up": 2, "why": nil})
		y.set("web", map[string]any{"up": 7})
		wantLine(t, line(t, in), `sub.event {"sub":1,"seq":3,"data":{"shop":{"why":null},"web":{"up":7}}}`)
		y.set("web", nil)
		wantLine(t, line(t, in), `sub.event {"sub":1,"seq":4,"data":{"web":null}}`)
		y.pools.Changed() // and nothing did
		time.Sleep(time.Minute)
		wantLine(t, ask(t, nc, in, "sub.close", `{"sub":1}`), `{}`)
	})
}
