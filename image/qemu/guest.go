// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Guest is a machine that runs.
type Guest struct {
	cfg    Config
	log    *slog.Logger
	dir    string
	ownDir bool
	cmd    *exec.Cmd
	stderr *lastBytes
	mon    *monitor
	serial *Dialogue
	panel  net.Conn
	ports  map[int]int
	began  time.Time

	ended chan struct{}
	err   error // how the process ended; read it after ended is closed

	closing sync.Once
	closed  error
}

// Start starts a guest, which runs until Close, whatever becomes of ctx: that
// bounds the start alone. Record, which may be nil, gets what the serial console
// says.
func Start(ctx context.Context, places *Places, cfg Config, record io.Writer, log *slog.Logger) (*Guest, error) {
	if places == nil || len(places.files) == 0 {
		return nil, errors.New("there is no place for a guest: take one before")
	}
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	g := &Guest{cfg: cfg, log: log, dir: cfg.Dir, stderr: &lastBytes{}, ended: make(chan struct{})}
	if g.dir == "" {
		dir, err := os.MkdirTemp("", "evener-guest")
		if err != nil {
			return nil, err
		}
		g.dir, g.ownDir = dir, true
	}
	if err := g.start(ctx, places, record); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	g.log.Info("guest started", "arch", cfg.Arch, "firmware", cfg.Firmware, "pid", g.cmd.Process.Pid, "ports", g.ports)
	return g, nil
}

func (g *Guest) start(ctx context.Context, places *Places, record io.Writer) error {
	if err := g.prepare(ctx); err != nil {
		return err
	}
	program, args, err := g.cfg.args(g.dir)
	if err != nil {
		return err
	}
	names := []string{"qmp"}
	if !g.cfg.Terminal {
		names = append(names, "serial")
	}
	if g.cfg.Panel {
		names = append(names, "panel")
	}
	lines, err := listen(g.dir, names)
	if err != nil {
		return err
	}
	defer lines.close()
	g.cmd = exec.Command(program, args...)
	g.cmd.Stderr = g.stderr
	g.cmd.ExtraFiles = places.files
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if g.cfg.Terminal {
		g.cmd.Stdin, g.cmd.Stdout, g.cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	}
	g.began = time.Now()
	if err := g.run(); err != nil {
		g.cmd = nil
		return fmt.Errorf("start QEMU (Debian's packages qemu-system-x86 and qemu-system-arm): %w", err)
	}
	return g.connect(ctx, lines, record)
}

// run starts the process from a thread that stays until it has ended: Pdeathsig is sent
// when the thread that started it goes, and threads that were in another namespace do.
func (g *Guest) run() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := g.cmd.Start()
		started <- err
		if err == nil {
			g.err = g.cmd.Wait()
			close(g.ended)
		}
	}()
	return <-started
}

