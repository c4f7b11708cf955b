// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"evener/board"
	"evener/firmware/api"
	"evener/firmware/manage"
	"evener/firmware/supervise"
	"evener/hal"
	"evener/hal/led"
	"evener/hal/sensor"
)

// findBoard returns the board of that name, or for auto the one that the machine
// below root is taken for.
func findBoard(name, root string) (board.Recognition, error) {
	if name == board.Auto {
		return board.Recognise(os.DirFS(root), runtime.GOARCH)
	}
	b, err := board.ByName(name)
	r := board.Recognition{Board: b, Message: fmt.Sprintf("board %s was named with --board", b.Name)}
	if err == nil && !b.Simulated {
		r.Identity = board.Identify(os.DirFS(root))
	}
	return r, err
}

// A machine is the devices of the box, which the supervisor has: lamps, watchdog,
// sensors, keys and relays. It goes on whatever role dies.
type machine struct {
	found board.Recognition
	hal   *hal.Machine
	sup   roleTeller
	super *superAPI
	ask   func(ctx context.Context, method string, result any) error // of the engine
	log   *slog.Logger
	began time.Time

	// Both may be set before start.
	menu    func(context.Context) bool // whether the panel's menu answers; nil: there is none
	reboots func() bool                // whether the end of the box is a reboot of the machine; nil: never

	mu       sync.Mutex // guards what follows
	vitals   *vitals
	level    led.Level
	why      string // of level
	locate   bool
	feeding  bool
	hunger   string // why the watchdog is not fed, or will not be
	readings []sensor.Reading
	held     bool // somebody holds the engine

	engine, panel, sensors, lamps asking

	memoryLook memoryLook
	topic      *api.Topic
}

// A roleTeller says which roles run.
type roleTeller interface {
	Status(context.Context) (supervise.Status, error)
}

// openMachine opens the devices of the board. It arms the watchdog, as the last thing:
// what comes before may take its time. armed is the watchdog that is armed already, nil
// for none.
func openMachine(found board.Recognition, state string, armed *os.File, log *slog.Logger) (*machine, error) {
	m := &machine{found: found, log: log, began: time.Now(), feeding: true}
	var err error
	m.hal, err = hal.Open(found.Board, hal.Options{Log: log, NoWatchdog: true})
	if err != nil {
		return nil, err
	}
	log.Info("board chosen", "board", found.Board.Name, "why", found.Message)
	if err := m.hal.Bypass.Force(); err != nil {
		log.Error("bypass not switched off", "err", err)
	}
	sock := filepath.Join(state, api.EngineSocket)
	m.ask = func(ctx context.Context, method string, result any) error {
		return callSocket(ctx, sock, "api", "engine", method, struct{}{}, result)
	}
	m.readSensors(context.Background())
	m.sensors.wait()
	m.hal.Arm(hal.Options{Log: log, Armed: armed,
		WatchdogExpired: func() { log.Error("simulated watchdog ran out: a real one would restart the box now") }})
	for _, p := range m.hal.Problems {
		log.Warn("device missing", "problem", p)
	}
	reset := m.hal.Watchdog != nil && m.hal.Watchdog.State().Reset
	if reset {
		log.Error("box restarted by its watchdog")
	}
	m.vitals = newVitals(reset, m.began, partSupervisor, partEngine, partStore)
	return m, nil
}

// start lets the devices work until the function that it returns is called, which
// waits for what runs and disarms the watchdog, or leaves it armed before a reboot. Only
// the first call of that counts.
func (m *machine) start(sup roleTeller, super *superAPI) (stop func()) {
	m.sup, m.super = sup, super
	if super != nil {
		super.registry() // makes m.topic
	}
	if m.menu != nil {
		m.vitals.excuse(partPanel, m.began)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := protected(func() error { return m.hal.Keys.Run(ctx) }); err != nil {
			m.log.Error("keys not heard", "err", err)
		}
	})
	wg.Go(func() { m.obeyKeys(ctx) })
	wg.Go(func() { m.every(ctx, "watchdog", m.nourish) })
	wg.Go(func() { m.every(ctx, "lamps and sensors", m.look) })
	var once sync.Once
	return func() {
		once.Do(func() {
			cancel()
			bounded(m.log, "keys and watchdog", wg.Wait)()
			for _, a := range []*asking{&m.engine, &m.panel, &m.sensors, &m.lamps} {
				a.wait()
			}
			m.dark()
			m.letGo()
		})
	}
}

// letGo leaves the watchdog: armed, with all its time, before a reboot, which may hang as
// well; else disarmed.
func (m *machine) letGo() {
	var err error
	if w := m.hal.Watchdog; w != nil && m.reboots != nil && m.reboots() {
		err = errors.Join(w.Feed(), w.Leave())
	} else {
		err = m.hal.Close()
	}
	if err != nil {
		m.log.Error("watchdog not left as it should be: it may restart the box", "err", err)
	}
}

