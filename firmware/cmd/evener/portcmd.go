// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

func newPort() *cobra.Command {
	identify := simple("identify PORT", "let the lamp of a port blink, to find it", cobra.ExactArgs(1), "port.identify",
		func(cmd *cobra.Command, args []string) (any, error) {
			long, _ := cmd.Flags().GetDuration("for")
			off, _ := cmd.Flags().GetBool("off")
			if long < time.Second || long > 10*time.Minute {
				return nil, usageError{fmt.Errorf("--for must be 1s to 10m, not %v", long)}
			}
			return map[string]any{"port": args[0], "on": !off, "seconds": int(long.Seconds())}, nil
		}, func(w io.Writer, list manage.PortList) {
			var names []string
			for _, p := range list.Ports {
				if p.Identify {
					names = append(names, p.Name)
				}
			}
			fmt.Fprintln(w, "blinking:", dash(strings.Join(names, ", ")))
		})
	identify.Flags().Duration("for", 30*time.Second, "how long, 10m at most")
	identify.Flags().Bool("off", false, "end it")
	return group("port", "work with the network ports", identify)
}

// newDemoPort pulls the cables of simulated ports.
func newDemoPort() *cobra.Command {
	return simple("port NAME plug|unplug", "pull the cable of a simulated port, or put it in", cobra.ExactArgs(2), "port.plug",
		func(_ *cobra.Command, args []string) (any, error) {
			if args[1] != "plug" && args[1] != "unplug" {
				return nil, usageError{fmt.Errorf("write plug or unplug, not %q", args[1])}
			}
			return map[string]any{"port": args[0], "in": args[1] == "plug"}, nil
		}, printPorts)
}

func newShowPorts() *cobra.Command {
	return simple("ports", "show the network ports: links, addresses, modules, counters", cobra.NoArgs, "port.list", noParams, printPorts)
}

func newShowNetwork() *cobra.Command {
	return simple("network", "show how the box itself is reached, and its links, routes and NAT", cobra.NoArgs, "network.show", noParams, printNetwork)
}

func printPorts(w io.Writer, l manage.PortList) {
	for _, p := range l.Ports {
		if p.Problem != "" {
			fmt.Fprintf(w, "ATTENTION: port %s: %s\n", p.Name, p.Problem)
		}
	}
	table(w, "PORT INTERFACE STATE SPEED MAC ADDRESSES RX-BYTES TX-BYTES ERRORS DROPPED MODULE", func(add func(...any)) {
		for _, p := range l.Ports {
			name := p.Name
			if p.Identify {
				name += " (blinks)"
			}
			c := p.Counters
			add(name, p.Interface, p.State, speedWord(p), p.MAC, strings.Join(p.Addresses, ","), c.RXBytes, c.TXBytes,
				c.RXErrors+c.TXErrors, c.RXDropped+c.TXDropped, moduleWord(p.SFP))
		}
	})
}

// speedWord writes a speed as it stands on boxes: 100M, 1G, 2.5G.
func speedWord(p manage.Port) string {
	out := ""
	switch {
	case p.Speed >= 1000:
		out = fmt.Sprintf("%gG", float64(p.Speed)/1000)
	case p.Speed > 0:
		out = fmt.Sprintf("%dM", p.Speed)
	}
	if p.Duplex == "half" {
		out += " half duplex"
	}
	return out
}

func moduleWord(s *manage.PortSFP) string {
	if s == nil {
		return ""
	}
	out := strings.TrimSpace(s.Vendor + " " + s.Part + " " + s.Type)
	if s.Temperature != nil {
		out += fmt.Sprintf(", %.0f °C", *s.Temperature)
	}
	if s.RXPower != nil {
		out += fmt.Sprintf(", receives %.1f dBm", *s.RXPower)
	}
	return out
}

func printNetwork(w io.Writer, n manage.NetworkInfo) {
	for _, p := range n.Problems {
		fmt.Fprintln(w, "ATTENTION:", p)
	}
	if !n.Managed {
		fmt.Fprintln(w, "not configured by the box:", n.Why)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, value string) { fmt.Fprintf(tw, "%s\t%s\n", name, dash(cell(value))) }
	port := n.Port
	if n.Interface != "" {
		port += " (" + n.Interface + ")"
	}
	row("port", port)
	if n.VLAN > 0 {
		row("VLAN", strconv.Itoa(n.VLAN))
	}
	row("method", n.Method)
	row("addresses", strings.Join(n.Addresses, ", "))
	row("gateway", strings.Join(n.Gateways, ", "))
	row("name servers", strings.Join(n.DNS, ", "))
	row("host name", n.HostName)
	row("time zone", n.TimeZone)
	if l := n.Lease; l != nil {
		until := "for ever"
		if !l.Expires.IsZero() {
			until = "until " + l.Expires.Local().Format(time.DateTime)
		}
		row("lease", fmt.Sprintf("%s from %s, %s", l.Address, l.Server, until))
	}
	tw.Flush()
	printLinks(w, n)
}

// printLinks lists what the box configures beside its management port.
func printLinks(w io.Writer, n manage.NetworkInfo) {
	if len(n.Links) > 0 {
		table(w, "LINK KIND INTERFACE STATE MTU ADDRESSES PORTS", func(add func(...any)) {
			for _, l := range n.Links {
				state := "up"
				switch {
				case l.Interface == "":
					state = "missing"
				case !l.Up:
					state = "down"
				case !l.Carrier:
					state = "no-carrier"
				}
				var ports []string
				for _, m := range l.Members {
					word := m.Port
					if m.Active {
						word += "*"
					}
					ports = append(ports, word)
				}
				add(l.Name, l.Kind, l.Interface, state, l.MTU, strings.Join(l.Addresses, ","), strings.Join(ports, ","))
			}
		})
	}
	if len(n.Ways) > 0 {
		table(w, "NAME KIND SET WHAT", func(add func(...any)) {
			for _, x := range n.Ways {
				add(x.Name, x.Kind, x.Set, x.Text)
			}
		})
	}
}
