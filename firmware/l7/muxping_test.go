// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"evener/firmware/stats"
)

// A wall passes connections on until it is frozen: those that stand then are silent.
type wall struct {
	net.Listener
	mu     sync.Mutex // guards frozen
	frozen map[net.Conn]bool
}

func newWall(t *testing.T, to net.Addr) *wall {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wall{Listener: ln, frozen: map[net.Conn]bool{}}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			d, err := net.Dial("tcp", to.String())
			if err != nil {
				c.Close()
				continue
			}
			w.mu.Lock()
			w.frozen[c] = false
			w.mu.Unlock()
			go w.pass(c, d, c)
			go w.pass(d, c, c)
		}
	}()
	return w
}

func (w *wall) pass(from, to, key net.Conn) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		w.mu.Lock()
		frozen := w.frozen[key]
		w.mu.Unlock()
		if err != nil {
			return
		}
		if !frozen {
			to.Write(buf[:n])
		}
	}
}

func (w *wall) freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.frozen {
		w.frozen[c] = true
	}
}

// A stream on a connection that was silent asks whether the member is there. If it is,
// all goes on; if it is not, the request goes by another connection.
func TestVanishedMemberIsFoundByPing(t *testing.T) {
	s := memberServer(t, false, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr) })
	w := newWall(t, s.Listener.Addr())
	b := muxBox(t, w.Addr(), true, nil)
	b.streamMember(false)
	tr, url := muxClient(t, b)
	mux := func() *serverMux { return b.pool.Upstreams[0].slots[0].muxes[0] }
	silence := func() { b.do(func() { mux().heard = b.w.loop.Now() - int64(silentAfter) - 1 }) }
	_, first := fetch(t, tr, "GET", url, nil)

	silence()
	if _, got := fetch(t, tr, "GET", url, nil); got != first {
		t.Errorf("the member answers, and the connection is left: %q, want %q", got, first)
	}
	b.do(func() {
		if mux().pinged {
			t.Error("an answer is waited for that has come")
		}
	})

	silence()
	w.freeze()
	done := make(chan string)
	go func() { _, got := fetch(t, tr, "GET", url, nil); done <- got }()
	b.eventually("a PING is open", func() bool { return mux().pinged })
	b.do(func() { mux().Expire(nil) })
	if got := <-done; got == "" || got == first {
		t.Errorf("the member is gone: answer %q, want one by another connection than %q", got, first)
	}
	if n := b.pool.Upstreams[0].Stats.Slot(0).Errors[stats.ErrTimeout].Value(); n != 1 {
		t.Errorf("time-outs of the member = %d, want 1", n)
	}
	tr.CloseIdleConnections()
	b.noneLeft()
}

// A connection that is in use is not asked.
func TestNoPingWhereTheMemberSpeaks(t *testing.T) {
	s := memberServer(t, false, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	b := muxBox(t, s.Listener.Addr(), true, nil)
	b.streamMember(false)
	tr, url := muxClient(t, b)
	for range 3 {
		fetch(t, tr, "GET", url, nil)
		b.do(func() {
			if b.pool.Upstreams[0].slots[0].muxes[0].pinged {
				t.Error("a member that has just spoken was asked whether it is there")
			}
		})
	}
	tr.CloseIdleConnections()
	b.noneLeft()
}
