// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// newFlood is a box whose topics move a lot.
func newFlood() *Registry {
	reg := newBox(quiet, nil)
	var n atomic.Int64
	text := strings.Repeat("x", 500)
	AddState(reg, Topic{Name: "state.flood", Purpose: "Moves.", Role: Viewer, Every: time.Second},
		func(_ context.Context, _ Call, p struct {
			N int `json:"n,omitempty"`
		}) (map[string]any, error) {
			n := n.Add(1)
			out := make(map[string]any)
			for i := range 20 {
				out[fmt.Sprint("server", i)] = map[string]any{"n": n + int64(i), "text": text}
			}
			return out, nil
		})
	ring := NewRing[string](1000)
	AddLog(reg, Topic{Name: "log.flood", Purpose: "Writes.", Role: Viewer, Every: time.Second, Rate: 20},
		func(_ context.Context, _ Call, p struct {
			N int `json:"n,omitempty"`
		}, after uint64, most int) (Batch[string], error) {
			for range 100 {
				ring.Append(text)
			}
			return ring.Read(after, most, func(string) bool { return true }), nil
		})
	return reg
}

// heap returns the bytes in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A client that opens all that it can and reads nothing is cut off after ten
// seconds; until then it holds little, and others get what is theirs.
func TestClientWhoReadsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := newFlood()
		l := serve(t, reg, ServerConfig{})
		good := l.dial()
		defer good.Close()
		in := bufio.NewReader(good)
		ask(t, good, in, "sub.open", `{"topic":"state.flood"}`)
		before := heap()
		var bad []net.Conn
		for range 20 {
			nc := l.dial()
			bad = append(bad, nc)
			var lines []string
			for i := range 1000 {
				lines = append(lines, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"sub.open","params":{"topic":"log.flood","tail":500}}`, i))
			}
			say(nc, lines...)
		}
		for range 9 {
			if got := line(t, in); !strings.HasPrefix(got, `sub.event {"sub":1,`) {
				t.Fatalf("the good client got %.100s", got)
			}
		}
		if held := int64(heap()) - int64(before); held > 20*(2<<20)+8<<20 {
			t.Errorf("20 clients hold %d bytes", held)
		}
		time.Sleep(5 * time.Second)
		for i, nc := range bad {
			nc.SetReadDeadline(time.Now().Add(time.Second))
			if _, err := nc.Read(make([]byte, 1)); err == nil || isTimeout(err) {
				t.Errorf("client %d is still there", i)
			}
		}
		if got := line(t, in); !strings.HasPrefix(got, `sub.event {"sub":1,`) {
			t.Errorf("the good client got %.100s", got)
		}
	})
}

// Opening and closing leaves nothing behind, whatever the parameters.
func TestManyDifferentFeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := newFlood()
		nc := serve(t, reg, ServerConfig{}).dial()
		defer nc.Close()
		in := bufio.NewReader(nc)
		for i := range 2000 {
			got := ask(t, nc, in, "sub.read", fmt.Sprintf(`{"topic":"state.flood","params":{"n":%d}}`, i))
			if !strings.HasPrefix(got, `{"sub":0,"epoch"`) {
				t.Fatalf("read %d = %.200s", i, got)
			}
		}
		if n := len(reg.feeds.byKey); n > maxIdle {
			t.Errorf("%d feeds are kept, want at most %d", n, maxIdle)
		}
	})
}

// What is read from a client's meta, subscriptions and streams is checked, and
// answered with one line of JSON whatever it is.
func FuzzLines(f *testing.F) {
	seeds(f)
	for _, s := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"who.am_i","meta":{"origin":"console","token":"t-ann","remote":"192.0.2.7:1","agent":"a","key":"k","lang":"en"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"sub.open","params":{"topic":"state.pools","since":{"epoch":"x","seq":1},"max_hz":2,"tail":3},"meta":{"origin":"console","token":"t-ann"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"sub.update","params":{"sub":1,"params":{"series":[]}}}`,
		`{"jsonrpc":"2.0","method":"stream.data","params":{"stream":1,"offset":0,"data":"AA=="}}`,
		`{"jsonrpc":"2.0","method":"stream.credit","params":{"stream":1,"bytes":-9223372036854775808}}`,
		`{"jsonrpc":"2.0","method":"stream.end","params":{"stream":1,"ok":true,"sha256":"00"}}`,
	} {
		f.Add([]byte(s))
	}
	g := newGatehouse()
	f.Fuzz(func(t *testing.T, text []byte) {
		if strings.ContainsAny(string(text), "\n") || strings.Contains(string(text), "wait") {
			return
		}
		for _, identify := range []func(net.Conn) (Call, error){admin, consoleLink} {
			l := serve(t, newGate(), ServerConfig{Identify: identify, Authenticate: g.authenticate, Ended: g.ended})
			nc := l.dial()
			nc.SetDeadline(time.Now().Add(20 * time.Second))
			in := bufio.NewReader(nc)
			go fmt.Fprintf(nc, "%s\n"+`{"jsonrpc":"2.0","id":"last","method":"sys.none","meta":{"origin":"console"}}`+"\n", text)
			for {
				line, err := in.ReadBytes('\n')
				if err != nil {
					t.Fatalf("%q: %v", text, err)
				}
				checkAnswer(t, line)
				var a answer
				if json.Unmarshal(line, &a) == nil && string(a.ID) == `"last"` {
					break
				}
			}
			nc.Close()
		}
	})
}

// Applying the patch between two objects to the first gives the second.
func FuzzMergePatch(f *testing.F) {
	f.Add([]byte(`{"a":{"b":1,"c":[1,null]},"d":null}`), []byte(`{"a":{"b":1.0,"e":{}},"d":"x"}`))
	f.Add([]byte(`{"a":[]}`), []byte(`{"a":{"a":{}}}`))
	f.Add([]byte(`7`), []byte(`{"":{"":null}}`))
	f.Fuzz(func(t *testing.T, x, y []byte) {
		if !json.Valid(x) || !json.Valid(y) {
			return
		}
		from, err := snapshot(nil).snap(x)
		if err != nil {
			return
		}
		to, err := from.snap(y)
		if err != nil {
			return
		}
		patch, err := from.patch(to)
		if err != nil {
			t.Fatal(err)
		}
		o := Objects{}
		if _, err := o.Apply(Event{Snapshot: from.encode()}); err != nil {
			t.Fatal(err)
		}
		if patch != nil {
			if _, err := o.Apply(Event{Data: patch}); err != nil {
				t.Fatal(err)
			}
		}
		want := Objects{}
		if _, err := want.Apply(Event{Snapshot: to.encode()}); err != nil {
			t.Fatal(err)
		}
		got, _ := json.Marshal(o)
		if text, _ := json.Marshal(want); string(got) != string(text) {
			t.Fatalf("%s with %s = %s, want %s", from.encode(), patch, got, text)
		}
	})
}

// snap takes the JSON raw as the one object of a snapshot.
func (s snapshot) snap(raw []byte) (snapshot, error) {
	next, _, err := s.take(anySchema, map[string]any{"o": json.RawMessage(raw)})
	return next, err
}
