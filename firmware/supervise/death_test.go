// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A supervisorProcess is a supervisor that can be killed. Its standard output
// ends when it and all its roles are gone.
type supervisorProcess struct {
	t   *testing.T
	cmd *exec.Cmd
	out *bufio.Reader
}

func startSupervisor(t *testing.T, child string) *supervisorProcess {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &supervisorProcess{t: t, cmd: exec.Command(exe)}
	p.cmd.Env = append(os.Environ(), roleEnv+"=supervisor", "GORACE=atexit_sleep_ms=0", "CHILD="+child, "ADDR="+freePort(t))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout = w
	p.out = bufio.NewReader(r)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	_ = r.SetReadDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		r.Close()
	})
	return p
}

// line returns the rest of the next line that begins with word.
func (p *supervisorProcess) line(word string) string {
	p.t.Helper()
	for {
		s, err := p.out.ReadString('\n')
		if err != nil {
			p.t.Fatalf("no line %q: %v", word, err)
		}
		if rest, ok := strings.CutPrefix(strings.TrimSpace(s), word); ok {
			return strings.TrimSpace(rest)
		}
	}
}

func TestRoleEndsWhenTheSupervisorIsKilled(t *testing.T) {
	p := startSupervisor(t, "server")
	p.line("serving")
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.line("gone") // it noticed and ends in order
	if rest, err := io.ReadAll(p.out); err != nil || len(rest) > 0 {
		t.Errorf("the role goes on: %q, %v", rest, err)
	}
}

func TestSignalStopsTheSupervisor(t *testing.T) {
	p := startSupervisor(t, "server")
	p.line("running")
	if err := p.cmd.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(p.out); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the supervisor ended with %v, want no error", err)
	}
}

func TestSecondSignalKillsAStubbornRole(t *testing.T) {
	p := startSupervisor(t, "stubborn")
	p.line("up")
	for _, sig := range []os.Signal{unix.SIGTERM, unix.SIGINT} { // two of one kind may become one
		if err := p.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	if _, err := io.ReadAll(p.out); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 8*time.Second { // 10s is the patience with one signal
		t.Errorf("the role lived %v after the second signal", took)
	}
}

func TestStrangersAreReaped(t *testing.T) {
	p := startSupervisor(t, "orphaner")
	orphan := p.line("orphan")
	deadline := time.Now().Add(10 * time.Second)
	for {
		_, err := os.Stat(fmt.Sprintf("/proc/%s", orphan))
		if os.IsNotExist(err) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("an orphan stays a zombie")
		}
		time.Sleep(10 * time.Millisecond) // another process's death cannot be waited for
	}
	// The roles' own ends are still told apart from strangers'.
	if err := p.cmd.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the supervisor ended with %v, want no error", err)
	}
}
