// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

// followEvery is how often --follow asks for more.
const followEvery = time.Second

func newAudit() *cobra.Command {
	var follow bool
	p := map[string]any{}
	cmd := &cobra.Command{Use: "audit", Short: "who did what, the newest first", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			setFlags(cmd, p)
			if follow {
				return followAudit(cmd, p)
			}
			r, err := call[manage.AuditRecords](cmd, "audit.query", p)
			if err != nil {
				return err
			}
			return show(cmd, r, func(w io.Writer) { printAudit(w, r) })
		}}
	f := cmd.Flags()
	f.BoolVarP(&follow, "follow", "f", false, "go on with what comes")
	f.Int("limit", 100, "records at most, up to 1000")
	f.Uint64("before", 0, "only records with a lower number")
	auditFlags(cmd)
	cmd.AddCommand(newAuditVerify(), newAuditExport())
	return cmd
}

// auditFlags are what chooses records.
func auditFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.String("user", "", "who did it")
	f.String("method", "", "operation, or a pattern such as server.*")
	f.String("object", "", "path of what it was about, such as pool/shop")
	f.String("outcome", "", "ok, error, or the kind of an error")
	f.String("text", "", "text found anywhere")
	f.String("from", "", "the oldest time, such as 2026-11-21T08:00:00Z")
	f.String("to", "", "before this time")
}

// setFlags puts the flags that were given, and the limits, into parameters.
func setFlags(cmd *cobra.Command, p map[string]any) {
	for _, name := range []string{"user", "method", "object", "outcome", "text", "from", "to", "severity"} {
		if f := cmd.Flags().Lookup(name); f != nil && f.Value.String() != "" {
			p[name] = f.Value.String()
		}
	}
	for _, name := range []string{"kinds", "objects"} {
		if list, err := cmd.Flags().GetStringSlice(name); err == nil && len(list) > 0 {
			p[name] = list
		}
	}
	for _, name := range []string{"limit", "before"} {
		if f := cmd.Flags().Lookup(name); f != nil {
			p[name] = json.Number(f.Value.String())
		}
	}
	if on, err := cmd.Flags().GetBool("unacked"); err == nil && on {
		p["unacked"] = true
	}
}

func printAudit(w io.Writer, r manage.AuditRecords) {
	table(w, "SEQ TIME USER ORIGIN WHAT CHANGE OUTCOME", func(add func(...any)) {
		for _, one := range r.Records {
			add(auditCells(one)...)
		}
	})
	if s := r.Status; s.Problem != "" {
		fmt.Fprintf(w, "\nThe audit log is not written, %d records wait: %s\n", s.Waiting, s.Problem)
	}
}

func auditCells(r manage.AuditRecord) []any {
	what, change, outcome := r.What, "", r.Outcome
	if what == "" {
		what = r.Method
	}
	if r.Before != "" || r.After != "" {
		change = r.Before + " -> " + r.After
	}
	if r.Message != "" {
		outcome += ": " + r.Message
	}
	if r.Note != "" {
		what += " (" + r.Note + ")"
	}
	return []any{r.Seq, r.Time.Local().Format(time.DateTime), r.User, r.Origin, what, change, outcome}
}

// followAudit prints records as they come, until the user ends it.
func followAudit(cmd *cobra.Command, p map[string]any) error {
	p["limit"] = json.Number("20")
	r, err := call[manage.AuditRecords](cmd, "audit.query", p)
	if err != nil {
		return err
	}
	for i := len(r.Records) - 1; i >= 0; i-- {
		printLine(cmd, r.Records[i], auditCells(r.Records[i]))
	}
	next := max(r.Status.Seq, 1)
	delete(p, "before")
	p["limit"] = json.Number("1000")
	for wait(cmd) {
		p["since"] = next
		if r, err = call[manage.AuditRecords](cmd, "audit.query", p); err != nil {
			return err
		}
		printLost(cmd, r.Lost)
		for _, one := range r.Records {
			printLine(cmd, one, auditCells(one))
		}
		next = max(r.Next, 1)
	}
	return nil
}

// wait reports whether to go on, after a while.
func wait(cmd *cobra.Command) bool {
	select {
	case <-cmd.Context().Done():
		return false
	case <-time.After(followEvery):
		return true
	}
}

func printLost(cmd *cobra.Command, n uint64) {
	if n > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "%d were missed: they came faster than they could be followed\n", n)
	}
}

// printLine prints one record as a line, with -o json as an object.
func printLine(cmd *cobra.Command, v any, cells []any) {
	out := cmd.OutOrStdout()
	if format, _ := cmd.Flags().GetString("output"); format == "json" {
		var p printer
		json.NewEncoder(&p).Encode(v)
		io.WriteString(out, p.text())
		return
	}
	var words []string
	for _, c := range cells {
		if s := fmt.Sprint(c); s != "" {
			words = append(words, cell(s))
		}
	}
	fmt.Fprintln(out, strings.Join(words, "  "))
}

func printVerified(w io.Writer, r manage.AuditReport) {
	if r.Breaks == 0 {
		fmt.Fprintf(w, "records %d to %d in %d files: the chain is whole\nhash of record %d: %s\n", r.First, r.Last, r.Files, r.Last, r.Hash)
	}
}

