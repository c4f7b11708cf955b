// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Limits of what is kept of a process's standard error.
const (
	tailLines = 8
	tailLine  = 512 // bytes of one line
)

// A tail copies a process's standard error to ours and keeps its last lines,
// and the line with which a Go program announces that it crashes.
type tail struct {
	pipe *os.File
	to   io.Writer
	done chan struct{}

	mu    sync.Mutex // guards what follows
	crash string
	lines []string
	part  []byte // of a line that has not ended
}

// newTail returns a tail and the descriptor to give to the process.
func newTail(to io.Writer) (*tail, int, error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return nil, -1, fmt.Errorf("make a pipe for standard error: %w", err)
	}
	if err := unix.SetNonblock(p[0], true); err != nil { // deadlines need it
		closeAll(p[:])
		return nil, -1, fmt.Errorf("make a pipe for standard error: %w", err)
	}
	return &tail{pipe: os.NewFile(uintptr(p[0]), "stderr"), to: to, done: make(chan struct{})}, p[1], nil
}

// abandon frees a tail whose copy will not be called.
func (t *tail) abandon() { _ = t.pipe.Close() }

// copy runs until the process and all that inherited its standard error are
// gone, or last has lost its patience.
func (t *tail) copy() {
	defer close(t.done)
	defer t.pipe.Close()
	buf := make([]byte, 4096)
	for {
		n, err := t.pipe.Read(buf)
		if n > 0 {
			_, _ = t.to.Write(buf[:n]) // the process must not suffer if ours is broken
			t.keep(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

func (t *tail) keep(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(b) > 0 {
		line, rest, ended := bytes.Cut(b, []byte{'\n'})
		b = rest
		t.part = append(t.part, line[:min(len(line), tailLine-len(t.part))]...)
		if ended {
			t.line(strings.TrimSpace(string(t.part)))
			t.part = t.part[:0]
		}
	}
}

func (t *tail) line(s string) {
	if s == "" {
		return
	}
	if t.crash == "" && (strings.HasPrefix(s, "panic: ") || strings.HasPrefix(s, "fatal error: ")) {
		t.crash = s
	}
	t.lines = append(t.lines, s)
	if len(t.lines) > tailLines {
		t.lines = t.lines[1:]
	}
}

// last returns the last lines in one, after waiting at most patience for the
// pipe to end.
func (t *tail) last(patience time.Duration) string {
	_ = t.pipe.SetReadDeadline(time.Now().Add(patience))
	<-t.done
	t.mu.Lock()
	defer t.mu.Unlock()
	t.line(strings.TrimSpace(string(t.part)))
	lines := t.lines
	if t.crash != "" && !slices.Contains(lines, t.crash) {
		lines = append([]string{t.crash, "…"}, lines...)
	}
	return strings.Join(lines, " | ")
}
