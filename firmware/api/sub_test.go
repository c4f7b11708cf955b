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
	y.change(map[string]map[string]any{key: object})
}

// change sets objects, and removes those that are nil, at once.
func (y *yard) change(objects map[string]map[string]any) {
	y.mu.Lock()
	defer y.mu.Unlock()
	for key, object := range objects {
		if object == nil {
			delete(y.objects, key)
		} else {
			y.objects[key] = object
		}
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

// open follows the state of y's pools over a connection of its own, and returns it
// after the answer.
func (y *yard) open(t *testing.T, l *pipeListener, params string) (net.Conn, *bufio.Reader) {
	t.Helper()
	nc := l.dial()
	in := bufio.NewReader(nc)
	if got := ask(t, nc, in, "sub.open", params); !strings.Contains(got, `"resumed"`) {
		t.Fatalf("sub.open %s = %s", params, got)
	}
	return nc, in
}

// A subscriber who does not read sees fewer states, and then the right one.
func TestSlowSubscriberGetsMergedState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		nc, in := y.open(t, serve(t, y.reg, ServerConfig{}), `{"topic":"state.pools"}`)
		defer nc.Close()
		for i := range 12 {
			y.change(map[string]map[string]any{"shop": {"up": i, "who": fmt.Sprint("n", i)}, fmt.Sprint("p", i%3): {"n": i}})
			time.Sleep(600 * time.Millisecond)
		}
		wantLine(t, line(t, in), `sub.event {"sub":1,"seq":2,"data":{"p0":{"n":0},"shop":{"up":0,"who":"n0"}}}`) // was on its way
		wantLine(t, line(t, in), `sub.event {"sub":1,"seq":13,"data":{"p0":{"n":9},"p1":{"n":10},"p2":{"n":11},"shop":{"up":11,"who":"n11"}}}`)
	})
}

// One who is so far behind that nobody knows what it has gets everything anew.
func TestStateIsToldAnewAfterTheRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		f := Objects{}
		nc, in := y.open(t, serve(t, y.reg, ServerConfig{WriteTimeout: time.Hour}), `{"topic":"state.pools"}`)
		defer nc.Close()
		f["shop"] = map[string]any{"up": json.Number("1")}
		for i := range 100 {
			y.change(map[string]map[string]any{fmt.Sprint("p", i): {"n": i}, fmt.Sprint("p", i-50): nil, "shop": nil})
			time.Sleep(time.Second)
		}
		apply := func(want string) {
			var e struct {
				Params struct {
					Seq  uint64          `json:"seq"`
					Data json.RawMessage `json:"data"`
				} `json:"params"`
			}
			text, err := in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(text), &e); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Apply(Event{Data: e.Params.Data}); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(e.Params.Seq, len(f)); got != want {
				t.Errorf("after %.80s: %s, want %s", text, got, want)
			}
		}
		apply("2 1")
		apply("0 0")
		apply("101 50")
		if f["p50"] == nil || f["p99"] == nil {
			t.Errorf("objects = %v", f)
		}
	})
}

func TestStateResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		l := serve(t, y.reg, ServerConfig{})
		nc := l.dial()
		epoch, _ := cutEpoch(ask(t, nc, bufio.NewReader(nc), "sub.open", `{"topic":"state.pools"}`))
		nc.Close()
		synctest.Wait()
		y.set("web", map[string]any{"up": 3}) // while nobody follows
		time.Sleep(time.Minute)
		since := func(epoch string, seq int) (string, *bufio.Reader) {
			nc := l.dial()
			t.Cleanup(func() { nc.Close() })
			in := bufio.NewReader(nc)
			_, opened := cutEpoch(ask(t, nc, in, "sub.open",
				fmt.Sprintf(`{"topic":"state.pools","since":{"epoch":%q,"seq":%d}}`, epoch, seq)))
			return opened, in
		}
		opened, in := since(epoch, 1)
		wantLine(t, opened, `{"sub":1,"epoch":"","seq":1,"resumed":true}`)
		wantLine(t, line(t, in), `sub.event {"sub":1,"seq":2,"data":{"web":{"up":3}}}`)
		const whole = `{"sub":1,"epoch":"","seq":2,"resumed":false,"snapshot":{"objects":{"shop":{"up":1},"web":{"up":3}}}}`
		opened, _ = since("of before", 1)
		wantLine(t, opened, whole)
		opened, _ = since(epoch, 77)
		wantLine(t, opened, whole)
	})
}

// What a topic shows is computed once, however many follow it.
func TestSnapshotsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		l := serve(t, y.reg, ServerConfig{})
		var ins []*bufio.Reader
		for range 50 {
			nc, in := y.open(t, l, `{"topic":"state.pools"}`)
			defer nc.Close()
			ins = append(ins, in)
		}
		y.set("shop", map[string]any{"up": 2})
		for _, in := range ins {
			wantLine(t, line(t, in), `sub.event {"sub":1,"seq":2,"data":{"shop":{"up":2}}}`)
		}
		if y.asked != 2 {
			t.Errorf("the objects were asked for %d times, want 2", y.asked)
		}
	})
}

