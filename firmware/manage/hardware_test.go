// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"evener/firmware/api"
	"evener/firmware/event"
)

// A shownMachine is a supervisor that says one thing of its devices.
type shownMachine struct {
	show  MachineShow
	err   error
	calls []string
}

func (m *shownMachine) Call(_ context.Context, method string, _, result any) error {
	m.calls = append(m.calls, method)
	if out, ok := result.(*MachineShow); ok {
		*out = m.show
	}
	return m.err
}

// hardwareDesk is a desk with devices and a journal.
func hardwareDesk(t *testing.T) (*desk, *shownMachine) {
	d := newDesk(t, shop)
	m := &shownMachine{show: MachineShow{Board: HardwareBoard{Name: "sim", Recognised: []string{}}, Sensors: []Sensor{
		{ID: "sim/temp1", Name: "CPU", Kind: "temperature", Value: 44, Unit: "°C", High: 85, Critical: 95, State: "ok"},
		{ID: "sim/fan1", Name: "fan 1", Kind: "fan", Value: 3000, Unit: "rpm", Low: 1200, State: "ok"},
	}, Problems: []string{}, MachineInfo: MachineInfo{Level: "fine", LEDs: []MachineLED{}, Keys: []MachineKey{},
		Serial: MachineSerial{Devices: []string{}}, Bypass: []MachineBypass{{Name: "1-2", Ports: []string{"1", "2"}, Mode: "normal"}},
		Watchdog: &MachineWatchdog{Identity: "imitated", Feeding: true, Boot: []string{}}}}}
	d.cfg.Machine = m
	var err error
	if d.cfg.Events, err = event.Open(t.TempDir(), event.Config{}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.cfg.Events.Close() })
	return d, m
}

// kinds lists the events of sensors and the watchdog, the oldest first.
func (d *desk) kinds() string {
	var out []string
	for _, e := range d.cfg.Events.Query(event.Filter{Kinds: []string{"sensor.*", "watchdog.*", "machine.*"}}, 0, 0) {
		out = append([]string{string(e.Kind) + " " + e.Object}, out...)
	}
	return strings.Join(out, ", ")
}

// problemKinds lists the problems of the devices.
func (d *desk) problemKinds() string {
	var out []string
	for _, p := range d.hardwareProblems() {
		out = append(out, p.Severity+" "+p.Kind)
	}
	return strings.Join(out, ", ")
}

func TestSensorsBecomeEventsAndProblems(t *testing.T) {
	d, m := hardwareDesk(t)
	temp := &m.show.Sensors[0]
	for _, c := range []struct {
		state         string
		value         float64
		kind, problem string
	}{
		{"ok", 50, "", ""},
		{"warning", 86, "sensor.warning", "warning sensor.warning"},
		{"warning", 87, "", "warning sensor.warning"},
		{"critical", 96, "sensor.critical", "error sensor.critical"},
		{"missing", 96, "sensor.missing", "warning sensor.missing"},
		{"ok", 50, "sensor.ok", ""},
	} {
		before := d.kinds()
		temp.State, temp.Value = c.state, c.value
		d.lookAtHardware(t.Context())
		want := before
		if c.kind != "" {
			want = strings.TrimPrefix(before+", "+c.kind+" sensor/sim:temp1", ", ")
		}
		if got := d.kinds(); got != want {
			t.Errorf("at %v %s: events %s, want %s", c.value, c.state, got, want)
		}
		if got := d.problemKinds(); got != c.problem {
			t.Errorf("at %v %s: problems %q, want %q", c.value, c.state, got, c.problem)
		}
	}
	if e := d.cfg.Events.Query(event.Filter{Kinds: []string{"sensor.critical"}}, 1, 0)[0]; !strings.Contains(e.Text, "CPU is at 96 °C") || !strings.Contains(e.Text, "95 °C") {
		t.Errorf("text %q", e.Text)
	}
}

func TestAnEngineThatComesAnewRepeatsNoEvent(t *testing.T) {
	d, m := hardwareDesk(t)
	m.show.Sensors[0].State, m.show.Sensors[0].Value = "warning", 90
	m.show.Watchdog.Reset, m.show.Booted = true, time.Now().Add(-time.Minute)
	d.lookAtHardware(t.Context())
	want := "sensor.warning sensor/sim:temp1, watchdog.reset watchdog"
	if got := d.kinds(); got != want {
		t.Fatalf("events %q, want %q", got, want)
	}
	next := New(d.cfg, slog.New(slog.DiscardHandler))
	next.lookAtHardware(t.Context())
	if got := d.kinds(); got != want {
		t.Errorf("after the next engine: %q, want %q", got, want)
	}
	// The watchdog has reset the machine once more.
	m.show.Booted = time.Now().Add(time.Minute)
	last := New(d.cfg, slog.New(slog.DiscardHandler))
	last.lookAtHardware(t.Context())
	if got := d.kinds(); got != want+", watchdog.reset watchdog" {
		t.Errorf("after another reset: %q", got)
	}
}

