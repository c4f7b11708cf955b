// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"sync"

	"evener/firmware/pid1"
)

// maxEarlyLog bounds what is kept until there is a file for it.
const maxEarlyLog = 256 << 10

// An initLog takes the log of the box. Until its file can be opened it keeps it, and
// shows warnings on the console, on which no dialogue runs yet.
type initLog struct {
	console io.Writer

	mu    sync.Mutex // guards what follows
	early []byte
	file  *pid1.LogFile
	mute  bool
}

// Write takes a line.
func (l *initLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		return l.file.Write(b)
	}
	if len(l.early)+len(b) <= maxEarlyLog {
		l.early = append(l.early, b...)
	}
	if !l.mute && (bytes.Contains(b, []byte(" level=WARN")) || bytes.Contains(b, []byte(" level=ERROR"))) {
		_, _ = l.console.Write(append(bytes.TrimRight(b, "\n"), "\r\n"...))
	}
	return len(b), nil
}

// open goes on in a file that may take limit bytes, with what was kept.
func (l *initLog) open(name string, limit int64) error {
	f, err := pid1.OpenLogFile(name, limit)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err = f.Write(l.early)
	l.early, l.file = nil, f
	return err
}

// quiet keeps everything from the console.
func (l *initLog) quiet() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mute = true
}

// Close ends the file; what comes then is kept in memory.
func (l *initLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.file
	l.file = nil
	if f == nil {
		return nil
	}
	return f.Close()
}
