// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// A shell is one sh that runs commands one after the other, so that a variable
// set in one is there in the next.
type shell struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

// marker ends the output of each command, with its exit code behind it.
const marker = "-- end of the command --"

func startShell(t *testing.T, dir string) *shell {
	t.Helper()
	cmd := exec.Command("sh")
	cmd.Dir, cmd.Env = dir, readersEnvironment()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
		r.Close()
	})
	return &shell{t, in, bufio.NewReader(r)}
}

// readersEnvironment is that of somebody who has no box yet.
func readersEnvironment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "EVENER_STATE=") })
	return append(env, beEvener+"=1")
}

// run returns what a command printed and its exit code.
func (s *shell) run(command string) (output, code string) {
	s.t.Helper()
	fmt.Fprintf(s.in, "%s\nprintf '\\n%s%%s\\n' $?\n", command, marker)
	var b strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			s.t.Fatalf("the shell ended during %q: %v\n%s", command, err, b.String())
		}
		if code, ok := strings.CutPrefix(line, marker); ok {
			return b.String(), strings.TrimSpace(code)
		}
		b.WriteString(line)
	}
}

// check runs a step, again and again where its output is to come soon.
func (s *shell) check(st step) {
	s.t.Helper()
	for end := time.Now().Add(soon); ; time.Sleep(100 * time.Millisecond) {
		output, code := s.run(st.command)
		missing, hope := st.missing(output)
		if len(missing) == 0 && code == st.exit {
			return
		}
		if len(missing) == 0 || !hope || time.Now().After(end) { // what comes soon may change the exit code too
			s.t.Errorf("README.md:%d: %s\nended with %s, want %s, and lacks [%s] in:\n%s",
				st.line, st.command, code, st.exit, strings.Join(missing, ", "), output)
			return
		}
	}
}
