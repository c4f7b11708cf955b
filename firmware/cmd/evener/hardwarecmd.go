// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

func newShowHardware() *cobra.Command {
	return simple("hardware", "show the board, its sensors, lamps, watchdog, keys and relays", cobra.NoArgs, "hardware.show", noParams,
		func(w io.Writer, h manage.Hardware) { printHardware(w, h) })
}

func newLocate() *cobra.Command {
	on := false
	return simple("locate on|off", "have a lamp on the front blink, so that the box is found", onOff, "led.locate",
		func(_ *cobra.Command, args []string) (any, error) {
			on = args[0] == "on"
			return manage.LocateParams{On: on}, nil
		}, func(w io.Writer, _ struct{}) {
			if on {
				fmt.Fprintln(w, "a lamp on the front blinks until evener board locate off")
			}
		})
}

// newPower orders what ends the machine.
func newPower(name, short, said string) *cobra.Command {
	return simple(name, short, cobra.NoArgs, "sys."+name, noParams, func(w io.Writer, _ struct{}) { fmt.Fprintln(w, said) })
}

// onOff wants one argument, on or off.
func onOff(cmd *cobra.Command, args []string) error {
	if len(args) == 1 && (args[0] == "on" || args[0] == "off") {
		return nil
	}
	return fmt.Errorf("say on or off, not %q", strings.Join(args, " "))
}

func printHardware(w io.Writer, h manage.Hardware) {
	b := h.Board
	fmt.Fprintf(w, "board     %s: %s\n", b.Name, b.Description)
	if name := strings.TrimSpace(b.Vendor + " " + b.Product + " " + b.Version); name != "" {
		fmt.Fprintf(w, "machine   %s\n", name)
	}
	fmt.Fprintf(w, "because   %s\n", dash(b.Message))
	if m := h.Machine; m != nil {
		printMachine(w, *m)
	}
	if len(h.Sensors) > 0 {
		fmt.Fprintln(w)
		table(w, "SENSOR VALUE LOW HIGH CRITICAL STATE ID", func(add func(...any)) {
			for _, s := range h.Sensors {
				value := fmt.Sprintf("%g %s", s.Value, s.Unit)
				if s.State == "missing" {
					value = ""
				}
				add(s.Name, value, limitCell(s.Low), limitCell(s.High), limitCell(s.Critical), s.State, s.ID)
			}
		})
	}
	for _, p := range h.Problems {
		fmt.Fprintf(w, "\nproblem: %s\n", p)
	}
}

func limitCell(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%g", v)
}

func printMachine(w io.Writer, m manage.MachineInfo) {
	alarm := m.Level
	if m.Why != "" {
		alarm += ": " + m.Why
	}
	fmt.Fprintf(w, "alarm     %s\n", alarm)
	if p := m.Panel; p != nil {
		fmt.Fprintf(w, "panel     %s, %d rows of %d, %s\n", p.Driver, p.Rows, p.Cols, dash(p.Device))
	} else {
		fmt.Fprintln(w, "panel     none")
	}
	var lamps []string
	for _, l := range m.LEDs {
		shows := dash(l.Colour)
		if l.Blink {
			shows += " blinking"
		}
		if l.Problem != "" {
			shows += " (" + l.Problem + ")"
		}
		lamps = append(lamps, l.Use+" "+shows)
	}
	fmt.Fprintf(w, "lamps     %s\n", dash(strings.Join(lamps, ", ")))
	printWatchdog(w, m.Watchdog)
	fmt.Fprintf(w, "console   %s at %d bit/s\n", dash(strings.Join(m.Serial.Devices, ", ")), m.Serial.Speed)
	printMemory(w, m.Memory)
	for _, k := range m.Keys {
		state := "found"
		if !k.Found {
			state = "not found"
		}
		if k.Problem != "" {
			state += ": " + k.Problem
		}
		fmt.Fprintf(w, "key       %s (%s, %s) %s\n", k.Use, k.Device, k.Code, state)
	}
	for _, p := range m.Bypass {
		fmt.Fprintf(w, "bypass    %s %s, without power %s\n", p.Name, p.Mode, p.PowerOff)
	}
}

// printMemory tells what is used of the machine, and by which process.
func printMemory(w io.Writer, m *manage.MachineMemory) {
	if m == nil {
		return
	}
	const mebi = 1 << 20
	fmt.Fprintf(w, "memory    %d of %d MiB used", (m.Total-m.Available)/mebi, m.Total/mebi)
	for i, p := range m.Processes {
		start := ", "
		if i == 0 {
			start = ": "
		}
		if p.Problem != "" {
			fmt.Fprintf(w, "%s%s not known (%s)", start, p.Role, p.Problem)
			continue
		}
		fmt.Fprintf(w, "%s%s %d", start, p.Role, p.PSS/mebi)
	}
	fmt.Fprintln(w)
}

func printWatchdog(w io.Writer, d *manage.MachineWatchdog) {
	if d == nil {
		fmt.Fprintln(w, "watchdog  none")
		return
	}
	state := "fed"
	if !d.Feeding {
		state = "NOT fed"
	}
	if d.Why != "" {
		state += ": " + d.Why
	}
	fmt.Fprintf(w, "watchdog  %s, %v, %s\n", d.Identity, time.Duration(d.Timeout), state)
	if len(d.Boot) > 0 {
		fmt.Fprintf(w, "last boot %s\n", strings.Join(d.Boot, ", "))
	}
	if d.Problem != "" {
		fmt.Fprintf(w, "          %s\n", d.Problem)
	}
}
