// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"evener/firmware/event"
	"evener/firmware/stats"
)

// A hardwareWatch is what the supervisor said of its devices last.
type hardwareWatch struct {
	mu   sync.Mutex // guards what follows
	show MachineShow
	at   time.Time // when; zero: never
	err  error     // why not since

	told  map[string]string // states of sensors that an event has told of, by identity
	reset bool              // of a reset by the watchdog it has
}

// hardwareGone is how long the supervisor may be silent before that is a problem.
const hardwareGone = 20 * time.Second

// RunHardware watches the devices of the supervisor until ctx ends: what is wrong
// becomes problems, and what changes events.
func (b *Box) RunHardware(ctx context.Context) error {
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	for {
		b.lookAtHardware(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// lookAtHardware asks once.
func (b *Box) lookAtHardware(ctx context.Context) {
	show, err := b.readMachine(ctx)
	if ctx.Err() != nil {
		return
	}
	w := &b.hardware
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at.IsZero() {
		w.at = time.Now() // it has that long to begin with
	}
	if w.err = err; err != nil {
		return
	}
	w.show, w.at = show, time.Now()
	b.sensorEvents(show.Sensors)
	b.watchdogEvent(show)
}

// sensorEvents tells of sensors whose state is another. w.mu is held.
func (b *Box) sensorEvents(list []Sensor) {
	w := &b.hardware
	if w.told == nil {
		w.told = map[string]string{}
		for _, s := range list { // what an engine before this one has told of
			if s.State != "ok" && b.toldLast(s) {
				w.told[s.ID] = s.State
			}
		}
	}
	for _, s := range list {
		was := w.told[s.ID]
		if was == s.State || was == "" && s.State == "ok" {
			continue
		}
		w.told[s.ID] = s.State
		args := map[string]any{"sensor": s.Name, "value": s.reading(), "limit": s.limit(), "problem": s.Problem}
		kind := map[string]event.Kind{"ok": event.SensorOK, "warning": event.SensorWarning,
			"critical": event.SensorCritical, "missing": event.SensorMissing}[s.State]
		if kind != "" {
			b.happened(kind, s.object(), args)
		}
	}
}

// toldLast reports whether the last event about a sensor was of its state.
func (b *Box) toldLast(s Sensor) bool {
	if b.cfg.Events == nil {
		return false
	}
	last := b.cfg.Events.Query(event.Filter{Kinds: []string{"sensor.*"}, Objects: []string{s.object()}}, 1, 0)
	return len(last) == 1 && last[0].Kind == event.Kind("sensor."+s.State)
}

// watchdogEvent tells once of a start of the machine that was the watchdog's doing.
// w.mu is held.
func (b *Box) watchdogEvent(show MachineShow) {
	w := &b.hardware
	if w.reset || show.Watchdog == nil || !show.Watchdog.Reset || b.cfg.Events == nil {
		return
	}
	w.reset = true
	told := event.Filter{From: show.Booted, Kinds: []string{string(event.WatchdogReset)}}
	if show.Booted.IsZero() || len(b.cfg.Events.Query(told, 1, 0)) == 0 {
		b.happened(event.WatchdogReset, "watchdog", map[string]any{"watchdog": show.Watchdog.Identity})
	}
}

// object is the path of a sensor: its identity has a slash of its own.
func (s *Sensor) object() string { return event.Object("sensor", strings.ReplaceAll(s.ID, "/", ":")) }

// reading is the value for people.
func (s *Sensor) reading() string { return fmt.Sprintf("%g %s", s.Value, s.Unit) }

// limit is the limit that the value is beyond, for people.
func (s *Sensor) limit() string {
	for _, l := range []struct {
		beyond bool
		limit  float64
	}{
		{s.Critical != 0 && s.Value >= s.Critical, s.Critical},
		{s.High != 0 && s.Value >= s.High, s.High}, {s.Low != 0 && s.Value <= s.Low, s.Low},
		{s.State == "critical" && s.Critical != 0, s.Critical}, {s.High != 0, s.High}, {s.Low != 0, s.Low},
	} {
		if l.beyond && l.limit != 0 {
			return fmt.Sprintf("%g %s", l.limit, s.Unit)
		}
	}
	return "-"
}

// hardwareProblems lists what is wrong with the devices.
func (b *Box) hardwareProblems() (out []Problem) {
	w := &b.hardware
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil && time.Since(w.at) > hardwareGone {
		return []Problem{{Kind: "hardware.unreachable", Severity: severityWarning, Object: "machine",
			Args: map[string]any{"error": w.err.Error()}, Text: "nothing is known of sensors and lamps: " + w.err.Error()}}
	}
	for _, s := range w.show.Sensors {
		if p, bad := sensorProblem(s); bad {
			out = append(out, p)
		}
	}
	for _, text := range w.show.Problems {
		out = append(out, Problem{Kind: "hardware.missing", Severity: severityWarning, Args: map[string]any{"error": text}, Text: text})
	}
	if d := w.show.Watchdog; d != nil && (d.Problem != "" || !d.Feeding) {
		text := "the watchdog is not fed and restarts the box soon: " + d.Why
		if d.Feeding {
			text = "the watchdog: " + d.Problem
		}
		out = append(out, Problem{Kind: "watchdog.problem", Severity: severityWarning, Object: "watchdog", Args: map[string]any{"error": text}, Text: text})
	}
	for _, p := range w.show.Bypass {
		if p.Mode != "normal" || p.Problem != "" {
			text := fmt.Sprintf("ports %s are %s, so that others do not notice when the box dies", p.Name, p.Mode)
			if p.Problem != "" {
				text += ": " + p.Problem
			}
			out = append(out, Problem{Kind: "bypass.on", Severity: severityError, Object: event.Object("bypass", p.Name),
				Args: map[string]any{"pair": p.Name, "mode": p.Mode}, Text: text})
		}
	}
	return out
}

func sensorProblem(s Sensor) (Problem, bool) {
	p := Problem{Kind: "sensor." + s.State, Severity: severityWarning, Object: s.object(),
		Args: map[string]any{"sensor": s.Name, "value": s.reading(), "limit": s.limit(), "problem": s.Problem}}
	switch s.State {
	case "warning":
		p.Text = fmt.Sprintf("%s is at %s, its limit is %s", s.Name, s.reading(), s.limit())
	case "critical":
		p.Severity = severityError
		p.Text = fmt.Sprintf("%s is at %s, which the box cannot bear for long; its limit is %s", s.Name, s.reading(), s.limit())
	case "missing":
		p.Text = fmt.Sprintf("%s cannot be read: %s", s.Name, s.Problem)
	default:
		return Problem{}, false
	}
	return p, true
}

// collectHardware writes the sensors into the metrics.
func (b *Box) collectHardware(w *stats.Writer) {
	h := &b.hardware
	h.mu.Lock()
	list := map[string]Sensor{}
	for _, s := range h.show.Sensors {
		list[s.ID] = s
	}
	h.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(list)) {
		s := list[id]
		if s.State != "missing" {
			w.Float(stats.SensorValue, s.Value, s.ID, s.Kind)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(list)) {
		w.State(stats.SensorState, []string{"ok", "warning", "critical", "missing"}, list[id].State, id)
	}
}
