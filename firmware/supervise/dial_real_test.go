// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// answererRole answers each line of a connection that another role has dialled
// with "ROLE PID", until it is drained.
func answererRole() error {
	link, err := Join("")
	if err != nil {
		return err
	}
	if err := link.Ready(); err != nil {
		return err
	}
	for order := range link.Orders() {
		if order.Kind != Go {
			return link.Released()
		}
		go func() {
			for {
				c, err := link.Accepted().Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					for in := bufio.NewScanner(c); in.Scan(); {
						fmt.Fprintln(c, c.RemoteAddr(), os.Getpid())
					}
				}()
			}
		}()
	}
	return nil
}

// diallerRole asks the engine over a connection of its own for each line that
// comes to $ADDR. A connection that ends is dialled again: that is no failure.
func diallerRole() error {
	link, err := Join("")
	if err != nil {
		return err
	}
	if err := link.Ready(); err != nil {
		return err
	}
	s := relay{link: link}
	for order := range link.Orders() {
		if order.Kind != Go {
			return link.Released()
		}
		if err := s.open(); err != nil {
			return err
		}
	}
	return nil
}

type relay struct{ link *Link }

func (s *relay) open() error {
	spec := spec("tcp", os.Getenv("ADDR"))
	got, err := s.link.Acquire([]ListenSpec{spec})
	if err != nil {
		return err
	}
	ln, err := got[0].Net(0)
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	return nil
}

func (s *relay) serve(c net.Conn) {
	defer c.Close()
	for in := bufio.NewScanner(c); in.Scan(); {
		reply, err := s.ask(in.Text())
		for errors.Is(err, io.EOF) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
			reply, err = s.ask(in.Text())
		}
		if err != nil {
			reply = "failed: " + err.Error() + "\n"
		}
		if _, err := io.WriteString(c, reply); err != nil {
			return
		}
	}
}

// ask asks once. "to ROLE" dials that role.
func (s *relay) ask(line string) (string, error) {
	role := "engine"
	if to, ok := strings.CutPrefix(line, "to "); ok {
		role = to
	}
	up, err := s.link.Dial(context.Background(), role)
	if err != nil {
		return "", err
	}
	defer up.Close()
	if _, err := fmt.Fprintln(up, line); err != nil {
		return "", err
	}
	return bufio.NewReader(up).ReadString('\n')
}

// newPairBox starts a console that may dial the engine.
func newPairBox(t *testing.T) *box {
	t.Helper()
	addr := freePort(t)
	env := func(program string) []string {
		return []string{roleEnv + "=" + program, "GORACE=atexit_sleep_ms=0", "ADDR=" + addr}
	}
	return newBoxOf(t, "", addr, []Role{
		{Name: "console", MayListen: true, MayDial: []string{"engine"}, Env: env("dialler")},
		{Name: "engine", Env: env("answerer")},
	})
}

// engine returns the process id that the engine answers with.
func (b *box) engine() int {
	b.t.Helper()
	got, err := b.ask("who")
	pid, ok := strings.CutPrefix(got, "role:console ")
	n, err2 := strconv.Atoi(pid)
	if err != nil || !ok || err2 != nil {
		b.t.Fatalf("answer = %q, %v, want that of the engine to role:console", got, err)
	}
	return n
}

func TestDialReachesTheEngineThatRuns(t *testing.T) {
	b := newPairBox(t)
	first := b.engine()
	stop := load(func() {
		if got, err := b.ask("who"); err != nil || !strings.HasPrefix(got, "role:console ") {
			b.t.Errorf("answer = %q, %v", got, err)
		}
	})
	if err := b.Restart(t.Context(), "engine"); err != nil {
		t.Fatal(err)
	}
	if e := b.await(Exited); e.PID != first {
		t.Errorf("event = %+v, want the end of process %d", e, first)
	}
	second := b.engine()
	if second == first {
		t.Error("the engine that was replaced still answers")
	}
	if err := unix.Kill(second, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.await(Exited)
	if third := b.engine(); third == second || third == first {
		t.Errorf("process %d answers, which is dead", third)
	}
	stop()
	if got, err := b.ask("to console"); err != nil || !strings.Contains(got, "no right to dial") {
		t.Errorf("answer = %q, %v, want that the console may not dial itself", got, err)
	}
}

// TestCrashedConsoleLeavesTheEngineAlone: the engine reads the end, no more.
func TestCrashedConsoleLeavesTheEngineAlone(t *testing.T) {
	b := newPairBox(t)
	engine := b.engine()
	for range 3 {
		s, err := b.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Kill(s.Roles[0].PID, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		b.await(Running)
		if got := b.engine(); got != engine {
			t.Errorf("process %d answers, want %d still", got, engine)
		}
	}
}