// newAuditVerify makes a command that fails where the chain is broken.
func newAuditVerify() *cobra.Command {
	return &cobra.Command{Use: "verify", Short: "check that nobody has changed the record of who did what", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := call[manage.AuditReport](cmd, "audit.verify", struct{}{})
			if err != nil {
				return err
			}
			if err := show(cmd, r, func(w io.Writer) { printVerified(w, r) }); err != nil || r.Breaks == 0 {
				return err
			}
			return fmt.Errorf("the chain is broken at %d places, first at %s:%d: %s", r.Breaks, r.File, r.Line, r.Why)
		}}
}

func newAuditExport() *cobra.Command {
	cmd := &cobra.Command{Use: "export", Short: "write records as they are kept, one JSON object a line, the oldest first", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := map[string]any{}
			setFlags(cmd, p)
			c, err := dial(cmd)
			if err != nil {
				return err
			}
			defer c.Close()
			r, err := c.Download(cmd.Context(), "audit.download", map[string]any{"filter": p}, nil)
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.Copy(cmd.OutOrStdout(), r)
			return err
		}}
	auditFlags(cmd)
	return cmd
}

func newEvents() *cobra.Command {
	var follow bool
	p := map[string]any{}
	cmd := &cobra.Command{Use: "events", Short: "what happened to the box, the newest first", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			setFlags(cmd, p)
			if follow {
				return followEvents(cmd, p)
			}
			r, err := call[manage.Events](cmd, "event.list", p)
			if err != nil {
				return err
			}
			return show(cmd, r, func(w io.Writer) { printEvents(w, r) })
		}}
	f := cmd.Flags()
	f.BoolVarP(&follow, "follow", "f", false, "go on with what comes")
	f.Int("limit", 100, "events at most, up to 10000")
	f.Uint64("before", 0, "only events with a lower number")
	f.String("severity", "", "and worse: info, warning or error")
	f.StringSlice("kinds", nil, "kinds, or patterns such as member.*")
	f.StringSlice("objects", nil, "paths, or patterns such as pool/*")
	f.String("text", "", "text found anywhere")
	f.String("from", "", "the oldest time, such as 2026-11-21T08:00:00Z")
	f.String("to", "", "before this time")
	f.Bool("unacked", false, "only those that nobody has acknowledged")
	cmd.AddCommand(newEventsAck())
	return cmd
}

func newEventsAck() *cobra.Command {
	var note string
	cmd := simple("ack SEQ...", "note that you have taken notice of events", cobra.MinimumNArgs(1), "event.ack",
		func(_ *cobra.Command, args []string) (any, error) {
			var list []json.Number
			for _, a := range args {
				if strings.Trim(a, "0123456789") != "" {
					return nil, usageError{fmt.Errorf("an event is named by its number, not %q", a)}
				}
				list = append(list, json.Number(a))
			}
			return map[string]any{"events": list, "note": note}, nil
		}, printEvents)
	cmd.Flags().StringVar(&note, "note", "", "what is done about it")
	return cmd
}

func printEvents(w io.Writer, r manage.Events) {
	table(w, "SEQ TIME SEVERITY KIND TEXT ACK", func(add func(...any)) {
		for _, e := range r.Events {
			add(eventCells(e)...)
		}
	})
}

func eventCells(e manage.Event) []any {
	ack := ""
	if e.Ack != nil {
		ack = e.Ack.By
	}
	return []any{e.Seq, e.Time.Local().Format(time.DateTime), e.Severity, e.Kind, e.Text, ack}
}

// followEvents prints events as they come, until the user ends it.
func followEvents(cmd *cobra.Command, p map[string]any) error {
	p["limit"] = json.Number("20")
	r, err := call[manage.Events](cmd, "event.list", p)
	if err != nil {
		return err
	}
	for i := len(r.Events) - 1; i >= 0; i-- {
		printLine(cmd, r.Events[i], eventCells(r.Events[i]))
	}
	next := max(r.Last, 1)
	delete(p, "before")
	p["limit"] = json.Number("10000")
	for wait(cmd) {
		p["since"] = next
		if r, err = call[manage.Events](cmd, "event.list", p); err != nil {
			return err
		}
		printLost(cmd, r.Lost)
		for _, e := range r.Events {
			printLine(cmd, e, eventCells(e))
		}
		next = max(r.Next, 1)
	}
	return nil
}

func newAlert() *cobra.Command {
	named := func(_ *cobra.Command, args []string) (any, error) { return map[string]any{"name": args[0]}, nil }
	return group("alert", "who is told of what happens",
		simple("list", "show syslog servers and e-mail, and how they do", cobra.NoArgs, "alert.list", noParams, printChannels),
		done("test NAME", "send a test to a syslog server or by e-mail", cobra.ExactArgs(1), "alert.test", named, "sent"),
		done("secret NAME FILE", "keep the password that password_secret names; - reads it from standard input", cobra.ExactArgs(2), "alert.secret",
			func(cmd *cobra.Command, args []string) (any, error) {
				value, err := readFile(cmd, args[1])
				return map[string]any{"name": args[0], "value": strings.TrimRight(string(value), "\r\n")}, err
			}, "kept"))
}

func printChannels(w io.Writer, l manage.Channels) {
	table(w, "NAME KIND TARGET WAITING SENT DROPPED LAST-SUCCESS STATE", func(add func(...any)) {
		for _, c := range l.Channels {
			last, state := "", "ok"
			if !c.LastSuccess.IsZero() {
				last = c.LastSuccess.Local().Format(time.DateTime)
			}
			switch {
			case c.Lacks != "":
				state = c.Lacks
			case c.Failing:
				state = "failing: " + c.LastError
			}
			add(c.Name, c.Kind, c.Target, c.Waiting, c.Sent, c.Dropped, last, state)
		}
	})
}
