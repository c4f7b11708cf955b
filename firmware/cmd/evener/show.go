// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/api"
	"evener/firmware/logring"
	"evener/firmware/manage"
)

// table writes aligned columns.
func table(w io.Writer, header string, rows func(add func(cells ...any))) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.ReplaceAll(header, " ", "\t"))
	rows(func(cells ...any) {
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(tw, "\t")
			}
			fmt.Fprint(tw, dash(cell(fmt.Sprint(c))))
		}
		fmt.Fprintln(tw)
	})
	tw.Flush()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func ago(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return time.Since(t).Round(time.Second).String() + " ago"
}

func newStatus() *cobra.Command {
	return &cobra.Command{Use: "status", Short: "say what runs and what needs attention; exits with 1 if anything does",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			i, err := call[manage.Info](cmd, "sys.info", struct{}{})
			if err != nil {
				return err
			}
			if err := show(cmd, i, func(w io.Writer) { printInfo(w, i) }); err != nil {
				return err
			}
			if len(i.Problems) > 0 {
				return exitError(1)
			}
			return nil
		}}
}

func printInfo(w io.Writer, i manage.Info) {
	for _, p := range i.Problems {
		fmt.Fprintln(w, "ATTENTION:", p)
	}
	if len(i.Checking) > 0 {
		fmt.Fprintf(w, "still being checked: %s\n", listed(i.Checking, 5))
	} else if len(i.Problems) == 0 {
		fmt.Fprintln(w, "nothing needs attention")
	}
	for _, n := range i.Notes {
		fmt.Fprintln(w, "note:", n)
	}
	fmt.Fprintf(w, "version %s on board %s, engine since %s (process %d)\n", i.Version, i.Board, ago(i.Started), i.PID)
	printConsoleLine(w, i.Console)
	if i.Standby != "" {
		fmt.Fprintf(w, "hot standby: %s\n", i.Standby)
	}
	fmt.Fprintf(w, "revision %d by %s, committed %s\n", i.Revision, i.Author, ago(i.Committed))
	if i.Pending != nil {
		fmt.Fprintf(w, "revision %d is taken back in %s unless confirmed: evener config confirm\n", i.Pending.Revision, i.Pending.Left)
	}
	for _, g := range i.Generations {
		fmt.Fprintf(w, "generation %d: %d exchanges\n", g.Number, g.Exchanges)
	}
	table(w, "ROLE STATE PROCESS SINCE RESTARTS CRASHES DRAINING", func(add func(...any)) {
		for _, r := range i.Roles {
			add(r.Name, r.State, r.PID, ago(r.Since), r.Restarts, r.Crashes, len(r.Draining))
		}
	})
}

// listed joins the first names and says how many more there are.
func listed(names []string, first int) string {
	if more := len(names) - first; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:first], ", "), more)
	}
	return strings.Join(names, ", ")
}

func newShow() *cobra.Command {
	return group("show", "show what the box does",
		simple("clusters", "show clusters and their traffic", cobra.NoArgs, "cluster.list", noParams, printClusters),
		newConnections(),
		simple("traffic", "show connections, exchanges and bytes by cluster", cobra.NoArgs, "cluster.list", noParams, printTraffic),
		simple("rules", "show rules and their hits", cobra.NoArgs, "rule.list", noParams, printRules),
		simple("pools", "show pools, their policies and how many members are usable", cobra.NoArgs, "pool.list", noParams, printPools),
		simple("servers", "show the members of all pools, and why one gets no clients", cobra.NoArgs, "pool.list", noParams, printServers),
		simple("weights", "show how the weights of members moved, and why", cobra.NoArgs, "pool.list", noParams, printWeights),
		simple("persistence", "show the records of source persistence", cobra.NoArgs, "persist.list", noParams, printSources),
		newHAShow("ha"),
		newShowConsole(),
		newShowHardware(),
		newShowPorts(),
		newShowNetwork(),
		newShowTime(),
		simple("certificates", "show certificates: who uses them, and how long they last", cobra.NoArgs, "certificate.list", noParams, printCertificates),
		newLog(),
		newHistory(),
		newShowBlackBox(),
	)
}

func newLog() *cobra.Command {
	cmd := simple("log", "show what the engine logged last", cobra.NoArgs, "sys.log",
		func(cmd *cobra.Command, _ []string) (any, error) {
			n, _ := cmd.Flags().GetInt("lines")
			return map[string]any{"max": n}, nil
		}, printLog)
	cmd.Flags().IntP("lines", "n", 1000, "records at most")
	return cmd
}

func printLog(w io.Writer, b logring.Batch) {
	if b.Lost > 0 {
		fmt.Fprintf(w, "(%d older records are gone)\n", b.Lost)
	}
	for _, r := range b.Records {
		fmt.Fprintf(w, "%s %-5s %s", r.Time.Format(time.DateTime), r.Level, r.Message)
		for _, a := range r.Attrs {
			fmt.Fprintf(w, " %s=%q", a.Key, a.Value)
		}
		fmt.Fprintln(w)
	}
}

