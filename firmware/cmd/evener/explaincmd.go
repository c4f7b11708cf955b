// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

func newExplain() *cobra.Command {
	var cluster, client, sni string
	var fields []string
	var candidate bool
	cmd := simple("explain METHOD URL", "say what becomes of a request: which rule, pool and member, and why not the others",
		cobra.ExactArgs(2), "explain.request", func(_ *cobra.Command, args []string) (any, error) {
			return map[string]any{"cluster": cluster, "method": args[0], "url": args[1], "fields": fields,
				"client": client, "sni": sni, "candidate": candidate}, nil
		}, printExplained)
	clusterFlag(cmd, &cluster, "cluster, where there are several")
	cmd.Flags().StringVar(&client, "client", "", "address of the client; 192.0.2.1")
	cmd.Flags().StringVar(&sni, "sni", "", "server name of the TLS handshake; the host of the URL")
	cmd.Flags().StringArrayVarP(&fields, "header", "H", nil, "request field, written 'Name: value'")
	cmd.Flags().BoolVar(&candidate, "candidate", false, "ask your candidate in place of the running configuration")
	return cmd
}

func printExplained(w io.Writer, e manage.Explained) {
	which := fmt.Sprintf("generation %d", e.Generation)
	if e.Generation == 0 {
		which = "the candidate"
	}
	fmt.Fprintf(w, "cluster %s, %s\n", e.Cluster, which)
	if e.Refused != "" {
		fmt.Fprintf(w, "refused with %d (%s): %s\n", e.Status, e.Reason, e.Refused)
		return
	}
	fmt.Fprintf(w, "path %s", e.Path)
	switch {
	case e.Target != "":
		fmt.Fprintf(w, " (rewritten to %s)", e.Target)
	case e.Path != e.RawPath:
		fmt.Fprintf(w, " (forwarded as %s)", e.RawPath)
	}
	fmt.Fprintln(w)
	for _, r := range e.Rules {
		printRule(w, r)
	}
	if e.Rule == "" {
		fmt.Fprintln(w, "no rule matched: the cluster's own settings")
	}
	if e.Pool != "" {
		fmt.Fprintf(w, "pool %s: %s\n", e.Pool, e.Persist)
		for _, m := range e.Members {
			mark := " "
			if m.Chosen {
				mark = "*"
			}
			fmt.Fprintf(w, "  %s %-16s %s\n", mark, m.Name, m.Why)
		}
	}
	printForwarded(w, e)
}

func printRule(w io.Writer, r manage.ExplainedRule) {
	fmt.Fprintf(w, "rule %-16s %s\n", r.Name, r.Verdict)
	for _, c := range r.Conditions {
		if c.Verdict == "not evaluated" {
			continue
		}
		fmt.Fprintf(w, "  %-5s %s on %q\n", c.Verdict, c.Text, c.Value)
	}
}

func printForwarded(w io.Writer, e manage.Explained) {
	if e.Forwarded != "" {
		fmt.Fprintf(w, "sent to %s:\n%s", e.Member, indent(e.Forwarded))
	}
	if e.SetCookie != "" {
		fmt.Fprintf(w, "the answer sets the cookie: %s\n", e.SetCookie)
	}
	if e.Answer != "" {
		by := "the box"
		if e.Responder != "" {
			by = "responder " + e.Responder
		}
		fmt.Fprintf(w, "answered by %s:\n%s", by, indent(e.Answer))
	}
}

func indent(s string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(s, "\r\n"), "\n") {
		fmt.Fprintf(&b, "  | %s\n", strings.TrimRight(line, "\r"))
	}
	return b.String()
}

func newResponder() *cobra.Command {
	var method string
	var fields []string
	test := simple("test NAME URL", "show what a responder answers to a URL", cobra.ExactArgs(2), "responder.test",
		func(_ *cobra.Command, args []string) (any, error) {
			return map[string]any{"name": args[0], "url": args[1], "method": method, "fields": fields}, nil
		}, func(w io.Writer, r manage.Response) { fmt.Fprint(w, strings.ReplaceAll(r.Answer, "\r\n", "\n")) })
	test.Flags().StringVar(&method, "method", "", "GET")
	test.Flags().StringArrayVarP(&fields, "header", "H", nil, "request field, written 'Name: value'")
	return group("responder", "try a responder", test)
}
