// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// A build is one way of building the program.
type build struct {
	name    string
	version string
	race    bool
}

// The builds that the tests use.
var (
	checked  = build{name: "checked", version: "e2e-1", race: raceDetector} // what a test uses unless it says why not
	plain    = build{name: "plain", version: "e2e-1"}
	upgraded = build{name: "upgraded", version: "e2e-2", race: raceDetector}
)

// builder makes each build once, in a folder that TestMain removes.
var builder struct {
	dir  string
	mu   sync.Mutex // guards once
	once map[build]func() (string, error)
}

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	// Programs with the race detector wait a second before they exit.
	os.Setenv("GORACE", "atexit_sleep_ms=20")
	dir, err := os.MkdirTemp("", "evener-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	builder.dir, builder.once = dir, map[build]func() (string, error){}
	return m.Run()
}

// program returns the path of a build.
func program(t *testing.T, b build) string {
	t.Helper()
	builder.mu.Lock()
	once := builder.once[b]
	if once == nil {
		once = sync.OnceValues(func() (string, error) { return b.make() })
		builder.once[b] = once
	}
	builder.mu.Unlock()
	path, err := once()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (b build) make() (string, error) {
	path := filepath.Join(builder.dir, "evener-"+b.name)
	args := []string{"build", "-o", path, "-ldflags", "-X main.version=" + b.version}
	if b.race {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "evener/firmware/cmd/evener")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go %v: %w\n%s", args, err, out)
	}
	return path, nil
}

// scale returns how many requests to send: n, or a tenth in a short run.
func scale(n int) int {
	if testing.Short() || os.Getenv("EVENER_SHORT") != "" {
		return n / 10
	}
	return n
}
