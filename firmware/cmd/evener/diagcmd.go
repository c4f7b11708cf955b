// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/api"
	"evener/firmware/manage"
)

func newPing() *cobra.Command {
	var count, size int
	var face string
	var interval time.Duration
	cmd := simple("ping HOST", "ask a host for echoes, from the box", cobra.ExactArgs(1), "diag.ping",
		func(_ *cobra.Command, args []string) (any, error) {
			return map[string]any{"host": args[0], "count": count, "size": size, "interface": face, "interval": api.Duration(interval)}, nil
		}, printPing)
	cmd.Flags().IntVarP(&count, "count", "c", 4, "requests, up to 100")
	cmd.Flags().IntVarP(&size, "size", "s", 56, "bytes of contents")
	cmd.Flags().StringVarP(&face, "interface", "i", "", "interface by which to send")
	cmd.Flags().DurationVar(&interval, "interval", time.Second, "between two requests")
	return cmd
}

func printPing(w io.Writer, p manage.Ping) {
	for _, r := range p.Replies {
		if r.Error != "" {
			fmt.Fprintf(w, "%s: seq %d: %s\n", p.Address, r.Seq, r.Error)
		} else {
			fmt.Fprintf(w, "%s: seq %d: %v\n", p.Address, r.Seq, r.Time)
		}
	}
	fmt.Fprintf(w, "%d of %d answered", p.Received, p.Sent)
	if p.Received > 0 {
		fmt.Fprintf(w, "; %v at least, %v in the mean, %v at most", p.Min, p.Mean, p.Max)
	}
	fmt.Fprintln(w)
}

func newTrace() *cobra.Command {
	var hops int
	var wait time.Duration
	cmd := simple("trace HOST", "find the routers on the way from the box to a host", cobra.ExactArgs(1), "diag.trace",
		func(_ *cobra.Command, args []string) (any, error) {
			return map[string]any{"host": args[0], "hops": hops, "wait": api.Duration(wait)}, nil
		}, printTrace)
	cmd.Flags().IntVarP(&hops, "max-hops", "m", 30, "routers at most")
	cmd.Flags().DurationVar(&wait, "wait", time.Second, "for each")
	return cmd
}

func printTrace(w io.Writer, t manage.Trace) {
	for _, h := range t.Hops {
		var parts []string
		last := ""
		for _, try := range h.Tries {
			switch {
			case try.From == "" && try.Error == "":
				parts = append(parts, "*")
			case try.Error != "":
				parts = append(parts, strings.TrimSpace(try.From+" "+try.Error))
			case try.From == last:
				parts = append(parts, try.Time.String())
			default:
				parts = append(parts, try.From+" "+try.Time.String())
			}
			last = try.From
		}
		fmt.Fprintf(w, "%2d  %s\n", h.TTL, strings.Join(parts, "  "))
	}
	if !t.Reached {
		fmt.Fprintf(w, "%s was not reached\n", t.Address)
	}
}

func newDNS() *cobra.Command {
	var server string
	cmd := simple("dns NAME [TYPE]", "ask a name server, from the box", cobra.RangeArgs(1, 2), "diag.dns",
		func(_ *cobra.Command, args []string) (any, error) {
			p := map[string]any{"name": args[0], "server": server}
			if len(args) == 2 {
				p["type"] = args[1]
			}
			return p, nil
		}, printDNS)
	cmd.Flags().StringVar(&server, "server", "", "address of the server; without it the system's")
	return cmd
}

func printDNS(w io.Writer, a manage.DNSAnswer) {
	for _, r := range a.Records {
		fmt.Fprintf(w, "%s %d %s %s\n", r.Name, int(time.Duration(r.TTL).Seconds()), r.Type, r.Value)
	}
	if len(a.Records) == 0 {
		for _, r := range a.Authority {
			fmt.Fprintf(w, "(authority) %s %d %s %s\n", r.Name, int(time.Duration(r.TTL).Seconds()), r.Type, r.Value)
		}
	}
	fmt.Fprintf(w, "%s: %s by %s in %v, %d records\n", a.Question, a.Code, a.Server, a.Time, len(a.Records))
}
