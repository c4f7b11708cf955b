// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"time"

	"evener/firmware/api"
	"evener/firmware/phrase"
)

// A Hardware is the box as a thing.
type Hardware struct {
	Board    HardwareBoard `json:"board"`
	Sensors  []Sensor      `json:"sensors"`
	Machine  *MachineInfo  `json:"machine" doc:"the supervisor's devices; null: it does not answer"`
	Problems []string      `json:"problems" doc:"devices that the board names and the machine has not"`

	Said phrase.Words `json:"said,omitempty" says:"problems" doc:"what the texts say, by field: kind and args, for translation"`
}

// A MachineShow is what the supervisor says of its devices.
type MachineShow struct {
	Board    HardwareBoard `json:"board"`
	Sensors  []Sensor      `json:"sensors"`
	Problems []string      `json:"problems" doc:"devices that the board names and the machine has not"`
	MachineInfo
}

// A HardwareBoard is the model that the box is taken for.
type HardwareBoard struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Vendor      string   `json:"vendor" doc:"as the machine says; empty: it does not"`
	Product     string   `json:"product" doc:"as the machine says, or its device tree"`
	Version     string   `json:"version"`
	Arch        string   `json:"arch" doc:"amd64 or arm64"`
	Recognised  []string `json:"recognised" doc:"why it was; none: it was not, or somebody has named the board"`
	Message     string   `json:"message" doc:"how it came to this board"`

	Said phrase.Words `json:"said,omitempty" says:"recognised,message" doc:"what the texts say, by field: kind and args, for translation"`
}

