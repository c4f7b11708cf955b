// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A step is one command of the README and what it must print.
type step struct {
	line    int
	command string
	wants   []want
	exit    string // code; "0" where no comment says otherwise
}

// A want is an excerpt of a command's output. "..." stands for anything within
// a line.
type want struct {
	text string
	soon bool // not at once: ask again
}

// soon is how long a "# soon ->" may take.
const soon = 30 * time.Second

// TestReadmeIsTrue runs the README's shell commands as they are written, in
// order, and compares what they print with the comments below them. The box has
// a network of its own, because the README's addresses are fixed.
func TestReadmeIsTrue(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may make a network namespace")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	steps := readmeSteps(t)
	ownNetwork(t)
	dir := t.TempDir()
	layOut(t, dir)
	sh := startShell(t, dir)
	for _, s := range steps {
		if s.command == "make run" {
			startBox(t, dir)
			continue
		}
		sh.check(s)
		if t.Failed() {
			return // the following commands build on this one
		}
	}
}

// readmeSteps reads the blocks of the language sh.
func readmeSteps(t *testing.T) (steps []step) {
	t.Helper()
	inside, n := false, 0
	for line := range strings.Lines(readTree(t, "README.md")) {
		line = strings.TrimRight(line, "\n")
		n++
		expect, isWant := strings.CutPrefix(line, "# -> ")
		later, isSoon := strings.CutPrefix(line, "# soon -> ")
		code, isExit := strings.CutPrefix(line, "# exit ")
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```sh"
		case !inside || line == "":
		case (isWant || isSoon) && len(steps) > 0:
			w := want{text: expect}
			if isSoon {
				w = want{later, true}
			}
			last := &steps[len(steps)-1]
			last.wants = append(last.wants, w)
		case isExit && len(steps) > 0:
			steps[len(steps)-1].exit = code
		case strings.HasPrefix(line, "#"):
			t.Errorf("README.md:%d: a comment in a block of commands begins with \"# -> \", \"# soon -> \" or \"# exit \"", n)
		default:
			steps = append(steps, step{line: n, command: line, exit: "0"})
		}
	}
	if len(steps) < 20 {
		t.Fatalf("README.md has %d commands in blocks of sh; the tour has more: does the test still read it?", len(steps))
	}
	return steps
}

// readTree returns a file's text; name is relative to the top of the tree.
func readTree(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// ownNetwork puts this goroutine's thread, and the processes that it starts,
// into a network namespace that has nothing but loopback. The thread ends with
// the test.
func ownNetwork(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("no network namespace can be made here: %v", err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		t.Fatalf("bring loopback up: %v", err)
	}
}

// layOut makes dir look like the top of the tree after "make build".
func layOut(t *testing.T, dir string) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join("..", "..", "..", "examples"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "build"), 0o755); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, filepath.Join(dir, "build", "evener")); err != nil {
		t.Fatal(err)
	}
}

// startBox does what "make run" does once it has built the program, and waits
// until the box has said what to open.
func startBox(t *testing.T, dir string) {
	t.Helper()
	found := regexp.MustCompile(`(?m)^EVENER_RUN_ARGS \?= (.*)$`).FindStringSubmatch(readTree(t, "Makefile"))
	if found == nil {
		t.Fatal("the Makefile has no EVENER_RUN_ARGS")
	}
	out, err := os.Create(filepath.Join(dir, "build", "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	box := exec.Command(filepath.Join(dir, "build", "evener"), append([]string{"run"}, strings.Fields(found[1])...)...)
	box.Dir, box.Env = dir, readersEnvironment()
	box.Stdout, box.Stderr = out, out
	if err := box.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		box.Process.Signal(os.Interrupt)
		if err := box.Wait(); err != nil {
			t.Errorf("the box ended with %v after Ctrl-C", err)
		}
		if t.Failed() {
			text, _ := os.ReadFile(out.Name())
			t.Logf("the box wrote:\n%s", text)
		}
	})
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if text, _ := os.ReadFile(out.Name()); strings.Contains(string(text), "End it with Ctrl-C.") {
			return
		}
	}
	t.Fatalf("the box did not say within %v what to open", soon)
}

// missing says which wants the output lacks. There is no hope when one of them
// was to come at once.
func (s step) missing(output string) (missing []string, hope bool) {
	hope = true
	for _, w := range s.wants {
		form := strings.ReplaceAll(regexp.QuoteMeta(w.text), `\.\.\.`, `.*`)
		if !regexp.MustCompile(form).MatchString(output) {
			missing = append(missing, fmt.Sprintf("%q", w.text))
			hope = hope && w.soon
		}
	}
	return missing, hope
}
