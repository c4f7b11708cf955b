// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A liveBox is a whole box: supervisor and engine, each this test binary.
type liveBox struct {
	t     *testing.T
	state string
	log   string // file with what its processes print
}

// patience bounds every wait for a box.
const patience = 30 * time.Second

// startLive starts a box with its first configuration and flags of "evener run", and
// returns when its API answers. It is stopped when the test ends.
func startLive(t *testing.T, config string, flags ...string) *liveBox {
	t.Helper()
	dir := t.TempDir()
	b := &liveBox{t: t, state: filepath.Join(dir, "state"), log: filepath.Join(dir, "log")}
	file := filepath.Join(dir, "first.hcl")
	if !strings.Contains(config, "console {") { // boxes of other tests would want the same port
		config += "console { listen = [] }\n"
	}
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(b.log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := b.command(append([]string{"run", "--board", "host", "--config", file}, flags...)...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		defer time.AfterFunc(3*time.Minute, func() { cmd.Process.Kill() }).Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the box ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the box wrote:\n%s", b.printed())
		}
	})
	b.await("its API answers", func() bool { return b.cli("show", "pools").code == 0 })
	return b
}

func (b *liveBox) command(args ...string) *exec.Cmd {
	b.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.Command(exe, append(args, "--state", b.state)...)
	cmd.Env = readersEnvironment()
	return cmd
}

// An outcome is what a command did.
type outcome struct {
	stdout, stderr string
	code           int
}

// cli runs a command against the box.
func (b *liveBox) cli(args ...string) outcome {
	b.t.Helper()
	cmd := b.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		b.t.Fatal(err)
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// must runs a command that must succeed and returns what it printed.
func (b *liveBox) must(args ...string) string {
	b.t.Helper()
	o := b.cli(args...)
	if o.code != 0 {
		b.t.Fatalf("evener %s: exit code %d\n%s%s", strings.Join(args, " "), o.code, o.stdout, o.stderr)
	}
	return o.stdout
}

// printed returns what the box's processes have printed so far.
func (b *liveBox) printed() string {
	text, _ := os.ReadFile(b.log)
	return string(text)
}

func (b *liveBox) await(what string, done func() bool) {
	b.t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// loopback returns a free address below those that the kernel hands out, of whose
// ports the tests of e2e, which may run beside, have the lower half.
func loopback(t *testing.T) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 26000+rand.IntN(6000))
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no free port from 26000 to 32000")
	return ""
}

// silentOrigin takes connections and never answers. asked yields once for each
// of them that has sent something.
func silentOrigin(t *testing.T) (addr string, asked <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got := make(chan struct{}, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			go func() {
				if n, _ := c.Read(make([]byte, 4096)); n > 0 {
					got <- struct{}{}
				}
			}()
		}
	}()
	return l.Addr().String(), got
}

// hang sends a request that nobody is going to answer.
func hang(t *testing.T, addr string, asked <-chan struct{}) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", addr)
	select {
	case <-asked:
	case <-time.After(patience):
		t.Fatal("the request did not come to the member")
	}
	return c
}
