// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
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

// The ids of our two requests.
const (
	idOpen     = 1
	idSettings = 2
)

// followOne does it over one connection, until that or ctx ends. applied says
// whether settings have arrived and been put into force.
func (s *Server) followOne(ctx context.Context, d *door) (applied bool, err error) {
	nc, err := s.cfg.Dial(ctx)
	if err != nil {
		return false, fmt.Errorf("dial the engine: %w", err)
	}
	defer nc.Close()
	defer context.AfterFunc(ctx, func() { nc.Close() })()
	s.table.forget() // a new engine may have other methods
	// The subscription first: no change falls between the two.
	if err := askOwn(nc, idOpen, "sub.open", `{"topic":"state.console"}`); err != nil {
		return false, err
	}
	if err := askOwn(nc, idSettings, "console.settings", ""); err != nil {
		return false, err
	}
	in := newLineReader(nc, 64<<10)
	for {
		line, err := in.whole(maxNotice)
		if err != nil {
			return applied, fmt.Errorf("read from the engine: %w", err)
		}
		var n notice
		if err := json.Unmarshal(line, &n); err != nil {
			return applied, fmt.Errorf("read from the engine: %w", err)
		}
		switch {
		case n.Error != nil:
			return applied, fmt.Errorf("the engine refuses: %w", n.Error)
		case n.Method == "sub.end":
			return applied, errors.New("the engine has ended the subscription of state.console")
		case n.Method == "sub.event" || n.Method == "sub.gap":
			err = askOwn(nc, idSettings, "console.settings", "")
		case n.ID == idSettings:
			err = s.settle(ctx, d, n.Result)
			applied = applied || err == nil
		}
		if err != nil {
			return applied, err
		}
	}
}

func askOwn(nc net.Conn, id int, method, params string) error {
	q := request{ID: mustJSON(id), Method: method, Params: json.RawMessage(params), Meta: ourselves}
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