// Changed is heard at once, and then no more often than the topic's rate.
func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		l := serve(t, y.reg, ServerConfig{})
		nc, in := y.open(t, l, `{"topic":"state.pools"}`)
		defer nc.Close()
		slow, inSlow := y.open(t, l, `{"topic":"state.pools","max_hz":0.1}`)
		defer slow.Close()
		start := time.Now()
		go func() {
			for i := range 250 {
				y.set("shop", map[string]any{"up": i})
				time.Sleep(100 * time.Millisecond)
			}
		}()
		counts := make(chan [2]int)
		for k, in := range []*bufio.Reader{in, inSlow} {
			go func() {
				n := 0
				for time.Since(start) < 24*time.Second {
					if _, err := in.ReadString('\n'); err != nil {
						break
					}
					n++
				}
				counts <- [2]int{k, n}
			}()
		}
		for range 2 {
			c := <-counts
			if want := [][2]int{{47, 51}, {3, 4}}[c[0]]; c[1] < want[0] || c[1] > want[1] {
				t.Errorf("subscriber %d had %d events in 24 s, want %v", c[0], c[1], want)
			}
		}
		time.Sleep(time.Minute)
	})
}

func TestSeriesDropsOldTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		nc, in := y.open(t, serve(t, y.reg, ServerConfig{WriteTimeout: time.Hour}), `{"topic":"series.live","params":{"series":["a"]}}`)
		defer nc.Close()
		wantLine(t, line(t, in), `sub.event {"sub":1,"seq":2,"data":{"t":"2000-01-01T00:00:01Z","cols":{"a":[1]}}}`)
		time.Sleep(10*time.Minute + time.Second/2)
		wantLine(t, line(t, in), `sub.event {"sub":1,"seq":3,"data":{"t":"2000-01-01T00:00:02Z","cols":{"a":[2]}}}`) // was on its way
		if got := line(t, in); !strings.HasPrefix(got, `sub.event {"sub":1,"seq":543,`) {
			t.Errorf("the oldest tick is %s, want number 543", got)
		}
	})
}

func TestLogTellsGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		l := serve(t, y.reg, ServerConfig{WriteTimeout: time.Hour})
		say := func(n int) {
			for range n {
				y.ring.Append("x")
			}
			y.log.Changed()
		}
		say(3)
		nc := l.dial()
		defer nc.Close()
		in := bufio.NewReader(nc)
		epoch, opened := cutEpoch(ask(t, nc, in, "sub.open", `{"topic":"log.events","tail":2}`))
		wantLine(t, opened, `{"sub":1,"epoch":"","seq":3,"resumed":false,"snapshot":{"seq":3,"entries":["x","x"]}}`)
		say(1)
		wantLine(t, line(t, in), `sub.event {"sub":1,"seq":4,"data":"x"}`)
		say(1)
		time.Sleep(time.Second) // number 5 is on its way
		say(600)
		time.Sleep(time.Second)
		wantLine(t, line(t, in), `sub.event {"sub":1,"seq":5,"data":"x"}`)
		wantLine(t, line(t, in), `sub.gap {"sub":1,"from":6,"to":93,"dropped":88}`)
		wantLine(t, line(t, in), `sub.event {"sub":1,"seq":94,"data":"x"}`)

		// The source itself loses 500 of 1500.
		other := l.dial()
		defer other.Close()
		in = bufio.NewReader(other)
		_, opened = cutEpoch(ask(t, other, in, "sub.open", fmt.Sprintf(`{"topic":"log.events","since":{"epoch":%q,"seq":604}}`, epoch)))
		wantLine(t, opened, `{"sub":1,"epoch":"","seq":604,"resumed":true}`)
		wantLine(t, line(t, in), `sub.event {"sub":1,"seq":605,"data":"x"}`)
		say(1500)
		wantLine(t, line(t, in), `sub.gap {"sub":1,"from":606,"to":1593,"dropped":988}`)
		wantLine(t, line(t, in), `sub.event {"sub":1,"seq":1594,"data":"x"}`)
	})
}

func TestLogFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		for i := range 900 {
			y.ring.Append(fmt.Sprint("entry ", i))
		}
		nc := serve(t, y.reg, ServerConfig{}).dial()
		defer nc.Close()
		in := bufio.NewReader(nc)
		_, opened := cutEpoch(ask(t, nc, in, "sub.open", `{"topic":"log.events","params":{"with":"77"}}`))
		wantLine(t, opened, `{"sub":1,"epoch":"","seq":878,"resumed":false,"snapshot":{"seq":878,"entries":[`+
			`"entry 77","entry 177","entry 277","entry 377","entry 477","entry 577","entry 677","entry 770","entry 771","entry 772",`+
			`"entry 773","entry 774","entry 775","entry 776","entry 777","entry 778","entry 779","entry 877"]}}`)
		y.ring.Append("entry 78")
		y.ring.Append("entry 1077")
		y.log.Changed()
		wantLine(t, line(t, in), `sub.event {"sub":1,"seq":902,"data":"entry 1077"}`)
	})
}