// connect takes QEMU's ends of the lines.
func (g *Guest) connect(ctx context.Context, lines lines, record io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	go func() { // an end of QEMU ends the waiting
		select {
		case <-g.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	for name := range lines {
		conn, err := lines.accept(ctx, name)
		if err != nil {
			return fmt.Errorf("QEMU does not open its line %s: %w%s", name, err, g.said())
		}
		switch name {
		case "qmp":
			if g.mon, err = newMonitor(ctx, conn); err != nil {
				return err
			}
		case "serial":
			g.serial = newDialogue(conn, record)
		case "panel":
			g.panel = conn
		}
	}
	return g.askPorts(ctx)
}

func (g *Guest) said() string {
	if s := strings.TrimSpace(g.stderr.String()); s != "" {
		return "; it said: " + s
	}
	return ""
}

// prepare makes the files that the guest writes to.
func (g *Guest) prepare(ctx context.Context) error {
	type layer struct{ image, overlay string }
	var layers []layer
	if g.cfg.Disk != "" && !exists(g.cfg.overlay(g.dir)) {
		layers = append(layers, layer{g.cfg.Disk, g.cfg.overlay(g.dir)})
	}
	for i, s := range g.cfg.Sticks {
		layers = append(layers, layer{s, filepath.Join(g.dir, fmt.Sprintf("stick%d.qcow2", i))})
	}
	for _, l := range layers {
		if err := Overlay(ctx, l.image, l.overlay); err != nil {
			return err
		}
	}
	if g.cfg.WriteLog != "" {
		if err := os.WriteFile(g.cfg.WriteLog, nil, 0o600); err != nil {
			return err
		}
	}
	vars := filepath.Join(g.dir, "vars.fd")
	if g.cfg.Firmware != UEFI || g.cfg.Kernel != "" || exists(vars) {
		return nil
	}
	_, from, err := findFirmware(g.cfg.Arch)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(vars, b, 0o600)
}

// forwarded is a line of QEMU's list of connections of the user network.
var forwarded = regexp.MustCompile(`TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s+\S+\s+(\d+)`)

// askPorts asks QEMU which ports of this machine it has taken.
func (g *Guest) askPorts(ctx context.Context) error {
	g.ports = map[int]int{}
	var text string
	if err := g.mon.do(ctx, "human-monitor-command", map[string]any{"command-line": "info usernet"}, &text); err != nil {
		return err
	}
	for _, m := range forwarded.FindAllStringSubmatch(text, -1) {
		host, _ := strconv.Atoi(m[1]) // digits
		guest, _ := strconv.Atoi(m[2])
		g.ports[guest] = host
	}
	for _, n := range g.cfg.NICs {
		for _, p := range n.Forward {
			if g.ports[p] == 0 {
				return fmt.Errorf("QEMU has forwarded no port to the guest's port %d; it says: %s", p, text)
			}
		}
	}
	return nil
}

// Port returns the port of 127.0.0.1 that leads to a TCP port of the guest, 0 if
// none does.
func (g *Guest) Port(guest int) int { return g.ports[guest] }

// Addr is the address that leads to a TCP port of the guest.
func (g *Guest) Addr(guest int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(g.ports[guest]))
}

// Serial is the serial console; nil with Config.Terminal.
func (g *Guest) Serial() *Dialogue { return g.serial }

// Panel is the display's end of the second serial port; nil without one.
func (g *Guest) Panel() net.Conn { return g.panel }

// Began is when the machine was switched on.
func (g *Guest) Began() time.Time { return g.began }

// Disk is the overlay with what the guest has written.
func (g *Guest) Disk() string { return g.cfg.overlay(g.dir) }

// PID is QEMU's process.
func (g *Guest) PID() int { return g.cmd.Process.Pid }

// Wait waits until QEMU has ended.
func (g *Guest) Wait(ctx context.Context) error {
	select {
	case <-g.ended:
		return g.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Events returns what has happened to the machine so far.
func (g *Guest) Events() []Event {
	g.mon.mu.Lock()
	defer g.mon.mu.Unlock()
	return append([]Event(nil), g.mon.events...)
}

// Resets tells how often the machine has begun anew since it was switched on.
func (g *Guest) Resets() (n int) {
	for _, e := range g.Events() {
		if e.Name == "RESET" {
			n++
		}
	}
	return n
}

// WaitReset waits until the machine has begun anew n times since it was switched
// on, by whatever reason.
func (g *Guest) WaitReset(ctx context.Context, n int) error {
	return g.WaitEvent(ctx, "RESET", n)
}

// WaitEvent waits until an event has happened n times.
func (g *Guest) WaitEvent(ctx context.Context, name string, n int) error {
	next := 0
	for i := range n {
		var err error
		if next, err = g.mon.wait(ctx, next, func(e Event) bool { return e.Name == name }); err != nil {
			return fmt.Errorf("%s %d of %d: %w", name, i+1, n, err)
		}
	}
	return nil
}

// Reset presses the reset button.
func (g *Guest) Reset(ctx context.Context) error { return g.mon.do(ctx, "system_reset", nil, nil) }

// PressPower presses the power button.
func (g *Guest) PressPower(ctx context.Context) error {
	return g.mon.do(ctx, "system_powerdown", nil, nil)
}

// Freeze stops the guest's processors, Thaw lets them go on.
func (g *Guest) Freeze(ctx context.Context) error { return g.mon.do(ctx, "stop", nil, nil) }

// Thaw ends what Freeze began.
func (g *Guest) Thaw(ctx context.Context) error { return g.mon.do(ctx, "cont", nil, nil) }

// SetLink pulls the cable of the i-th network port, or plugs it in.
func (g *Guest) SetLink(ctx context.Context, i int, up bool) error {
	return g.mon.do(ctx, "set_link", map[string]any{"name": nicID(i), "up": up}, nil)
}

// Kill cuts the power: QEMU is killed. What the guest has written and not synced
// may be lost or not, as on a real disk.
func (g *Guest) Kill() error {
	if err := g.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-g.ended
	return nil
}

// Close ends the guest at once and removes what was made for it alone.
func (g *Guest) Close() error {
	g.closing.Do(func() {
		if g.cmd != nil {
			g.closed = g.Kill()
		}
		if g.mon != nil {
			g.mon.close()
		}
		if g.serial != nil {
			g.serial.close()
		}
		if g.panel != nil {
			g.panel.Close()
		}
		if g.ownDir {
			g.closed = errors.Join(g.closed, os.RemoveAll(g.dir))
		}
	})
	return g.closed
}

// A lastBytes keeps the end of what is written to it.
type lastBytes struct {
	mu  sync.Mutex
	buf []byte
}

func (l *lastBytes) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf, b...)
	if len(l.buf) > 4096 {
		l.buf = append([]byte(nil), l.buf[len(l.buf)-4096:]...)
	}
	return len(b), nil
}

func (l *lastBytes) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.buf)
}