func printClusters(w io.Writer, c manage.Clusters) {
	table(w, "CLUSTER PROTOCOL LISTEN POOL CONNS ACTIVE REQUESTS 2XX 3XX 4XX 5XX P50 P95 P99", func(add func(...any)) {
		for _, c := range c.Clusters {
			listen := strings.Join(c.Listen, ",")
			if c.Disabled {
				listen += " (disabled)"
			}
			add(c.Name, c.Protocol, listen, c.Pool, c.Connections, c.Active, c.Requests, c.Classes["2xx"],
				c.Classes["3xx"], c.Classes["4xx"], c.Classes["5xx"], latency(c.P50), latency(c.P95), latency(c.P99))
		}
	})
}

// latency rounds d to three digits: a histogram has no more to say.
func latency(d api.Duration) string {
	unit := time.Duration(1)
	for time.Duration(d)/unit >= 1000 {
		unit *= 10
	}
	return time.Duration(d).Round(unit).String()
}

func printTraffic(w io.Writer, c manage.Clusters) {
	table(w, "CLUSTER OPEN ACCEPTED ACTIVE WAITING RETRIES BYTES-IN BYTES-OUT ENDED", func(add func(...any)) {
		for _, c := range c.Clusters {
			add(c.Name, c.Connections, c.Accepted, c.Active, c.Waiting, c.Retries, c.BytesIn, c.BytesOut, counts(c.Reasons))
		}
	})
}

func counts(m map[string]uint64) string {
	var out []string
	for k, n := range m {
		out = append(out, fmt.Sprintf("%s=%d", k, n))
	}
	sort.Strings(out)
	return strings.Join(out, " ")
}

func printRules(w io.Writer, r manage.Rules) {
	table(w, "CLUSTER RULE HITS LAST-HIT GOES-TO WHEN", func(add func(...any)) {
		for _, r := range r.Rules {
			to := r.Pool
			switch {
			case to == "":
				to = r.Responder
			case r.Responder != "":
				to += " or " + r.Responder
			}
			if r.Disabled {
				to += " (disabled)"
			}
			last := "never"
			if !r.LastHit.IsZero() {
				last = ago(r.LastHit)
			}
			add(r.Cluster, r.Name, r.Hits, last, to, strings.Join(strings.Fields(r.When), " "))
		}
	})
}

func printPools(w io.Writer, p manage.Pools) {
	table(w, "POOL POLICY IN-USE MEMBERS USABLE", func(add func(...any)) {
		for _, p := range p.Pools {
			usable := 0
			for _, m := range p.Members {
				if m.Why == "" {
					usable++
				}
			}
			add(p.Name, p.Policy, p.Tier, len(p.Members), usable)
		}
	})
}

func printServers(w io.Writer, p manage.Pools) {
	table(w, "MEMBER ADDRESS STATE WEIGHT ACTIVE OPEN PICKED FAILED P95 REASON", func(add func(...any)) {
		for _, p := range p.Pools {
			for _, m := range p.Members {
				add(p.Name+"/"+m.Name, m.Address, m.State, weightText(m), m.Active, m.Open, m.Picked, m.Failed, latency(m.P95), reasonText(m))
			}
		}
	})
}

// weightText shows a member's weight: "10", "8 of 10" where a policy made 8 of it,
// and "10 (100)" where an operator put 10 in the place of the configured 100.
func weightText(m manage.Member) string {
	text := fmt.Sprint(m.Weight)
	if m.Weight != m.Given() {
		text = fmt.Sprintf("%d of %d", m.Weight, m.Given())
	}
	if m.Override != nil {
		text += fmt.Sprintf(" (%d)", m.Static)
	}
	return text
}

// reasonText says why a new client does not get a member, or does against the
// operator's will, and when its drain ends.
func reasonText(m manage.Member) string {
	why := m.Why
	if why == "" && m.State == "quiesced" {
		why = "used though quiesced: nobody else is left"
	}
	if !m.Until.IsZero() {
		end := "disabled"
		if m.Cut {
			end = "cut off"
		}
		why += "; drained: " + end + " at " + m.Until.UTC().Format(time.DateTime) + " UTC"
	}
	return strings.TrimPrefix(why, "; ")
}

func printWeights(w io.Writer, p manage.Pools) {
	for _, p := range p.Pools {
		for _, m := range p.Members {
			fmt.Fprintf(w, "%s/%s: %d of %d", p.Name, m.Name, m.Weight, m.Given())
			if m.WeightWhy != "" {
				fmt.Fprintf(w, ": %s", m.WeightWhy)
			}
			fmt.Fprintln(w)
			for _, s := range m.Steps {
				fmt.Fprintln(w, "  ", s)
			}
		}
	}
}

func printSources(w io.Writer, s manage.Sources) {
	table(w, "CLIENT POOL MEMBER OPEN IDLE KEPT-FOR", func(add func(...any)) {
		for _, r := range s.Records {
			add(r.Client, r.Pool, r.Member, r.Open, r.Idle, r.Keep)
		}
	})
	if len(s.Records) < s.Total {
		fmt.Fprintf(w, "(%d of %d records)\n", len(s.Records), s.Total)
	}
}
