// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"evener/board"
	"evener/firmware/manage"
	"evener/hal"
	"evener/hal/sensor"
)

func newBoard() *cobra.Command {
	return group("board", "the models of hardware, and this machine", newBoardList(), newBoardCheck(), newLocate(),
		newPower("reboot", "drain the box and reboot its machine", "the box reboots"),
		newPower("halt", "drain the box and switch its machine off", "the box switches itself off"))
}

// A boardLine is a board in a list.
type boardLine struct {
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Arch        string         `json:"arch"`
	Ports       []string       `json:"ports"`
	Panel       string         `json:"panel"`
	Sources     []board.Source `json:"sources"`
	Unknown     []string       `json:"unknown"`
}

func newBoardList() *cobra.Command {
	var sources bool
	cmd := &cobra.Command{Use: "list", Short: "list the boards", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines := []boardLine{}
			for _, b := range board.All() {
				l := boardLine{Name: b.Name, Description: b.Description, Arch: b.Arch, Ports: []string{},
					Sources: append([]board.Source{}, b.Sources...), Unknown: append([]string{}, b.Unknown...)}
				for _, p := range b.Ports {
					l.Ports = append(l.Ports, p.Name)
				}
				if b.Panel != nil {
					l.Panel = b.Panel.Driver
				}
				lines = append(lines, l)
			}
			return show(cmd, lines, func(w io.Writer) { printBoards(w, lines, sources) })
		}}
	cmd.Flags().BoolVar(&sources, "sources", false, "show where each fact is from, and what is not public")
	return cmd
}

func printBoards(w io.Writer, lines []boardLine, sources bool) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush()
	if !sources {
		fmt.Fprintln(t, "BOARD\tARCH\tPORTS\tPANEL\tWHAT")
	}
	for _, l := range lines {
		if !sources {
			fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", l.Name, dash(l.Arch), len(l.Ports), dash(l.Panel), l.Description)
			continue
		}
		fmt.Fprintf(t, "%s: %s\n", l.Name, l.Description)
		for _, s := range l.Sources {
			fmt.Fprintf(t, "  %s\n    from %s\n", s.Fact, s.Where)
		}
		for _, u := range l.Unknown {
			fmt.Fprintf(t, "  not known: %s\n", u)
		}
	}
}

// A boardReport is what was found of a board.
type boardReport struct {
	Board   manage.HardwareBoard `json:"board"`
	Found   []boardPart          `json:"found"`
	Missing []boardPart          `json:"missing"`
	Unknown []string             `json:"unknown" doc:"of the board"`
}

// A boardPart is one thing that a board names or a machine has.
type boardPart struct {
	What string `json:"what"` // port 1, panel
	Is   string `json:"is"`
}

func newBoardCheck() *cobra.Command {
	var root string
	cmd := &cobra.Command{Use: "check [BOARD]", Short: "tell what of a board is found on this machine, and what is missing",
		Long: `Tell what of a board is found on this machine, and what is missing. Without BOARD the
machine is recognised. No box needs to run, and nothing is changed: the watchdog is
not armed, the panel not written to.`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := board.Auto
			if len(args) == 1 {
				name = args[0]
			}
			found, err := findBoard(name, root)
			if err != nil {
				return usageError{err}
			}
			r, err := checkBoard(found, root)
			if err != nil {
				return err
			}
			if err := show(cmd, r, func(w io.Writer) { printReport(w, r) }); err != nil {
				return err
			}
			if len(r.Missing) > 0 {
				return fmt.Errorf("board %s names what this machine has not: %d of it is listed above", found.Board.Name, len(r.Missing))
			}
			return nil
		}}
	cmd.Flags().StringVar(&root, "root", "/", "look below this folder, such as a recorded tree")
	return cmd
}