// A Sensor is what one measures.
type Sensor struct {
	ID       string  `json:"id" doc:"chip and input, such as nct6775/temp1"`
	Name     string  `json:"name"`
	Kind     string  `json:"kind" doc:"temperature, fan, voltage or power"`
	Value    float64 `json:"value" doc:"the last one, where it is missing"`
	Unit     string  `json:"unit" doc:"°C, rpm, V or W"`
	Low      float64 `json:"low" doc:"limit; 0: none"`
	High     float64 `json:"high" doc:"limit; 0: none"`
	Critical float64 `json:"critical" doc:"limit; 0: none"`
	State    string  `json:"state" doc:"ok, warning, critical or missing"`
	Problem  string  `json:"problem,omitempty" doc:"why it is missing"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// A MachineInfo is the supervisor's devices and what they do.
type MachineInfo struct {
	Booted   time.Time        `json:"booted,omitzero" doc:"when the machine started"`
	Level    string           `json:"level" doc:"what the alarm lamp shows: fine, warning, error, alert or emergency"`
	Why      string           `json:"why" doc:"of that level; empty: all is fine"`
	Locate   bool             `json:"locate" doc:"the lamp for finding the box blinks"`
	Memory   *MachineMemory   `json:"memory,omitempty" doc:"up to ten seconds ago; absent: the kernel does not say, or state.machine was followed"`
	Panel    *MachinePanel    `json:"panel" doc:"null: there is none"`
	LEDs     []MachineLED     `json:"leds"`
	Watchdog *MachineWatchdog `json:"watchdog" doc:"null: none is used"`
	Serial   MachineSerial    `json:"serial"`
	Keys     []MachineKey     `json:"keys"`
	Bypass   []MachineBypass  `json:"bypass"`

	Said phrase.Words `json:"said,omitempty" says:"why" doc:"what the texts say, by field: kind and args, for translation"`
}

// A MachineMemory is what the machine's memory is used for.
type MachineMemory struct {
	Total     int64            `json:"total" doc:"bytes that the kernel hands out: what is built in, less its own code and tables"`
	Available int64            `json:"available" doc:"bytes that programs could still have: free, or given back when somebody needs them"`
	Processes []MachineProcess `json:"processes" doc:"those of the box"`
}

// A MachineProcess is the memory of one process of the box.
type MachineProcess struct {
	Role    string `json:"role" doc:"supervisor, engine, console, ha, or a demo server"`
	PID     int    `json:"pid"`
	PSS     int64  `json:"pss" doc:"bytes: its own, and its share of what several processes have in common, such as the program"`
	Problem string `json:"problem,omitempty" doc:"why that is not known"`
}

// A MachinePanel is the display; panel.screen tells what it shows.
type MachinePanel struct {
	Driver string `json:"driver"`
	Device string `json:"device"`
	Rows   int    `json:"rows"`
	Cols   int    `json:"cols"`
}

// A MachineLED is a lamp on the front.
type MachineLED struct {
	Use     string   `json:"use" doc:"power, status, alarm, locate or activity"`
	Colours []string `json:"colours" doc:"that it has"`
	Colour  string   `json:"colour" doc:"that it shows, or comes nearest to; empty: it is dark"`
	Blink   bool     `json:"blink"`
	Problem string   `json:"problem,omitempty"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// A MachineWatchdog restarts the box where nobody feeds it.
type MachineWatchdog struct {
	Identity  string       `json:"identity"`
	Timeout   api.Duration `json:"timeout"`
	Left      api.Duration `json:"left" doc:"until it restarts the box; 0s: the driver does not tell"`
	Feeding   bool         `json:"feeding" doc:"false: the box restarts soon"`
	Why       string       `json:"why,omitempty" doc:"it is not fed, or will not be for long"`
	Reset     bool         `json:"reset" doc:"it was the watchdog that started the box last"`
	Boot      []string     `json:"boot" doc:"what the hardware says of the last start"`
	Fed       time.Time    `json:"fed,omitzero"`
	Stoppable bool         `json:"stoppable" doc:"an orderly end of the box disarms it"`
	Problem   string       `json:"problem,omitempty"`

	Said phrase.Words `json:"said,omitempty" says:"why,problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// A MachineSerial is the serial console.
type MachineSerial struct {
	Devices []string `json:"devices" doc:"such as ttyS0; pty is a new pseudo-terminal"`
	Speed   int      `json:"speed" doc:"bit/s"`
}

// A MachineKey is a switch on the box.
type MachineKey struct {
	Use     string `json:"use" doc:"power or reset"`
	Device  string `json:"device"`
	Code    string `json:"code"`
	Found   bool   `json:"found"`
	Presses int    `json:"presses" doc:"since the supervisor's start"`
	Problem string `json:"problem,omitempty"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// A MachineBypass is two ports that a relay can connect with each other.
type MachineBypass struct {
	Name     string   `json:"name"`
	Ports    []string `json:"ports" doc:"as on the front; none: not known"`
	Driver   string   `json:"driver"`
	Mode     string   `json:"mode" doc:"normal, bypassed, open or unknown"`
	PowerOff string   `json:"power_off" doc:"mode without power"`
	Problem  string   `json:"problem,omitempty"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// A LocateParams says whether the lamp for finding the box blinks.
type LocateParams struct {
	On bool `json:"on"`
}

// addHardware registers what is known of the box as a thing.
func (b *Box) addHardware(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "hardware.show", Purpose: "Shows the board, its sensors and the devices of the supervisor.", Role: api.Viewer},
		func(ctx context.Context, _ api.Call, _ struct{}) (Hardware, error) { return b.showHardware(ctx) })
	b.topics.hardware = api.AddState(reg, api.Topic{Name: "state.hardware", Purpose: "The box as a thing, as one object named box.",
		Role: api.Viewer, Every: 2 * time.Second},
		func(ctx context.Context, _ api.Call, _ struct{}) (map[string]Hardware, error) {
			h, err := b.showHardware(ctx)
			return map[string]Hardware{"box": h}, err
		})
	api.Add(reg, api.Method{Name: "led.locate", Purpose: "Has a lamp on the front blink, so that the box is found.",
		Role: api.Operator, Effect: api.System, Audit: "blink to be found: {on}"},
		func(ctx context.Context, c api.Call, p LocateParams) (struct{}, error) {
			if err := unscoped(c, "the lamp on the front"); err != nil {
				return struct{}{}, err
			}
			err := b.askMachine(ctx, "led.locate", p, nil)
			changed(b.topics.hardware)
			return struct{}{}, err
		})
}

// showHardware asks the supervisor. Without an answer it says that.
func (b *Box) showHardware(ctx context.Context) (Hardware, error) {
	h := Hardware{Sensors: []Sensor{}, Problems: []string{}}
	show, err := b.readMachine(ctx)
	if err != nil {
		h.Board.Name, h.Board.Recognised = b.cfg.Board, []string{}
		h.Problems = append(h.Problems, err.Error())
		h.Said = phrase.List("problems", h.Problems)
		return h, nil
	}
	h.Board, h.Sensors, h.Problems, h.Machine = show.Board, show.Sensors, show.Problems, &show.MachineInfo
	phrase.Fill(&h)
	return h, nil
}

// readMachine returns what the supervisor says of its devices now.
func (b *Box) readMachine(ctx context.Context) (MachineShow, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var show MachineShow
	err := b.askMachine(ctx, "machine.show", struct{}{}, &show)
	return show, err
}
