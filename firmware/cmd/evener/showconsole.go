// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

func newShowConsole() *cobra.Command {
	return simple("console", "show where the console is, its certificate's fingerprint and how many are logged in", cobra.NoArgs,
		"console.show", noParams, printConsole)
}

func printConsole(w io.Writer, c manage.ConsoleInfo) {
	if c.Problem != "" {
		fmt.Fprintln(w, "ATTENTION:", c.Problem)
	}
	if len(c.Addresses) == 0 {
		fmt.Fprintln(w, "the console is off: console { listen = [] }")
		return
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "address\t%s\n", strings.Join(c.Addresses, "\n\t"))
	if len(c.Listening) != len(c.Addresses) {
		fmt.Fprintf(tw, "listens on\t%s\n", dash(strings.Join(c.Listening, ", ")))
	}
	certificate := c.Certificate
	if certificate == "" {
		certificate = "made by the box"
	}
	fmt.Fprintf(tw, "certificate\t%s, ends %s\n", certificate, c.Until.Format(time.DateOnly))
	fmt.Fprintf(tw, "SHA-256\t%s\n", fingerprint(c.Fingerprint))
	fmt.Fprintf(tw, "sessions\t%d\n", c.Sessions)
	fmt.Fprintf(tw, "process\t%s\n", consoleProcess(c))
	tw.Flush()
}

func consoleProcess(c manage.ConsoleInfo) string {
	if c.PID == 0 {
		return c.State
	}
	return fmt.Sprintf("%s, process %d, %d crashes", c.State, c.PID, c.Crashes)
}

// fingerprint writes a hash as browsers show it: pairs of digits with colons.
func fingerprint(hex string) string {
	var pairs []string
	for ; len(hex) >= 2; hex = hex[2:] {
		pairs = append(pairs, strings.ToUpper(hex[:2]))
	}
	return strings.Join(pairs, ":")
}

// printConsoleLine tells of the console in one line of the status.
func printConsoleLine(w io.Writer, c manage.ConsoleInfo) {
	if len(c.Addresses) == 0 {
		fmt.Fprintln(w, "console off")
		return
	}
	fmt.Fprintf(w, "console %s, SHA-256 %s\n", strings.Join(c.Addresses, " "), fingerprint(c.Fingerprint))
}

// printEntrance tells a new admin how to get into the console.
func printEntrance(w io.Writer, c manage.ConsoleInfo, code string) {
	if len(c.Addresses) == 0 {
		return
	}
	fmt.Fprintf(w, "\nThe console's certificate, SHA-256:\n  %s\n", fingerprint(c.Fingerprint))
	if c.Certificate == "" {
		fmt.Fprintln(w, "The box has made it: the browser warns. Compare the fingerprints before you go on.")
	}
	if code != "" {
		fmt.Fprintf(w, "There is no admin yet. Make one in the console with this code: %s\n", code)
	}
}