// checkBoard compares a board with the machine below root.
func checkBoard(found board.Recognition, root string) (boardReport, error) {
	r := boardReport{Board: boardInfo(found), Found: []boardPart{}, Missing: []boardPart{}, Unknown: append([]string{}, found.Board.Unknown...)}
	m, err := hal.Open(found.Board, hal.Options{Root: root, NoWatchdog: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return r, err
	}
	r.ports(found, root)
	r.devices(found.Board, m, root)
	for _, p := range m.Problems {
		r.Missing = append(r.Missing, boardPart{"device", p})
	}
	return r, nil
}

func (r *boardReport) add(ok bool, what, is string) {
	if ok {
		r.Found = append(r.Found, boardPart{what, is})
		return
	}
	r.Missing = append(r.Missing, boardPart{what, is})
}

// ports tells which socket is which interface.
func (r *boardReport) ports(found board.Recognition, root string) {
	if found.Board.Simulated {
		for _, p := range found.Board.Ports {
			r.add(true, "port "+p.Name, "simulated")
		}
		return
	}
	ports, rest := found.Board.Assign(board.Identify(os.DirFS(root)).NICs)
	for _, a := range ports {
		is := fmt.Sprintf("%s, %s at %s", a.NIC.Interface, dash(a.NIC.Driver), dash(a.NIC.Address))
		if !a.Found() {
			is = "no interface is it: " + portPlace(a.Port) + " is looked for"
		}
		r.add(a.Found(), "port "+a.Port.Name, is)
	}
	for _, n := range rest {
		r.add(true, "interface "+n.Interface, fmt.Sprintf("%s at %s, which is no port of the board", dash(n.Driver), dash(n.Address)))
	}
}

// portPlace says which controller a port is.
func portPlace(p board.Port) string {
	switch {
	case p.PCI != "":
		return "PCI address " + p.PCI
	case p.Bus != "":
		return "device " + p.Bus
	case p.Interface != "":
		return "interface " + p.Interface
	}
	return fmt.Sprintf("controller %d of driver %s", p.Order, p.Driver)
}

// devices tells of everything else. What is missing of panel and lamps is among the
// problems of m.
func (r *boardReport) devices(b board.Board, m *hal.Machine, root string) {
	there := func(name string) bool {
		files, err := filepath.Glob(filepath.Join(root, name))
		return b.Simulated || err == nil && len(files) > 0
	}
	if b.Panel != nil && m.Panel != nil && there(b.Panel.Device) {
		r.add(true, "panel", fmt.Sprintf("%s on %s, %d rows of %d", b.Panel.Driver, dash(b.Panel.Device), b.Panel.Rows, b.Panel.Cols))
	}
	for _, l := range m.Lamps.State() {
		r.add(true, "lamp "+l.Use, strings.Join(l.Colours, " and "))
	}
	if w := b.Watchdog; w != nil && (!w.Optional || there(w.Device)) {
		r.add(there(w.Device), "watchdog", fmt.Sprintf("%s, driver %s", w.Device, dash(w.Driver)))
	}
	for _, s := range m.Sensors.Read() {
		is := fmt.Sprintf("%s %g %s, %s", s.ID, s.Value, s.Kind.Unit(), s.State)
		if s.State == sensor.Missing {
			is = s.ID + ": " + s.Problem
		}
		r.add(s.State != sensor.Missing, string(s.Kind)+" "+s.Name, is)
	}
	for _, use := range []string{"power", "reset"} {
		r.key(b, m, use)
	}
	for _, p := range m.Bypass.State() {
		r.add(true, "bypass "+p.Name, fmt.Sprintf("%s, without power %s, driver %s", p.Mode, p.PowerOff, p.Driver))
	}
	for _, c := range b.Console.Devices {
		if c != "tty1" {
			r.add(c == "pty" || there("dev/"+c), "console", fmt.Sprintf("%s at %d bit/s", c, b.Console.Speed))
		}
	}
}

// key tells of the power or the reset key. A board may name it by several devices, of
// which one is enough.
func (r *boardReport) key(b board.Board, m *hal.Machine, use string) {
	var named []string
	for _, k := range b.Keys {
		if k.Use == use {
			named = append(named, k.Device+", "+k.Code)
		}
	}
	if len(named) == 0 {
		return
	}
	for _, k := range m.Keys.Find() {
		if k.Use == use {
			r.add(true, "key "+use, k.Device+", "+k.Code)
			return
		}
	}
	if b.Generic {
		return // which it may have or not
	}
	r.add(b.Simulated, "key "+use, strings.Join(named, "; or "))
}

func printReport(w io.Writer, r boardReport) {
	fmt.Fprintf(w, "%s: %s\n%s\n", r.Board.Name, r.Board.Description, r.Board.Message)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush()
	for _, list := range []struct {
		title string
		parts []boardPart
	}{{"found", r.Found}, {"missing", r.Missing}} {
		if len(list.parts) > 0 {
			fmt.Fprintf(t, "\n%s\n", list.title)
		}
		for _, p := range list.parts {
			fmt.Fprintf(t, "  %s\t%s\n", p.What, p.Is)
		}
	}
	if len(r.Unknown) > 0 {
		fmt.Fprintf(t, "\nnot known of this board\n")
	}
	for _, u := range r.Unknown {
		fmt.Fprintf(t, "  %s\n", u)
	}
}
