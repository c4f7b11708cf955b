// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"evener/board"
	"evener/firmware/api"
	"evener/firmware/console"
)

// ptyLink leads to the pseudo-terminal of the serial console, in the folder of the
// state.
const ptyLink = "console.pty"

// A serialLine is what the supervisor shows of a terminal of the serial console.
type serialLine struct {
	Device  string `json:"device" doc:"as the board names it: ttyS0, or pty for a pseudo-terminal"`
	Path    string `json:"path,omitempty" doc:"where it is now; empty: nowhere"`
	Speed   int    `json:"speed,omitempty" doc:"bit/s"`
	Open    bool   `json:"open" doc:"the menu is on it"`
	Problem string `json:"problem,omitempty"`
}

type serialLines struct {
	Lines []serialLine `json:"lines"`
}

// A serialConsole holds the dialogue on every terminal that the board names, for as
// long as the supervisor lives.
type serialConsole struct {
	state string
	super *superAPI
	log   *slog.Logger

	mu    sync.Mutex // guards lines
	lines []serialLine
}

func newSerialConsole(b board.Board, state string, super *superAPI, log *slog.Logger) *serialConsole {
	s := &serialConsole{state: state, super: super, log: log}
	for _, d := range b.Console.Devices {
		s.lines = append(s.lines, serialLine{Device: d, Speed: b.Console.Speed})
	}
	super.add(s.add)
	return s
}

type serialShell struct {
	User     string `json:"user"`
	Terminal string `json:"terminal"`
	Event    string `json:"event" doc:"opened, or ended after some time"`
}

// add registers the methods.
func (s *serialConsole) add(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "serial.show", Purpose: "Says where the serial console is.", Role: api.Viewer},
		func(context.Context, api.Call, struct{}) (serialLines, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return serialLines{append([]serialLine{}, s.lines...)}, nil
		})
	api.Add(reg, api.Method{Name: "serial.shell", Purpose: "Notes that a maintenance shell was opened or has ended.",
		Role: api.Admin, Effect: api.System, Audit: "maintenance shell of {user} at {terminal} {event}"},
		func(context.Context, api.Call, serialShell) (struct{}, error) { return struct{}{}, nil })
}

// start holds the dialogues until the function that it returns is called, which
// waits for them.
func (s *serialConsole) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for i := range s.lines {
		wg.Go(func() { s.keep(ctx, i) })
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// set notes how a line does.
func (s *serialConsole) set(i int, f func(*serialLine)) serialLine {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.lines[i])
	return s.lines[i]
}

// keep holds the dialogue on a line, and opens the line again after it has failed.
func (s *serialConsole) keep(ctx context.Context, i int) {
	line := s.set(i, func(*serialLine) {})
	serve := s.serveTTY
	if line.Device == "pty" {
		serve = s.servePTY
	}
	told := ""
	for delay := time.Second; ctx.Err() == nil; delay = min(2*delay, time.Minute) {
		began := time.Now()
		err := protected(func() error { return serve(ctx, i, line) })
		if ctx.Err() != nil || err == nil {
			return
		}
		s.set(i, func(l *serialLine) { l.Open, l.Path, l.Problem = false, "", err.Error() })
		if err.Error() != told {
			told = err.Error()
			s.log.Warn("serial console not served", "device", line.Device, "err", err)
		}
		if time.Since(began) > time.Minute {
			delay = time.Second
		}
		select {
		case <-ctx.Done():
		case <-time.After(delay):
		}
	}
}

// serveTTY holds the dialogue on a real device.
func (s *serialConsole) serveTTY(ctx context.Context, i int, line serialLine) error {
	path := filepath.Join("/dev", line.Device)
	f, err := openTTY(path, line.Speed)
	if err != nil {
		return err
	}
	defer f.Close()
	s.set(i, func(l *serialLine) { l.Open, l.Path, l.Problem = true, path, "" })
	return console.New(s.config(line.Device), s.log).Serve(ctx, f)
}

// servePTY holds the dialogue on a new pseudo-terminal, whenever somebody has it
// open.
func (s *serialConsole) servePTY(ctx context.Context, i int, line serialLine) error {
	p, err := newPseudo()
	if err != nil {
		return err
	}
	defer p.master.Close()
	link := filepath.Join(s.state, ptyLink)
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Symlink(p.path, link); err != nil {
		return err
	}
	defer os.Remove(link)
	s.set(i, func(l *serialLine) { l.Open, l.Path, l.Problem = true, p.path, "" })
	c := console.New(s.config(line.Device), s.log)
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		for !p.inUse() {
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
			}
		}
		err := c.Serve(ctx, p.master)
		if ctx.Err() != nil {
			return nil
		}
		s.log.Info("serial console left", "device", line.Device, "cause", err)
		p.forget()
		select { // a terminal that takes nothing is not asked all the time
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// config is what a dialogue in the supervisor works with.
func (s *serialConsole) config(name string) console.Config {
	engine := socketCaller{path: filepath.Join(s.state, api.EngineSocket), who: "engine"}
	return console.Config{Engine: engine, Supervisor: superCaller{s.super}, Name: name, Version: version,
		Command: consoleCommand(s.state), Shell: maintenanceShell,
		Bundle: func(ctx context.Context, dir string) (string, error) { return saveBundle(ctx, engine.path, dir) }, Disks: mountedDisks}
}

// A socketCaller calls a part of the box at its socket, as the serial console.
type socketCaller struct{ path, who string }

func (c socketCaller) Call(ctx context.Context, method string, params, result any) error {
	return callSocket(ctx, c.path, "serial", c.who, method, params, result)
}

// A superCaller calls the supervisor from within.
type superCaller struct{ super *superAPI }

func (c superCaller) Call(ctx context.Context, method string, params, result any) error {
	return c.super.call(ctx, "serial", method, params, result)
}

// ptyPath returns where the pseudo-terminal of the serial console is, "" if there
// is none.
func ptyPath(state string) string {
	path, err := os.Readlink(filepath.Join(state, ptyLink))
	if err != nil {
		return ""
	}
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// printSerial says where the serial console can be tried, "" if nowhere.
func printSerial(state string) string {
	if p := ptyPath(state); p != "" {
		return fmt.Sprintf("\nThe serial console is at %s, which %s leads to: screen %[1]s\n", p, filepath.Join(state, ptyLink))
	}
	return ""
}