func TestWhatIsWrongWithDevicesIsAProblem(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*MachineShow)
		want   string
	}{
		{"nothing", func(*MachineShow) {}, ""},
		{"missing", func(s *MachineShow) { s.Problems = []string{"the alarm lamp is not there"} }, "warning hardware.missing"},
		{"hungry", func(s *MachineShow) { s.Watchdog.Feeding, s.Watchdog.Why = false, "the engine hangs" }, "warning watchdog.problem"},
		{"broken", func(s *MachineShow) { s.Watchdog.Problem = "it cannot be fed" }, "warning watchdog.problem"},
		{"bypassed", func(s *MachineShow) { s.Bypass[0].Mode = "bypassed" }, "error bypass.on"},
		{"no watchdog", func(s *MachineShow) { s.Watchdog = nil }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, m := hardwareDesk(t)
			c.change(&m.show)
			d.lookAtHardware(t.Context())
			if got := d.problemKinds(); got != c.want {
				t.Errorf("problems %q, want %q", got, c.want)
			}
		})
	}
}

func TestASilentSupervisorIsAProblemAfterAWhile(t *testing.T) {
	d, m := hardwareDesk(t)
	m.err = errors.New("the supervisor is silent")
	d.lookAtHardware(t.Context())
	if got := d.problemKinds(); got != "" {
		t.Errorf("at once: %q", got)
	}
	d.hardware.mu.Lock()
	d.hardware.at = d.hardware.at.Add(-hardwareGone - time.Second)
	d.hardware.mu.Unlock()
	if got := d.problemKinds(); got != "warning hardware.unreachable" {
		t.Errorf("later: %q", got)
	}
	h := must[Hardware](d, api.Call{Author: "vic", Role: api.Viewer}, "hardware.show", args{})
	if h.Machine != nil || len(h.Problems) != 1 || !strings.Contains(h.Problems[0], "silent") {
		t.Errorf("hardware.show = %+v", h)
	}
}

func TestHardwareIsShownAndTheLampAskedFor(t *testing.T) {
	d, m := hardwareDesk(t)
	viewer := api.Call{Author: "vic", Role: api.Viewer}
	h := must[Hardware](d, viewer, "hardware.show", args{})
	if h.Board.Name != "sim" || len(h.Sensors) != 2 || h.Machine == nil || h.Machine.Level != "fine" {
		t.Errorf("hardware.show = %+v", h)
	}
	refused(d, viewer, "led.locate", args{"on": true}, "auth.role")
	must[struct{}](d, by("ann"), "led.locate", args{"on": true})
	if m.calls[len(m.calls)-1] != "led.locate" {
		t.Errorf("the machine was asked %q", m.calls)
	}
}

func TestTheMachineIsEndedByWhoGaveThePassword(t *testing.T) {
	d, m := hardwareDesk(t)
	for method, asks := range map[string]string{"sys.reboot": "power.reboot", "sys.halt": "power.halt"} {
		refused(d, api.Call{Author: "ed", Role: api.Editor, Sudo: true}, method, args{}, "auth.role")
		refused(d, by("ann"), method, args{}, "auth.sudo")
		refused(d, api.Call{Author: "ann", Role: api.Admin, Sudo: true, Scope: map[string]string{"team": "shop"}}, method, args{}, "auth.scope")
		if slices.Contains(m.calls, asks) {
			t.Errorf("%s: the machine was asked for %s by who may not", method, asks)
		}
		must[struct{}](d, admin("ann"), method, args{})
		if m.calls[len(m.calls)-1] != asks {
			t.Errorf("%s: the machine was asked %q, want %s", method, m.calls, asks)
		}
	}
}

func TestSensorsAreInTheMetrics(t *testing.T) {
	d, m := hardwareDesk(t)
	m.show.Sensors[1].State = "missing"
	d.lookAtHardware(t.Context())
	var out strings.Builder
	if err := d.cfg.Registry.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]bool{
		`evener_sensor_value{sensor="sim/temp1",kind="temperature"} 44`: true,
		`evener_sensor_state{sensor="sim/fan1",state="missing"} 1`:      true,
		`evener_sensor_value{sensor="sim/fan1"`:                         false,
		`evener_sensor_state{sensor="sim/temp1",state="critical"} 0`:    true,
	} {
		if strings.Contains(out.String(), line) != want {
			t.Errorf("metrics have %s: %v, want %v", line, !want, want)
		}
	}
}

// TestAlarmsOfTheMachineAreToldOnceForEachStart: what process 1 has found is a problem
// as long as the machine runs, and one event.
func TestAlarmsOfTheMachineAreToldOnceForEachStart(t *testing.T) {
	d, _ := hardwareDesk(t)
	d.cfg.Alarms = []MachineAlarm{{Object: "state", Text: "the state is lost", Grave: true, Since: time.Now().Add(-time.Minute)},
		{Object: "clock", Text: "the battery is empty", Since: time.Now().Add(-time.Minute)}}
	const want = "machine.alarm machine/state, machine.alarm machine/clock"
	for range 2 { // the second engine of one start
		New(d.cfg, slog.New(slog.DiscardHandler)).machineEvents()
		if got := d.kinds(); got != want {
			t.Errorf("events %q, want %q", got, want)
		}
	}
	d.cfg.Alarms[1].Since = time.Now().Add(time.Minute) // of the machine's next start
	b := New(d.cfg, slog.New(slog.DiscardHandler))
	b.machineEvents()
	if got := d.kinds(); got != want+", machine.alarm machine/clock" {
		t.Errorf("events %q after the next start", got)
	}
	var got []string
	for _, p := range b.problems() {
		if p.Kind == "machine.alarm" {
			got = append(got, p.Severity+" "+p.Object+": "+p.Text)
		}
	}
	if want := "error machine/state: the state is lost, warning machine/clock: the battery is empty"; strings.Join(got, ", ") != want {
		t.Errorf("problems %q, want %q", got, want)
	}
}
