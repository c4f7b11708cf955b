// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"evener/firmware/api"
	"evener/firmware/durable"
)

const (
	notesFile = "audit.waiting" // in the folder of the state
	maxNotes  = 1000            // that wait at most
	maxNote   = 1024            // bytes of each text of one
)

// A superNote is what the supervisor, or somebody by way of it, has done.
type superNote struct {
	At      time.Time `json:"at"`
	Origin  string    `json:"origin"`
	Author  string    `json:"author,omitempty"`
	Method  string    `json:"method"`
	What    string    `json:"what"`
	Outcome string    `json:"outcome"`
	Message string    `json:"message,omitempty"`
	Lost    int       `json:"lost,omitempty"` // it stands for so many that there was no room for
}

// A notebook keeps notes on the disk until the engine's audit log has them, also
// over a restart. They reach it in order; after a power cut one may do so twice.
type notebook struct {
	path string
	log  *slog.Logger
	send func(context.Context, superNote) error

	mu      sync.Mutex // guards what follows, and the file
	loaded  bool
	waiting []superNote

	wake chan struct{}
	told string // error that flush has logged, so that it does not every time
}

func newNotebook(dir string, log *slog.Logger) *notebook {
	n := &notebook{path: filepath.Join(dir, notesFile), log: log, wake: make(chan struct{}, 1)}
	n.send = func(ctx context.Context, x superNote) error {
		return callSocket(ctx, filepath.Join(dir, api.EngineSocket), x.Origin, "engine", "audit.note", map[string]any{"method": x.Method, "what": x.What,
			"outcome": x.Outcome, "message": x.Message, "author": x.Author, "at": x.At.UTC().Format(time.RFC3339)}, nil)
	}
	return n
}

// put returns when x is on the disk. A disk that takes nothing is an error in the
// log, and x waits in memory.
func (n *notebook) put(x superNote) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.load()
	x.What, x.Message = cutNote(x.What), cutNote(x.Message)
	if len(n.waiting) < maxNotes {
		n.waiting = append(n.waiting, x)
	} else {
		last := &n.waiting[maxNotes-1]
		lost := max(last.Lost, 1) + 1 // that one has to go too
		*last = superNote{At: x.At, Origin: x.Origin, Method: "audit.lost", Outcome: "error", Lost: lost,
			What: fmt.Sprintf("%d records were not kept until an engine could take them, because %d waited already", lost, maxNotes-1)}
	}
	if err := n.save(); err != nil {
		n.log.Error("audit record not kept on the disk", "method", x.Method, "author", x.Author, "what", x.What, "err", err)
	}
	n.nudge()
}

// cutNote bounds a text.
func cutNote(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxNote)], "") }

func (n *notebook) nudge() {
	select {
	case n.wake <- struct{}{}:
	default: // it wakes already
	}
}

// load reads what an earlier supervisor has left. mu is held.
func (n *notebook) load() {
	if n.loaded {
		return
	}
	n.loaded = true
	text, err := os.ReadFile(n.path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			n.log.Error("audit records that wait for an engine not read", "err", err)
		}
		return
	}
	for line := range bytes.Lines(text) {
		var x superNote
		if err := json.Unmarshal(line, &x); err != nil || x.Method == "" {
			n.log.Error("audit record that waits for an engine not readable", "file", n.path, "err", err)
			continue
		}
		n.waiting = append(n.waiting, x)
	}
	n.waiting = n.waiting[:min(len(n.waiting), maxNotes)]
}

// save writes what waits. mu is held.
func (n *notebook) save() error {
	if len(n.waiting) == 0 {
		if err := os.Remove(n.path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b) // ends each with a newline
	for _, x := range n.waiting {
		if err := enc.Encode(x); err != nil {
			return err
		}
	}
	return durable.Replace(n.path, b.Bytes(), 0o600)
}

// run hands notes to the engine until ctx ends. One that does not answer is asked
// again after some seconds.
func (n *notebook) run(ctx context.Context) {
	n.nudge()
	again := time.NewTicker(3 * time.Second)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.wake:
		case <-again.C:
		}
		n.flush(ctx)
	}
}

// flush sends what waits, as far as an engine takes it.
func (n *notebook) flush(ctx context.Context) {
	sent := 0
	for ; ctx.Err() == nil; sent++ {
		x, ok := n.first()
		if !ok {
			break
		}
		one, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := n.send(one, x)
		cancel()
		if err != nil && api.AsError(err).Code != api.CodeParams {
			if n.told != err.Error() {
				n.told = err.Error()
				n.log.Warn("audit record waits for the engine", "method", x.Method, "err", err)
			}
			break
		}
		n.told = ""
		if err != nil { // no engine will ever take it
			n.log.Error("audit record refused by the engine", "method", x.Method, "author", x.Author, "what", x.What, "err", err)
		}
		n.mu.Lock()
		n.waiting = n.waiting[1:]
		n.mu.Unlock()
	}
	if sent == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.save(); err != nil {
		n.log.Warn("audit records that the engine has are still on the disk", "err", err)
	}
}

func (n *notebook) first() (superNote, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.load()
	if len(n.waiting) == 0 {
		return superNote{}, false
	}
	return n.waiting[0], true
}
