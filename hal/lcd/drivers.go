// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"context"
	"fmt"
	"strings"

	"evener/hal/serial"
)

// Options are what a board knows of its display. Only Device is always
// required (but for the simulated display); a zero field is what the display
// says of itself or what its kind usually is.
type Options struct {
	Device string // such as "/dev/ttyS1", "/dev/i2c-1" or "/dev/lcd"
	Speed  int    // bits per second
	Rows   int
	Cols   int

	// Keys maps what the display reports to the names of keys ("up" …), for
	// boards whose keys are not wired as usual. The driver says how reports
	// are written.
	Keys map[string]string
}

// A driver is a kind of display. One of open and attach is set.
type driver struct {
	name   string
	speed  int                                                         // usual speed of a serial display
	attach func(context.Context, serial.Port, Options) (Device, error) // for serial displays
	open   func(context.Context, Options) (Device, error)              // for others
}

// drivers are the kinds of displays there are.
var drivers = []driver{
	{name: "sim", open: openSim},
	{name: "cfa631", speed: 115200, attach: attachCFA("cfa631")},
	{name: "cfa633", speed: 19200, attach: attachCFA("cfa633")},
	{name: "cfa635", speed: 115200, attach: attachCFA("cfa635")},
	{name: "mtxorb", speed: 19200, attach: attachMtxorb},
	{name: "glk", speed: 19200, attach: attachGLK},
	{name: "ezio100", speed: 2400, attach: attachEzio(ezioKeypads[0])},
	{name: "ezio300", speed: 2400, attach: attachEzio(ezioKeypads[1])},
	{name: "ezio340", speed: 2400, attach: attachEzio(ezioKeypads[2])},
	{name: "ezio-g500", speed: 115200, attach: attachG500},
	{name: "hd44780-i2c", open: openHD44780},
	{name: "charlcd", open: openCharLCD},
}

// Drivers returns the names that OpenDevice knows.
func Drivers() []string {
	var names []string
	for _, d := range drivers {
		names = append(names, d.name)
	}
	return names
}

func findDriver(name string) (driver, error) {
	for _, d := range drivers {
		if d.name == name {
			return d, nil
		}
	}
	return driver{}, fmt.Errorf("panel driver must be one of %s, not %q", strings.Join(Drivers(), ", "), name)
}

// OpenDevice opens the display that a driver names, and makes sure that one
// answers wherever the protocol lets it answer.
func OpenDevice(ctx context.Context, name string, o Options) (Device, error) {
	d, err := findDriver(name)
	if err != nil {
		return nil, err
	}
	if d.open != nil {
		dev, err := d.open(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("panel %s: %w", name, err)
		}
		return dev, nil
	}
	if o.Device == "" {
		return nil, fmt.Errorf("panel %s: the board must name its serial line, such as /dev/ttyS1", name)
	}
	if o.Speed == 0 {
		o.Speed = d.speed
	}
	port, err := serial.Open(o.Device, serial.Config{Speed: o.Speed})
	if err != nil {
		return nil, fmt.Errorf("panel %s: %w", name, err)
	}
	return Attach(ctx, name, port, o)
}

// Attach is OpenDevice for a serial line that is open already. The device owns
// the port: it closes it, also when Attach returns an error.
func Attach(ctx context.Context, name string, port serial.Port, o Options) (Device, error) {
	d, err := findDriver(name)
	if err == nil && d.attach == nil {
		err = fmt.Errorf("it is not at a serial line")
	}
	if err == nil && o.Speed == 0 {
		o.Speed = d.speed
	}
	var dev Device
	if err == nil {
		dev, err = d.attach(ctx, port, o)
	}
	if err != nil {
		port.Close()
		return nil, fmt.Errorf("panel %s on %s: %w", name, o.Device, err)
	}
	return dev, nil
}

// keyMap returns the keys of what a display reports: usual, changed by what
// the board says.
func (o Options) keyMap(usual map[string]Key) (map[string]Key, error) {
	if len(o.Keys) == 0 {
		return usual, nil
	}
	keys := make(map[string]Key, len(o.Keys))
	for report, name := range o.Keys {
		k, err := ParseKey(name)
		if err != nil {
			return nil, fmt.Errorf("report %q: %w", report, err)
		}
		keys[report] = k
	}
	return keys, nil
}
