// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// say writes lines to nc in the background: a pipe has no buffer.
func say(nc net.Conn, lines ...string) {
	go func() {
		for _, l := range lines {
			if _, err := nc.Write([]byte(l + "\n")); err != nil {
				return
			}
		}
	}()
}

func call(id int, method string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"%s"}`, id, method)
}

// hear reads one answer and returns its id and its error's code.
func hear(t *testing.T, in *bufio.Reader) string {
	t.Helper()
	line, err := in.ReadString('\n')
	if err != nil {
		return "closed"
	}
	var a answer
	if err := json.Unmarshal([]byte(line), &a); err != nil {
		t.Fatalf("answer %q: %v", line, err)
	}
	if a.Error == nil {
		return string(a.ID) + " ok"
	}
	return fmt.Sprintf("%s %d", a.ID, a.Error.Code)
}

func expect(t *testing.T, in *bufio.Reader, want string) {
	t.Helper()
	if got := hear(t, in); got != want {
		t.Errorf("answer = %q, want %q", got, want)
	}
}

func TestCallsInFlightAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc := serve(t, newBox(quiet, nil), ServerConfig{}).dial()
		in := bufio.NewReader(nc)
		for id := range 32 {
			say(nc, call(id, "sys.wait"))
			synctest.Wait()
		}
		say(nc, call(32, "sys.wait"))
		expect(t, in, "32 -32004")
		say(nc, call(7, "sys.fail")) // in use: answered under no id
		expect(t, in, "null -32600")
		say(nc, `{"jsonrpc":"1.0","id":7}`)
		expect(t, in, "null -32600")
		say(nc, `{"jsonrpc":"2.0","method":"$/cancel","params":{"id":7}}`)
		expect(t, in, "7 -32050")
		say(nc, call(7, "sys.fail"))
		expect(t, in, "7 -32000")
		nc.Close()
	})
}

func TestMethodTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc := serve(t, newBox(quiet, nil), ServerConfig{}).dial()
		in := bufio.NewReader(nc)
		start := time.Now()
		say(nc, call(1, "sys.wait"))
		expect(t, in, "1 -32051")
		if took := time.Since(start); took != time.Hour {
			t.Errorf("timeout after %v, want 1h", took)
		}
		nc.Close()
	})
}

// A client that does not read its answers is cut off after ten seconds, with
// its calls, and holds up no one else.
func TestSlowReaderIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		reg := newBox(quiet, nil)
		Add(reg, Method{Name: "sys.watch", Purpose: "Tell when it ends.", Role: Viewer},
			func(ctx context.Context, _ Call, _ struct{}) (struct{}, error) {
				<-ctx.Done()
				close(ended)
				return struct{}{}, nil
			})
		l := serve(t, reg, ServerConfig{})
		slow, other := l.dial(), l.dial()
		start := time.Now()
		say(slow, call(1, "sys.watch"))
		synctest.Wait()
		var more []string
		for id := 2; id < 200; id++ {
			more = append(more, call(id, "sys.fail"))
		}
		say(slow, more...)
		synctest.Wait()
		say(other, call(1, "sys.fail"))
		expect(t, bufio.NewReader(other), "1 -32000")
		<-ended
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("cut off after %v, want 10s", took)
		}
		slow.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := slow.Read(make([]byte, 1)); err == nil || isTimeout(err) {
			t.Errorf("read from a cut connection = %v, want it closed", err)
		}
		other.Close()
	})
}

// A request may be awaited for ever, but not its second half.
func TestTricklingSenderIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc := serve(t, newBox(quiet, nil), ServerConfig{}).dial()
		in := bufio.NewReader(nc)
		time.Sleep(24 * time.Hour)
		say(nc, call(1, "sys.fail"))
		expect(t, in, "1 -32000")
		start := time.Now()
		go func() {
			for range 100 {
				if _, err := nc.Write([]byte("{")); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		expect(t, in, "null -32051")
		expect(t, in, "closed")
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("cut off after %v, want 10s", took)
		}
		nc.Close()
		time.Sleep(time.Minute) // let the sender see it
	})
}

func TestConnectionsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := serve(t, newBox(quiet, nil), ServerConfig{})
		var ncs []net.Conn
		for range 64 {
			ncs = append(ncs, l.dial())
		}
		synctest.Wait()
		in := bufio.NewReader(l.dial())
		expect(t, in, "null -32004")
		expect(t, in, "closed")
		ncs[0].Close()
		synctest.Wait()
		nc := l.dial()
		say(nc, call(1, "sys.fail"))
		expect(t, bufio.NewReader(nc), "1 -32000")
		for _, nc := range append(ncs, nc) {
			nc.Close()
		}
	})
}

func TestUnknownPeerIsToldAndClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := serve(t, newBox(quiet, nil), ServerConfig{Identify: func(net.Conn) (Call, error) { return callOf(1234567, 1, 0) }})
		line, err := bufio.NewReader(l.dial()).ReadString('\n')
		if err != nil || !strings.Contains(line, "uid 1234567 may not use this socket: call as root or as root") {
			t.Errorf("answer = %q %v", line, err)
		}
	})
}

// Serve waits for the methods that it has cancelled.
func TestServeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- Serve(ctx, l, newBox(quiet, nil), quiet, ServerConfig{Identify: admin}) }()
		nc := l.dial()
		say(nc, call(1, "sys.wait"))
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve = %v, want nil", err)
		}
		expect(t, bufio.NewReader(nc), "closed")
	})
}

// Who asks the box to start anew hears that it does, whatever else is under way.
func TestLastWordsOfAServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		ctx, cancel := context.WithCancel(t.Context())
		reg := newBox(quiet, nil)
		Add(reg, Method{Name: "sys.leave", Purpose: "End the server.", Role: Viewer},
			func(context.Context, Call, struct{}) (string, error) {
				cancel()
				time.Sleep(lastWords / 2)
				return "gone", nil
			})
		ended := make(chan error)
		go func() { ended <- Serve(ctx, l, reg, quiet, ServerConfig{Identify: admin}) }()
		nc, deaf := l.dial(), l.dial()
		say(deaf, call(1, "sys.info")) // and does not take the answer
		say(nc, call(1, "sys.wait"), call(2, "sys.leave"))
		in := bufio.NewReader(nc)
		expect(t, in, "2 ok")
		expect(t, in, "closed")
		if err := <-ended; err != nil {
			t.Errorf("Serve = %v, want nil", err)
		}
	})
}
