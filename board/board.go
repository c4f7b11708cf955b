// SPDX-License-Identifier: Apache-2.0

// Package board describes the models of hardware that the firmware runs on, as
// plain data, and recognises the model it runs on. It knows no driver and opens
// no device.
//
// Every fact of a real model has its source in [Board.Sources]. What no public
// document says is left empty and named in [Board.Unknown].
package board

import (
	"net/netip"
	"time"
)

// A Board is one model.
type Board struct {
	Name        string
	Description string
	Arch        string  // as GOARCH; "" any
	Match       []Match // any one is enough; none: the board is chosen by name only
	Generic     bool    // what unknown hardware of the architecture gets
	Simulated   bool    // its devices are in memory

	Ports    []Port // in the order of the front; none: named after the interfaces
	Panel    *Panel // nil: none
	LEDs     []LED
	Watchdog *Watchdog // nil: none is fed
	Sensors  []Sensor  // what is known of single ones; others are shown all the same
	Console  Console
	Keys     []Key
	Bypass   []Bypass
	Disk     string // device that the image is written to, "" the one booted from

	Buildroot Buildroot
	Origins   []Origin // demo servers, of the simulated board only

	Sources []Source
	Unknown []string // what is not public, in words
}

// A Port is one socket for a network cable.
//
// PCI, Bus, Interface and Order say which of the machine's network controllers it
// is, the first of them that is set; see [Board.Assign].
type Port struct {
	Name       string // as on the front: "mgmt", "1"
	PCI        string // address of the controller, such as "0000:01:00.0"
	Bus        string // device in /sys/devices, such as "fe1c0000.ethernet"
	Interface  string // name by the kernel, where the device tree fixes it
	Order      int    // n-th controller with that Driver in the order of addresses, from 1
	Driver     string // of the kernel; "" not known
	LED        string // device in /sys/class/leds, "" none that software sets
	Bypass     string // name of the pair, "" none
	Management bool
	Optional   bool // the board is there without, so that nothing is wrong where there is none
}

// A Panel is a character display with keys.
type Panel struct {
	Driver     string // as package hal/lcd names it
	Device     string // "/dev/ttyS1", or a pattern of path.Match; "" for a simulated one
	Speed      int    // bit/s, 0: the driver's own
	Rows, Cols int
	Keys       map[string]string // what the display sends → up, down, left, right, enter, escape; nil: the driver's own
	Contrast   int               // percent, 0: as the display has it
	LEDs       int               // on the panel itself
	Optional   bool              // the board is sold without, so that nothing is wrong where there is none
}

// An LED is one lamp of one colour in /sys/class/leds. Two that share a Use are
// the colours of one lamp.
type LED struct {
	Use    Use
	Colour string // green, yellow, red, blue, white
	Device string // name in /sys/class/leds
}

// Use is what a lamp is for.
type Use string

// The uses of lamps.
const (
	UsePower    Use = "power"    // lit while the firmware runs
	UseStatus   Use = "status"   // green: serves; yellow: does not serve whole
	UseAlarm    Use = "alarm"    // dark, or the worst problem
	UseLocate   Use = "locate"   // blinks on demand
	UseActivity Use = "activity" // disks or traffic; left to the kernel
)

// A Watchdog restarts the box where nobody feeds it.
type Watchdog struct {
	Device  string        // "/dev/watchdog0"
	Driver  string        // of the kernel, such as sp5100_tco; "" not known
	Timeout time.Duration // that is asked for; the driver may clamp it

	Optional bool // nothing is wrong where there is none
}

// A Sensor is what is known of one input of a hwmon chip. A limit of 0 is not
// known: the kernel's is taken.
type Sensor struct {
	Chip  string // content of hwmonN/name
	Input string // temp1, fan2, in0, power1
	Name  string // for people
	// Limits in degrees Celsius, revolutions per minute, volts or watts.
	Low, High, Critical float64
	Ignore              bool // not connected on this board
}

// Console is the serial console.
type Console struct {
	Devices []string // "ttyS0"; "pty" a new pseudo-terminal; the first one is the kernel's too
	Speed   int      // bit/s, 8N1
}

// A Key is a switch that the kernel reports as an input event.
type Key struct {
	Device string // name of the input device, or its beginning
	Code   string // KEY_POWER, KEY_RESTART, KEY_RESET or KEY_SLEEP
	Use    string // power or reset
}

// A Bypass is a pair of ports that a relay connects when the box does not work.
type Bypass struct {
	Name   string // "1-2"
	Ports  [2]string
	Driver string // caswell, caswell-g3, silicom or sim, as package hal/bypass names it
	Path   string // below the root, of the driver's folder for this pair
}

// Buildroot is what the image of the board is built from.
type Buildroot struct {
	Defconfig  string   // name of the configuration below buildroot/configs
	Modules    []string // of the kernel, that are not loaded by themselves
	DeviceTree string   // file without path and ending, "" none
}

// An Origin is a demo server that the simulated board brings along.
type Origin struct {
	Name string
	Addr netip.AddrPort
}

// A Source tells where a fact can be looked up.
type Source struct {
	Fact  string // in words
	Where string // address of a document, or the path of a file with its project
}

// Port returns the port of that name.
func (b Board) Port(name string) (Port, bool) {
	for _, p := range b.Ports {
		if p.Name == name {
			return p, true
		}
	}
	return Port{}, false
}
