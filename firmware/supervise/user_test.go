// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A nullSink does not care.
type nullSink struct{ end chan string }

func (nullSink) said(frame)           {}
func (nullSink) hungUp()              {}
func (s nullSink) ended(cause string) { s.end <- cause }

func TestRoleRunsAsItsUserWithItsCapabilities(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("changing the user needs root")
	}
	var stderr lockedBuffer
	kids := children{pids: map[int]bool{}}
	end := nullSink{make(chan string, 1)}
	role := Role{
		Env:         []string{roleEnv + "=status", "GORACE=atexit_sleep_ms=0"},
		Credential:  &syscall.Credential{Uid: 65534, Gid: 65534},
		AmbientCaps: []uintptr{unix.CAP_NET_BIND_SERVICE},
		Bound:       true,
	}
	// The role may not reach the file of its own program: see program.
	exe := filepath.Join(t.TempDir(), "role")
	b, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(exe, b, 0o755), os.Chmod(filepath.Dir(exe), 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := kids.start(Config{Exe: exe, Stderr: &stderr}, role, end); err != nil {
		t.Fatal(err)
	}
	<-end.end
	for _, want := range []string{"Uid:\t65534\t65534\t", "CapEff:\t0000000000000400\n", "CapBnd:\t0000000000000400\n", "CapAmb:\t0000000000000400\n"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("status of the process lacks %q:\n%s", want, &stderr)
		}
	}
	if len(kids.pids) != 0 {
		t.Errorf("process ids are remembered: %v", kids.pids)
	}
}

// TestRoleIsBoundInWhatItMayGain holds for every user, whoever runs the box.
func TestRoleIsBoundInWhatItMayGain(t *testing.T) {
	status := func(r Role) string {
		t.Helper()
		var stderr lockedBuffer
		kids := children{pids: map[int]bool{}}
		end := nullSink{make(chan string, 1)}
		r.Env = []string{roleEnv + "=status", "GORACE=atexit_sleep_ms=0"}
		if _, err := kids.start(Config{Exe: os.Args[0], Stderr: &stderr}, r, end); err != nil {
			t.Fatal(err)
		}
		if cause := <-end.end; cause != "exit status 0" {
			t.Fatalf("the role ended with %s", cause)
		}
		return stderr.String()
	}
	rights := func(status string) (lines []string) { // of the one that is not bound
		for line := range strings.Lines(status) {
			if strings.HasPrefix(line, "NoNewPrivs") || strings.HasPrefix(line, "nice") || strings.HasPrefix(line, "CapBnd") {
				lines = append(lines, line)
			}
		}
		return lines
	}
	before := rights(status(Role{}))
	bound := Role{NoNewPrivs: true, Nice: 5}
	want := []string{"NoNewPrivs:\t1\n", "nice 5\n"}
	if os.Getuid() == 0 {
		bound.Credential, bound.Bound = &syscall.Credential{Uid: 65534, Gid: 65534}, true
		want = append(want, "Uid:\t65534\t65534\t65534\t65534\n", "Gid:\t65534\t65534\t65534\t65534\n", "Groups:\t \n",
			"CapInh:\t0000000000000000\n", "CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n", "CapBnd:\t0000000000000000\n", "CapAmb:\t0000000000000000\n")
	} else {
		want = append(want, fmt.Sprintf("Uid:\t%d\t", os.Getuid()), "CapEff:\t0000000000000000\n")
	}
	for _, w := range want {
		if got := status(bound); !strings.Contains(got, w) {
			t.Errorf("status of the process lacks %q:\n%s", w, got)
		}
	}
	// None of it stays with the supervisor, nor goes to the role that is next.
	for range 20 {
		if got := rights(status(Role{})); !slices.Equal(got, before) || len(got) != 3 {
			t.Fatalf("a role that is not bound has %q, had %q before another was", got, before)
		}
	}
}
