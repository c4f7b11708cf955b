// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/api"
	"evener/firmware/blackbox"
	"evener/firmware/manage"
)

// newShowBlackBox shows recordings. Where no engine answers it reads the file.
func newShowBlackBox() *cobra.Command {
	var crash, lines int
	cmd := &cobra.Command{Use: "blackbox", Short: "show what was recorded of the last minutes, or before a crash", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if crash < 0 || lines < 1 {
				return usageError{errors.New("--crash must not be negative, and --lines is at least 1")}
			}
			r, err := call[manage.BlackBox](cmd, "blackbox.read", map[string]any{"crash": crash, "frames": lines})
			if errors.Is(err, api.ErrNotRunning) || errors.Is(err, api.ErrNoEngine) {
				r, err = manage.ReadBlackBox(filepath.Join(stateDir(cmd), blackBoxFile), crash, lines)
			}
			if err != nil {
				return err
			}
			return show(cmd, r, func(w io.Writer) { printBlackBox(w, r) })
		}}
	cmd.Flags().IntVar(&crash, "crash", 0, "1: before the last crash, 2 and 3: before the crashes before it; 0: now")
	cmd.Flags().IntVarP(&lines, "lines", "n", 120, "entries at most")
	return cmd
}

// blackBoxFile is the name of the recording in the state's folder.
const blackBoxFile = "blackbox"

func printBlackBox(w io.Writer, b manage.BlackBox) {
	for _, f := range b.Frames {
		fmt.Fprintf(w, "%s  %s\n", f.Time.Local().Format("2006-01-02 15:04:05"), frameText(f))
	}
	if b.Damaged > 0 {
		fmt.Fprintf(w, "%d entries were torn by a loss of power\n", b.Damaged)
	}
	for i, at := range b.Crashes {
		fmt.Fprintf(w, "crash at %s: evener show blackbox --crash %d\n", at.Local().Format(time.DateTime), i+1)
	}
}

func frameText(f blackbox.Frame) string {
	switch {
	case f.Start != nil:
		return fmt.Sprintf("engine %s started, process %d, revision %d", f.Start.Version, f.Start.PID, f.Start.Revision)
	case f.Stop != nil:
		return "recording ended: " + f.Stop.Why
	case f.Event != nil:
		return f.Event.Severity + ": " + f.Event.Text
	case f.Second == nil:
		return ""
	}
	s := f.Second
	parts := []string{fmt.Sprintf("%g requests, %g errors, %g open, busy %.0f %%, heap %d MiB", s.Requests, s.Errors, s.Connections, s.Busy*100, s.Heap>>20)}
	for _, c := range s.Clusters {
		parts = append(parts, fmt.Sprintf("%s %g", c.Name, c.Requests))
	}
	return strings.Join(parts, "; ")
}
