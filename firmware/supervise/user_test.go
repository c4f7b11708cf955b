// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"os"
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
	}
	exe := t.TempDir() + "/role" // the test binary's own directory may be closed to others
	b, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(exe, b, 0o755); err != nil {
		t.Fatal(err)
	}
	for dir := exe; dir != os.TempDir() && dir != "/"; dir = dir[:strings.LastIndexByte(dir, '/')] {
		_ = os.Chmod(dir, 0o755)
	}
	if _, err := kids.start(Config{Exe: exe, Stderr: &stderr}, role, end); err != nil {
		t.Fatal(err)
	}
	<-end.end
	for _, want := range []string{"Uid:\t65534\t65534\t", "CapEff:\t0000000000000400\n", "CapAmb:\t0000000000000400\n"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("status of the process lacks %q:\n%s", want, &stderr)
		}
	}
	if len(kids.pids) != 0 {
		t.Errorf("process ids are remembered: %v", kids.pids)
	}
}
