// SPDX-License-Identifier: Apache-2.0

// Package hal opens the devices that a board describes: panel, lamps, watchdog,
// sensors, keys and bypass relays. What they are used for is not known here.
//
// Nothing that is wrong with a device keeps the box from starting: a [Machine] lists
// it under Problems and does without. Network ports are package hal/nic's, which the
// engine opens for itself.
package hal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"evener/board"
	"evener/hal/bypass"
	"evener/hal/input"
	"evener/hal/lcd"
	"evener/hal/led"
	"evener/hal/sensor"
	"evener/hal/watchdog"
)

// Options say where a machine is.
type Options struct {
	Root string // below which /sys, /proc and /dev are; "/"
	Log  *slog.Logger

	// NoWatchdog leaves the watchdog alone: opening it would arm it. See
	// Machine.Arm.
	NoWatchdog bool
	// Armed is the watchdog that was armed when the machine started, and is open
	// since; nil: none is. The machine takes it over.
	Armed *os.File
	// WatchdogExpired is called when the simulated watchdog is not fed in time,
	// where a real one would restart the box.
	WatchdogExpired func()
}

// A Machine is the devices of one box. What it has not is nil, but for Lamps,
// Sensors, Keys and Bypass, which may be empty.
type Machine struct {
	Board    board.Board
	Panel    func(context.Context) (lcd.Device, error) // opens the display; see lcd.New
	Lamps    *led.Lamps
	Watchdog *watchdog.Watchdog // armed
	Sensors  *sensor.Sensors
	Sim      *sensor.Sim // sets the sensors of the simulated board
	Keys     *input.Keys
	Bypass   *bypass.Pairs
	Problems []string // of devices that the board names and the machine has not

	root string
}

// Open opens what b describes. The relays are as they were found: see
// bypass.Pairs.Force.
func Open(b board.Board, o Options) (*Machine, error) {
	if b.Arch != "" && b.Arch != runtime.GOARCH && (o.Root == "" || o.Root == "/") {
		return nil, fmt.Errorf("board %s has the architecture %s, this machine %s; choose another with --board", b.Name, b.Arch, runtime.GOARCH)
	}
	if o.Root == "" {
		o.Root = "/"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	m := &Machine{Board: b, root: o.Root, Keys: input.New(o.Root, keysOf(b), o.Log)}
	m.openPanel()
	m.openLamps()
	m.openSensors()
	var problems []string
	m.Bypass, problems = bypass.Find(o.Root, pairsOf(b))
	m.Problems = append(m.Problems, problems...)
	if !o.NoWatchdog {
		m.Arm(o)
	}
	return m, nil
}

// Close disarms the watchdog. Lamps stay as they are.
func (m *Machine) Close() error {
	if m.Watchdog == nil {
		return nil
	}
	return m.Watchdog.Stop()
}

func (m *Machine) openPanel() {
	p := m.Board.Panel
	if p == nil {
		return
	}
	open := func(ctx context.Context) (lcd.Device, error) {
		file, err := m.panelDevice(p.Device)
		if err != nil {
			return nil, err
		}
		return lcd.OpenDevice(ctx, p.Driver, lcd.Options{Device: file, Speed: p.Speed, Rows: p.Rows, Cols: p.Cols, Keys: p.Keys})
	}
	if !slices.Contains(lcd.Drivers(), p.Driver) {
		m.Problems = append(m.Problems, fmt.Sprintf("the panel needs driver %s, which this version has not", p.Driver))
		return
	}
	if _, err := m.panelDevice(p.Device); err == nil || !p.Optional {
		m.Panel = open
		if err != nil {
			m.Problems = append(m.Problems, "the panel is not there: "+err.Error())
		}
	}
}

// panelDevice is device for panels: an address on a bus, as in
// /dev/i2c-1@0x27, stays behind the file's name.
func (m *Machine) panelDevice(name string) (string, error) {
	bus, address, found := strings.Cut(name, "@")
	file, err := m.device(bus)
	if err == nil && file != "" {
		err = m.notConsole(file)
	}
	if err == nil && found {
		file += "@" + address
	}
	return file, err
}

// device returns the file that a board's name of a device means; "" stays so.
func (m *Machine) device(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	files, err := filepath.Glob(filepath.Join(m.root, name))
	if err != nil {
		return "", fmt.Errorf("device %s: %w", name, err)
	}
	if len(files) == 0 {
		return "", fmt.Errorf("there is no %s", name)
	}
	return files[0], nil
}

func (m *Machine) openLamps() {
	var list []led.LED
	for _, l := range m.Board.LEDs {
		list = append(list, led.LED{Use: string(l.Use), Colour: l.Colour, Device: l.Device})
	}
	if m.Board.Simulated {
		m.Lamps = led.Simulate(list)
		return
	}
	var problems []string
	m.Lamps, problems = led.Open(m.root, list)
	m.Problems = append(m.Problems, problems...)
}

// Arm opens the watchdog of a machine that was opened without it: from now on it
// must be fed. Of o it uses Log, Armed and WatchdogExpired.
func (m *Machine) Arm(o Options) {
	b := m.Board.Watchdog
	if b == nil && o.Armed != nil { // a board of which none is known has one all the same
		b = &board.Watchdog{Device: o.Armed.Name(), Timeout: 30 * time.Second}
	}
	if b == nil || m.Watchdog != nil {
		return
	}
	dev, err := m.watchdogDevice(b.Device, o)
	if err == nil {
		m.Watchdog, err = watchdog.New(dev, b.Timeout)
	}
	if err != nil && (!b.Optional || !errors.Is(err, os.ErrNotExist)) {
		text := "the watchdog is not used: " + err.Error()
		if b.Driver != "" && errors.Is(err, os.ErrNotExist) {
			text += "; its driver is " + b.Driver
		}
		m.Problems = append(m.Problems, text)
	}
}

func (m *Machine) watchdogDevice(name string, o Options) (watchdog.Device, error) {
	if m.Board.Simulated {
		expired := o.WatchdogExpired
		if expired == nil {
			expired = func() { o.Log.Error("watchdog not fed in time") }
		}
		return watchdog.Simulate(expired), nil
	}
	if o.Armed != nil {
		return watchdog.Adopt(o.Armed), nil
	}
	return watchdog.Open(filepath.Join(m.root, name))
}

func (m *Machine) openSensors() {
	var known []sensor.Known
	for _, s := range m.Board.Sensors {
		known = append(known, sensor.Known{Chip: s.Chip, Input: s.Input, Name: s.Name,
			Low: s.Low, High: s.High, Critical: s.Critical, Ignore: s.Ignore})
	}
	if m.Board.Simulated {
		m.Sensors, m.Sim = sensor.Simulate(known, time.Now)
		return
	}
	m.Sensors = sensor.New(os.DirFS(m.root), known)
}

func keysOf(b board.Board) (out []input.Key) {
	for _, k := range b.Keys {
		out = append(out, input.Key{Device: k.Device, Code: k.Code, Use: k.Use})
	}
	return out
}

func pairsOf(b board.Board) (out []bypass.Pair) {
	for _, p := range b.Bypass {
		out = append(out, bypass.Pair{Name: p.Name, Ports: p.Ports, Driver: p.Driver, Path: p.Path})
	}
	return out
}
