// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"evener/firmware/api"
	"evener/firmware/manage"
)

// A box is the running program.
type box struct {
	t     *testing.T
	exe   string
	state string
	file  string // first configuration
	log   string // what its processes wrote to standard error
	cmd   *exec.Cmd
	ended chan error // yields once, when the supervisor has ended
}

// A setup says how to start a box. Only config is required; a zero field takes
// the default named beside it.
type setup struct {
	config string
	exe    string   // the checked build
	wrap   []string // a program that starts the box, such as prlimit, and its arguments
}

// start starts a box and waits until it serves. It is stopped when the test ends,
// and its log must show no race and no panic.
func start(t *testing.T, s setup) *box {
	t.Helper()
	if s.exe == "" {
		s.exe = program(t, checked)
	}
	dir := t.TempDir()
	b := &box{t: t, exe: s.exe, state: filepath.Join(dir, "state"),
		file: filepath.Join(dir, "first.hcl"), log: filepath.Join(dir, "log")}
	b.write(b.file, s.config)
	t.Cleanup(b.finish)
	b.run(s.wrap...)
	b.await("the box serves", func() bool { return b.call("sys.info", nil, nil) == nil })
	return b
}

// run starts the supervisor.
func (b *box) run(wrap ...string) {
	b.t.Helper()
	args := append(wrap, b.exe, "run", "--board", "host", "--state", b.state, "--config", b.file)
	log, err := os.OpenFile(b.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		b.t.Fatal(err)
	}
	defer log.Close()
	b.cmd = exec.Command(args[0], args[1:]...)
	b.cmd.Stdout, b.cmd.Stderr = log, log
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	ended, cmd := make(chan error, 1), b.cmd
	go func() { ended <- cmd.Wait() }()
	b.ended = ended
}

// stop ends the box in order and returns how it ended.
func (b *box) stop() error {
	b.t.Helper()
	if err := b.cmd.Process.Signal(syscall.SIGTERM); errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	select {
	case err := <-b.ended:
		return err
	case <-time.After(30 * time.Second):
		b.cmd.Process.Kill()
		<-b.ended
		return errors.New("it had not ended 30s after SIGTERM")
	}
}

func (b *box) finish() {
	if b.cmd != nil {
		if err := b.stop(); err != nil {
			b.t.Errorf("the box ended with %v", err)
		}
	}
	log, _ := os.ReadFile(b.log)
	for _, bad := range []string{"DATA RACE", "panic:", "fatal error:"} {
		if bytes.Contains(log, []byte(bad)) {
			b.t.Errorf("the box's log has %q", bad)
		}
	}
	if b.t.Failed() {
		b.t.Logf("log of the box:\n%s", tail(log, 20_000))
	}
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

// await waits until done is true, at most half a minute.
func (b *box) await(what string, done func() bool) {
	b.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !done() {
		select {
		case err := <-b.ended:
			b.ended <- err
			b.t.Fatalf("the box ended (%v) before: %s", err, what)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("not within 30s: %s", what)
		}
	}
}

// call calls a method of the API on a connection of its own.
func (b *box) call(method string, params, result any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c, err := api.DialEngine(ctx, b.state)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Call(ctx, method, params, result)
}

// ask calls a method that must succeed.
func ask[R any](b *box, method string, params any) (result R) {
	b.t.Helper()
	if err := b.call(method, params, &result); err != nil {
		b.t.Fatalf("%s: %v %v", method, err, api.AsError(err).Problems)
	}
	return result
}

func (b *box) info() manage.Info { b.t.Helper(); return ask[manage.Info](b, "sys.info", nil) }

// An outcome is what a command did.
type outcome struct {
	stdout, stderr string
	code           int
}

// cli runs a command of the program against the box.
func (b *box) cli(args ...string) outcome { return b.cliWith("", args...) }

// cliWith runs a command with something on its standard input.
func (b *box) cliWith(stdin string, args ...string) outcome {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.exe, append([]string{"--state", b.state}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		b.t.Fatal(err)
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// must runs a command that must succeed and returns what it printed.
func (b *box) must(args ...string) string {
	b.t.Helper()
	o := b.cli(args...)
	if o.code != 0 {
		b.t.Fatalf("evener %s: exit code %d\n%s%s", strings.Join(args, " "), o.code, o.stdout, o.stderr)
	}
	return o.stdout
}

// attention returns what status prints of a box that needs attention.
func (b *box) attention() string {
	b.t.Helper()
	o := b.cli("status")
	if o.code != 1 {
		b.t.Errorf("evener status: exit code %d, want 1: something needs attention", o.code)
	}
	return o.stdout
}

// commit serves text.
func (b *box) commit(text string) {
	b.t.Helper()
	ask[manage.Checked](b, "config.set", map[string]any{"text": text})
	ask[manage.Committed](b, "config.commit", map[string]any{})
}

// killEngine kills the engine and waits until another serves.
func (b *box) killEngine() {
	b.t.Helper()
	old := b.info().PID
	b.kill(old)
	b.await("another engine serves", func() bool {
		var i manage.Info
		return b.call("sys.info", nil, &i) == nil && i.PID != old
	})
}

func (b *box) kill(pid int) {
	b.t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		b.t.Fatal(err)
	}
}

// usable waits until every member of a pool is up.
func (b *box) usable(pool string) {
	b.t.Helper()
	b.await("every member of "+pool+" is up", func() bool {
		for _, p := range ask[manage.Pools](b, "pool.list", nil).Pools {
			for _, m := range p.Members {
				if p.Name == pool && m.State != "up" {
					return false
				}
			}
		}
		return true
	})
}

func (b *box) member(pool, name string) manage.Member {
	b.t.Helper()
	for _, p := range ask[manage.Pools](b, "pool.list", nil).Pools {
		for _, m := range p.Members {
			if p.Name == pool && m.Name == name {
				return m
			}
		}
	}
	b.t.Fatalf("there is no member %s/%s", pool, name)
	return manage.Member{}
}

func (b *box) write(file, text string) {
	b.t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// freePort returns a port of 127.0.0.1 below those that the kernel hands out, of which
// the tests of cmd/evener, which may run beside, have the upper half.
func freePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		port := 20000 + rand.IntN(6000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port from 20000 to 32000")
	return 0
}
