// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"evener/board"
	"evener/firmware/api"
	"evener/firmware/manage"
	"evener/hal/sensor"
)

// add registers what the devices do.
func (m *machine) add(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "machine.show", Purpose: "Shows the devices of the supervisor and what they do.", Role: api.Viewer},
		func(ctx context.Context, _ api.Call, _ struct{}) (manage.MachineShow, error) {
			s := m.show()
			s.Memory = m.memory(ctx)
			return s, nil
		})
	m.topic = api.AddState(reg, api.Topic{Name: "state.machine", Purpose: "The devices of the supervisor, as one object named machine.",
		Role: api.Viewer, Every: 2 * time.Second},
		func(context.Context, api.Call, struct{}) (map[string]manage.MachineShow, error) {
			return map[string]manage.MachineShow{"machine": m.show()}, nil
		})
	api.Add(reg, api.Method{Name: "led.locate", Purpose: "Has a lamp on the front blink, so that the box is found.",
		Role: api.Operator, Effect: api.System, Audit: "blink to be found: {on}"},
		func(_ context.Context, _ api.Call, p manage.LocateParams) (struct{}, error) {
			return struct{}{}, m.find(p.On)
		})
	if m.hal.Sim != nil {
		api.Add(reg, api.Method{Name: "machine.sim", Purpose: "Sets a sensor of the simulated board, or presses a key of it.",
			Role: api.Admin, Effect: api.System, Audit: "set the simulated {sensor} {key}"},
			func(_ context.Context, _ api.Call, p simParams) (struct{}, error) { return struct{}{}, m.simulate(p) })
	}
}

// find lets the lamp for finding the box blink, at once.
func (m *machine) find(on bool) error {
	m.mu.Lock()
	m.locate = on
	shown := m.situation()
	m.mu.Unlock()
	if !m.hal.Lamps.Has("locate") && !m.hal.Lamps.Has("status") {
		return api.Errorf(api.CodeFailed, "led.none", "board %s has no lamp that could blink", m.found.Board.Name)
	}
	return m.hal.Lamps.Show(shown)
}

type simParams struct {
	Sensor string   `json:"sensor,omitempty" doc:"such as sim/temp1"`
	Value  *float64 `json:"value,omitempty" doc:"that it measures from now on; absent: it moves by itself again"`
	Gone   bool     `json:"gone,omitempty" doc:"it vanishes instead"`
	Key    string   `json:"key,omitempty" doc:"power or reset, which is pressed for a moment"`
}

func (m *machine) simulate(p simParams) error {
	var err error
	switch {
	case p.Key != "" && (p.Sensor != "" || p.Key != "power" && p.Key != "reset"):
		return api.Errorf(api.CodeParams, "params.key", "key must be power or reset, without a sensor, not %q", p.Key)
	case p.Key != "":
		m.hal.Keys.Press(p.Key, true)
		m.hal.Keys.Press(p.Key, false)
	case p.Gone:
		err = m.hal.Sim.Remove(p.Sensor)
	case p.Value != nil:
		err = m.hal.Sim.Set(p.Sensor, *p.Value)
	default:
		err = m.hal.Sim.Free(p.Sensor)
	}
	if err != nil {
		return api.Errorf(api.CodeNotFound, "not_found", "%v", err)
	}
	return nil
}

// show tells of everything. It asks the devices without m.mu: they may hang.
func (m *machine) show() manage.MachineShow {
	b := m.found.Board
	s := manage.MachineShow{Board: boardInfo(m.found), Sensors: []manage.Sensor{}, Problems: append([]string{}, m.hal.Problems...)}
	for part, a := range map[string]*asking{"sensors": &m.sensors, "lamps": &m.lamps} {
		if since, hang := a.hangs(time.Now()); hang {
			s.Problems = append(s.Problems, fmt.Sprintf("the %s do not answer since %s UTC", part, since.UTC().Format(time.DateTime)))
		}
	}
	slices.Sort(s.Problems)
	s.MachineInfo = manage.MachineInfo{Booted: booted(),
		Serial: manage.MachineSerial{Devices: append([]string{}, b.Console.Devices...), Speed: b.Console.Speed},
		LEDs:   []manage.MachineLED{}, Keys: []manage.MachineKey{}, Bypass: []manage.MachineBypass{}}
	if p := b.Panel; p != nil && m.hal.Panel != nil {
		s.Panel = &manage.MachinePanel{Driver: p.Driver, Device: p.Device, Rows: p.Rows, Cols: p.Cols}
	}
	for _, l := range m.hal.Lamps.State() {
		s.LEDs = append(s.LEDs, manage.MachineLED{Use: l.Use, Colours: l.Colours, Colour: l.Shows.Colour, Blink: l.Shows.Blink, Problem: l.Problem})
	}
	for _, k := range m.hal.Keys.State() {
		s.Keys = append(s.Keys, manage.MachineKey{Use: k.Use, Device: k.Device, Code: k.Code,
			Found: k.Found || b.Simulated, Presses: k.Presses, Problem: k.Problem})
	}
	for _, p := range m.hal.Bypass.State() {
		pair := manage.MachineBypass{Name: p.Name, Ports: []string{}, Driver: p.Driver, Mode: string(p.Mode), PowerOff: string(p.PowerOff), Problem: p.Problem}
		if p.Ports != [2]string{} {
			pair.Ports = append(pair.Ports, p.Ports[:]...)
		}
		s.Bypass = append(s.Bypass, pair)
	}
	s.Watchdog = m.showWatchdog()
	m.mu.Lock()
	defer m.mu.Unlock()
	s.Sensors = sensorInfo(m.readings)
	s.Level, s.Why, s.Locate = m.level.String(), m.why, m.locate
	if s.Watchdog != nil {
		s.Watchdog.Feeding, s.Watchdog.Why = m.feeding, m.hunger
	}
	return s
}

// showWatchdog tells what the watchdog's driver says, nil if there is none.
func (m *machine) showWatchdog() *manage.MachineWatchdog {
	if m.hal.Watchdog == nil {
		return nil
	}
	w := m.hal.Watchdog.State()
	return &manage.MachineWatchdog{Identity: w.Identity, Timeout: api.Duration(w.Timeout), Left: api.Duration(w.Left),
		Reset: w.Reset, Boot: append([]string{}, w.Boot...), Fed: w.Fed.UTC(),
		Stoppable: w.Stoppable, Problem: w.Problem}
}

func boardInfo(r board.Recognition) manage.HardwareBoard {
	id := r.Identity
	return manage.HardwareBoard{Name: r.Board.Name, Description: r.Board.Description,
		Vendor: cmp.Or(id.Vendor, id.BoardVendor), Product: cmp.Or(id.Product, id.BoardName, id.Model), Version: id.Version,
		Arch: runtime.GOARCH, Recognised: append([]string{}, r.Why...), Message: r.Message}
}

func sensorInfo(list []sensor.Reading) []manage.Sensor {
	out := []manage.Sensor{}
	for _, r := range list {
		out = append(out, manage.Sensor{ID: r.ID, Name: r.Name, Kind: string(r.Kind), Value: r.Value, Unit: r.Kind.Unit(),
			Low: r.Low, High: r.High, Critical: r.Critical, State: string(r.State), Problem: r.Problem})
	}
	return out
}

// booted returns when the machine started, zero where the kernel does not say.
func booted() time.Time {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return time.Time{}
	}
	for line := range bytes.Lines(b) {
		if text, ok := strings.CutPrefix(string(line), "btime "); ok {
			if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
				return time.Unix(n, 0).UTC()
			}
		}
	}
	return time.Time{}
}
