// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the transcripts in testdata")

// Types of a small pretended box.
type (
	mode   string
	member struct {
		Name   string `json:"name" doc:"name of the server"`
		Weight uint8  `json:"weight,omitempty" doc:"share of new clients"`
	}
	drainParams struct {
		Pool     string            `json:"pool" doc:"name of the pool"`
		Members  []member          `json:"members,omitempty" doc:"which members"`
		Mode     mode              `json:"mode,omitempty" doc:"what becomes of sessions"`
		Deadline Duration          `json:"deadline,omitempty" doc:"when to cut what is left"`
		Labels   map[string]string `json:"labels,omitempty"`
		Password string            `json:"password,omitempty" secret:"true"`
		Count    *int64            `json:"count,omitempty"`
	}
	drained struct {
		Pool  string `json:"pool"`
		By    string `json:"by"`
		Count int    `json:"count"`
	}
)

func (mode) Words() []string { return []string{"keep-sticky", "drop"} }

var quiet = slog.New(slog.DiscardHandler)

// newBox returns a registry with one method for each way that a call can end.
func newBox(log *slog.Logger, audit func(Record)) *Registry {
	reg := New(log, Config{Audit: audit})
	Add(reg, Method{Name: "server.drain", Purpose: "Let no new clients in.", Role: Operator, Effect: Runtime,
		Audit: "drain {pool} {members} {password} {mode}", CLI: &CLI{Command: []string{"server", "drain"}, Args: []string{"pool"}}},
		func(_ context.Context, c Call, p drainParams) (drained, error) {
			return drained{p.Pool, c.Author + " by " + c.Origin, len(p.Members)}, nil
		})
	Add(reg, Method{Name: "config.commit", Purpose: "Make the candidate run.", Role: Editor, Effect: Commit, Audit: "commit"},
		func(context.Context, Call, struct{}) (struct{}, error) {
			e := Errorf(CodeValidation, "config.invalid", "the configuration has 1 mistake")
			e.Problems = []Problem{{File: "box.hcl", Line: 35, Col: 9, Message: "timeout must be 1s to 1h"}}
			e.Args, e.Hint, e.Path = map[string]any{"count": 1}, "fix it", "/pools/shop"
			return struct{}{}, e
		})
	Add(reg, Method{Name: "sys.fail", Purpose: "Fail.", Role: Viewer},
		func(context.Context, Call, struct{}) (struct{}, error) {
			return struct{}{}, errors.New("no route to host")
		})
	Add(reg, Method{Name: "sys.panic", Purpose: "Panic.", Role: Viewer},
		func(context.Context, Call, struct{}) (struct{}, error) { panic("oh no") })
	Add(reg, Method{Name: "sys.wait", Purpose: "Wait for the end.", Role: Viewer, Timeout: time.Hour},
		func(ctx context.Context, _ Call, _ struct{}) (struct{}, error) {
			<-ctx.Done()
			return struct{}{}, ctx.Err()
		})
	Add(reg, Method{Name: "sys.large", Purpose: "Return much.", Role: Viewer},
		func(_ context.Context, _ Call, p struct {
			Size int `json:"size"`
		}) (string, error) {
			return strings.Repeat("x", p.Size), nil
		})
	return reg
}

// admin identifies every client as root.
func admin(net.Conn) (Call, error) { return Call{Author: "root", Role: Admin}, nil }

// A pipeListener hands out in-memory connections.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{make(chan net.Conn), make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	select {
	case <-l.done:
	default:
		close(l.done)
	}
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (l *pipeListener) dial() net.Conn {
	a, b := net.Pipe()
	l.conns <- b
	return a
}

// serve runs a server on an in-memory listener until the test ends, and checks
// that it then leaves nothing behind.
func serve(t *testing.T, reg *Registry, cfg ServerConfig) *pipeListener {
	t.Helper()
	if cfg.Identify == nil {
		cfg.Identify = admin
	}
	l := newPipeListener()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, reg, quiet, cfg) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve = %v, want nil", err)
		}
	})
	return l
}

// Each file in testdata is what a client sends ("> ", or ">> " where no answer
// comes) and what it gets ("< ").
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("transcripts: %v %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			nc := serve(t, newBox(quiet, nil), ServerConfig{MaxMessage: 400, MaxResult: 100}).dial()
			defer nc.Close()
			got := replay(t, nc, string(b))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got != string(b) {
				t.Errorf("got\n%s\nwant\n%s", got, b)
			}
		})
	}
}

// replay sends the requests of a transcript and returns it with the answers
// that came.
func replay(t *testing.T, nc net.Conn, transcript string) string {
	t.Helper()
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	in := bufio.NewReader(nc)
	var out strings.Builder
	for line := range strings.Lines(transcript) {
		silent, isSilent := strings.CutPrefix(line, ">> ")
		req, isReq := strings.CutPrefix(line, "> ")
		switch {
		case isSilent:
			req = silent
		case !isReq && strings.HasPrefix(line, "< "):
			continue
		case !isReq:
			out.WriteString(line)
			continue
		}
		out.WriteString(line)
		if _, err := nc.Write([]byte(req)); err != nil {
			out.WriteString("< closed\n")
			return out.String()
		}
		if isSilent {
			continue
		}
		answer, err := in.ReadString('\n')
		if err != nil {
			answer = "closed\n"
		}
		out.WriteString("< " + answer)
	}
	return out.String()
}
