// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// confinedEnv makes the test binary a process that confines itself and then tries
// what it must not do. Its value is the folder that it may read.
const confinedEnv = "EVENER_TEST_CONFINED"

// tryConfined confines this process to dir and prints what it can still do. It
// returns the exit status.
func tryConfined(dir string) int {
	var out strings.Builder
	if err := confine(dir, slog.New(slog.NewTextHandler(&out, nil))); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Print(out.String())
	_, passwd := os.ReadFile("/etc/passwd")
	_, listing := os.ReadDir("/proc/self/fd")
	var plain net.ListenConfig
	plain.SetMultipathTCP(false) // of which Landlock knows nothing
	_, listen := plain.Listen(context.Background(), "tcp", "127.0.0.1:0")
	_, page := os.ReadFile(filepath.Join(dir, "index.html"))
	write := os.WriteFile(filepath.Join(dir, "new"), nil, 0o600)
	for name, err := range map[string]error{"passwd": passwd, "list": listing, "listen": listen, "page": page, "write": write} {
		fmt.Printf("%s refused=%t\n", name, errors.Is(err, fs.ErrPermission))
	}
	var files unix.Rlimit
	fmt.Println("limit", unix.Getrlimit(unix.RLIMIT_NOFILE, &files), files.Cur <= maxConsoleFiles)
	return 0
}

func TestConfinedConsoleOpensNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("page"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), confinedEnv+"="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "not confined") {
		t.Skipf("this kernel has no Landlock, as the log says: %s", out)
	}
	for _, want := range []string{"passwd refused=true", "list refused=true", "listen refused=true", "page refused=false", "write refused=true", "limit <nil> true"} {
		if !strings.Contains(string(out), want+"\n") {
			t.Errorf("want %q in\n%s", want, out)
		}
	}
}

func TestConsoleAccount(t *testing.T) {
	if os.Getuid() != 0 {
		if a, err := consoleAccount(""); a != nil || err != nil {
			t.Errorf("consoleAccount = %v, %v for an ordinary user, want nobody else", a, err)
		}
		if _, err := consoleAccount("nobody"); exitCode(err) != 2 {
			t.Errorf("consoleAccount of another user = %v, want it refused", err)
		}
		return
	}
	a, err := consoleAccount("")
	if err != nil || a.Uid == 0 || a.Gid == 0 || len(a.Groups) > 0 {
		t.Errorf("consoleAccount = %+v, %v; want a user without rights", a, err)
	}
	for _, name := range []string{"root", "no-such-user"} {
		if a, err := consoleAccount(name); exitCode(err) != 2 || !strings.Contains(err.Error(), name) {
			t.Errorf("consoleAccount(%q) = %+v, %v; want a mistake of usage", name, a, err)
		}
	}
}
