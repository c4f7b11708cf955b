// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"evener/board"
	"evener/firmware/api"
	"evener/firmware/manage"
	"evener/firmware/supervise"
)

// TestSerialConsoleOnADevice takes the other end of a pseudo-terminal for a serial
// line: it is made raw, and when it is gone that is told and tried again.
func TestSerialConsoleOnADevice(t *testing.T) {
	p, err := newPseudo()
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(p.path, os.O_RDWR|syscall.O_NOCTTY, 0) // before there is a dialogue, it must not hang up
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	state := t.TempDir()
	log := slog.New(slog.DiscardHandler)
	super := newSuperAPI(state, nil, log)
	super.adds = nil
	name := strings.TrimPrefix(p.path, "/dev/")
	s := newSerialConsole(board.Board{Console: board.Console{Devices: []string{name}, Speed: 9600}}, state, super, log)
	stop := s.start()
	defer stop()
	ty := newTypist(t, p.master)
	ty.does("does not answer\r\n(?s:.*)Press Enter", "\x1b[A\x00", "Number", "1", "ALARM", "0")
	ty.expect("Logged out")
	p.master.Close()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		var show serialLines
		if err := super.call(t.Context(), "serial", "serial.show", struct{}{}, &show); err != nil {
			t.Fatal(err)
		}
		if l := show.Lines[0]; !l.Open && l.Problem != "" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the line is gone, and serial.show says %+v", show)
		}
	}
}

// A collector is a writer that is read while it is written.
type collector struct {
	mu sync.Mutex
	b  strings.Builder
}

func (c *collector) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.Write(p)
}

func (c *collector) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.String()
}

func TestMaintenanceShellEndsWithItsInput(t *testing.T) {
	for _, last := range []string{"exit\n", "sleep 1000\n"} {
		in, typed := io.Pipe()
		var out collector
		over := make(chan error, 1)
		go func() { over <- maintenanceShell(context.Background(), in, &out) }()
		if _, err := io.WriteString(typed, "echo $((6*7))\n"); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(patience); !strings.Contains(out.String(), "42"); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the shell shows %q", out.String())
			}
		}
		io.WriteString(typed, last) // a shell that ends reads no further
		typed.Close()
		select {
		case err := <-over:
			if err != nil {
				t.Errorf("after %q: %v", last, err)
			}
		case <-time.After(patience):
			t.Fatalf("after %q the shell goes on", last)
		}
	}
}

func TestFactoryResetFromTheSerialConsole(t *testing.T) {
	b := startLive(t, "", "--board", "sim")
	b.admin()
	var before, after supervise.Status
	if err := b.ask(api.SupervisorSocket, "role.list", struct{}{}, &before); err != nil {
		t.Fatal(err)
	}
	ty := b.sit()
	ty.does("Press Enter", "", "l to log in", "14", "Keep how the box", "")
	_, name := ty.expect(`keys are not kept(?s:.*)Type (\S+) to reset`)
	ty.types(name)
	ty.expect("is reset and starts anew")
	b.await("another box answers", func() bool {
		return b.ask(api.SupervisorSocket, "role.list", struct{}{}, &after) == nil && after.Since.After(before.Since)
	})
	var code manage.SetupCode
	b.await("it has no administrator", func() bool {
		return b.ask(api.EngineSocket, "auth.setup_code", struct{}{}, &code) == nil && code.Code != ""
	})
	if out := b.must("audit"); !strings.Contains(out, "reset the box") || !strings.Contains(out, "set up the box") {
		t.Errorf("the audit log was not kept, or does not have it:\n%s", out)
	}
	for _, left := range []string{"store/fresh.json", "store.reset"} {
		if _, err := os.Lstat(filepath.Join(b.state, left)); err == nil {
			t.Errorf("%s is there still", left)
		}
	}
}