// dark shows that nothing runs any more, unless the lamps hang.
func (m *machine) dark() {
	m.lamps.begin(context.Background(), func(context.Context) error {
		for _, use := range []string{"power", "status", "alarm", "locate"} {
			_ = m.hal.Lamps.Set(use, led.Light{}) // Open has told which are not there
		}
		return nil
	})
	m.lamps.wait()
}

// every does f every two seconds until ctx ends. A fault in f costs that one time.
func (m *machine) every(ctx context.Context, part string, f func(context.Context, time.Time)) {
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	for {
		guarded(m.log, part, func() { f(ctx, time.Now()) })
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// nourish feeds the watchdog if it may be fed. It waits for no device but the
// watchdog, and for nobody who holds m.mu while he waits for one.
func (m *machine) nourish(ctx context.Context, now time.Time) {
	m.askSupervisor(ctx, now)
	if !m.mayFeed(now) || m.hal.Watchdog == nil {
		return
	}
	if err := m.hal.Watchdog.Feed(); err != nil {
		m.log.Error("watchdog not fed", "err", err)
	}
}

func (m *machine) mayFeed(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.feeding, m.hunger = m.vitals.feed(now)
	return m.feeding
}

// look asks for what is known of the box, and shows it. What it asks may hang; it does
// not.
func (m *machine) look(ctx context.Context, now time.Time) {
	m.readSensors(ctx)
	m.engine.begin(ctx, func(ctx context.Context) error {
		var s manage.PanelStatus
		err := m.ask(ctx, "panel.status", &s)
		m.heardEngine(s, err)
		return err
	})
	m.askPanel(ctx)
	shown := m.judged(now)
	m.lamps.begin(ctx, func(context.Context) error {
		err := m.hal.Lamps.Show(shown)
		if err != nil {
			m.log.Debug("lamps not lit", "err", err)
		}
		return err
	})
	if m.topic != nil {
		m.topic.Changed()
	}
}

// readSensors has the sensors read. A chip that does not answer may take long.
func (m *machine) readSensors(ctx context.Context) {
	m.sensors.begin(ctx, func(context.Context) error {
		readings := m.hal.Sensors.Read()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.readings = readings
		return nil
	})
}

// judged returns what the lamps are to show.
func (m *machine) judged(now time.Time) led.Situation {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.level, m.why = m.judge(now, m.held)
	return m.situation()
}

// situation is what the lamps are to show. m.mu is held.
func (m *machine) situation() led.Situation {
	m.engine.mu.Lock()
	defer m.engine.mu.Unlock()
	return led.Situation{Level: m.level, Standby: m.engine.passive, Locate: m.locate}
}

// askSupervisor asks the supervisor's loop whether somebody holds the engine.
func (m *machine) askSupervisor(ctx context.Context, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	st, err := m.sup.Status(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held = false
	if err != nil {
		return
	}
	m.vitals.heard(partSupervisor, now)
	for _, r := range st.Roles {
		if r.Name == "engine" && r.Held != "" {
			m.held = true
			m.vitals.excuse(partEngine, now)
			m.vitals.excuse(partStore, now)
		}
	}
}

// askPanel asks the menu of the panel for a sign of life, where there is one.
func (m *machine) askPanel(ctx context.Context) {
	if m.menu == nil {
		return
	}
	m.panel.begin(ctx, func(ctx context.Context) error {
		if !m.menu(ctx) {
			return errors.New("the menu takes no keys")
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.vitals.heard(partPanel, time.Now())
		return nil
	})
}

// obeyKeys does what the keys of the box ask for until ctx ends.
func (m *machine) obeyKeys(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-m.hal.Keys.Presses():
			if p.Down {
				guarded(m.log, "keys", func() { m.obey(ctx, p.Use) })
			}
		}
	}
}

// obey ends the box in order: the power key switches the machine off, the reset key
// reboots it; who stands before the box is the panel's author. Where that is not ours
// to do, the power key ends the box.
func (m *machine) obey(ctx context.Context, use string) {
	method := map[string]string{"power": "power.halt", "reset": "power.reboot"}[use]
	m.log.Warn("key pressed", "key", use)
	if m.super != nil && m.super.registry().Method(method) != nil {
		err := m.super.call(ctx, "panel", method, struct{}{}, nil)
		if err == nil {
			return
		}
		m.log.Error("key not obeyed", "key", use, "err", err)
		if use == "reset" {
			return
		}
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		m.log.Error("box not ended", "err", err)
	}
}
