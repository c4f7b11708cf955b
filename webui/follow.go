// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	retryFirst = 250 * time.Millisecond
	retryLast  = 5 * time.Second
	maxNotice  = 1 << 20 // the longest line on the connection for settings
)

// follow keeps the door as the engine's settings say until ctx ends. While there
// is no engine, it stays as it is.
func (s *Server) follow(ctx context.Context, d *door) {
	pause := retryFirst
	for {
		applied, err := s.followOne(ctx, d)
		if ctx.Err() != nil {
			return
		}
		if applied {
			pause = retryFirst
		}
		s.cfg.Log.Warn("settings lost", "err", err, "again_in", pause)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, retryLast)
	}
}

// A notice is a line of the connection for settings.
type notice struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Result json.RawMessage `json:"result"`
	Error  *fault          `json:"error"`
}

// The ids of our requests.
const (
	idOpen     = 1
	idSettings = 2
	idReport   = 3
)

// A report tells the engine how its settings have fared.
type report struct {
	Listening []netip.AddrPort `json:"listening"`
	Problem   string           `json:"problem,omitempty"`
}

// followOne does it over one connection, until that or ctx ends. applied says
// whether settings have arrived and been put into force.
func (s *Server) followOne(ctx context.Context, d *door) (applied bool, err error) {
	nc, err := s.cfg.Dial(ctx)
	if err != nil {
		return false, fmt.Errorf("dial the engine: %w", err)
	}
	s.table.forget() // a new engine may have other methods
	notices := make(chan notice)
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	defer context.AfterFunc(ctx, func() { nc.Close() })()
	defer nc.Close()
	var lost error
	wg.Go(func() {
		defer close(notices)
		lost = readNotices(ctx, nc, notices)
	})
	// The subscription first: no change falls between the two.
	if err := askOwn(nc, idOpen, "sub.open", map[string]string{"topic": "state.console"}); err != nil {
		return false, err
	}
	again := time.After(0)
	pause := retryFirst
	for {
		select {
		case <-again:
			err = askOwn(nc, idSettings, "console.settings", nil)
		case n, ok := <-notices:
			switch {
			case !ok:
				return applied, lost
			case n.ID == idReport: // an engine that takes no reports needs none
			case n.Error != nil:
				return applied, fmt.Errorf("the engine refuses: %w", n.Error)
			case n.Method == "sub.end":
				return applied, errors.New("the engine has ended the subscription of state.console")
			case n.Method == "sub.event" || n.Method == "sub.gap":
				again = time.After(0)
			case n.ID == idSettings:
				r := report{}
				if problem := s.settle(ctx, d, n.Result); problem != nil {
					// Such as a port that somebody else has: they may give it back.
					s.cfg.Log.Error("settings not in force", "err", problem, "again_in", pause)
					r.Problem = problem.Error()
					again = time.After(pause)
					pause = min(2*pause, retryLast)
				} else {
					applied, pause = true, retryFirst
				}
				r.Listening = d.addrs()
				err = askOwn(nc, idReport, "console.report", r)
			}
		}
		if err != nil {
			return applied, err
		}
	}
}

// readNotices passes on what the engine sends, until the connection or ctx ends.
func readNotices(ctx context.Context, nc net.Conn, out chan<- notice) error {
	in := newLineReader(nc, 64<<10)
	for {
		line, err := in.whole(maxNotice)
		if err != nil {
			return fmt.Errorf("read from the engine: %w", err)
		}
		var n notice
		if err := json.Unmarshal(line, &n); err != nil {
			return fmt.Errorf("read from the engine: %w", err)
		}
		select {
		case out <- n:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func askOwn(nc net.Conn, id int, method string, params any) error {
	q := request{ID: mustJSON(id), Method: method, Meta: ourselves}
	if params != nil {
		q.Params = mustJSON(params)
	}
	if err := sendLine(nc, q.line()); err != nil {
		return fmt.Errorf("ask the engine for %s: %w", method, err)
	}
	return nil
}

// settle puts the settings of an answer into force.
func (s *Server) settle(ctx context.Context, d *door, result json.RawMessage) error {
	st, err := newSite(result)
	if err != nil {
		return err
	}
	return d.apply(ctx, st)
}
