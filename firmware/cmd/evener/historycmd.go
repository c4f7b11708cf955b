// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/api"
	"evener/firmware/manage"
)

func newHistory() *cobra.Command {
	var last, step time.Duration
	cmd := simple("history OBJECT [METRIC...]",
		"how rates and latencies went; OBJECT is engine, cluster/NAME, pool/NAME or member/POOL/SERVER",
		cobra.MinimumNArgs(1), "metrics.history", func(_ *cobra.Command, args []string) (any, error) {
			return map[string]any{"object": args[0], "metrics": args[1:],
				"last": api.Duration(last), "step": api.Duration(step)}, nil
		}, printPast)
	cmd.Flags().DurationVar(&last, "last", 5*time.Minute, "how far back, up to 336h")
	cmd.Flags().DurationVar(&step, "step", 0, "between two rows; what gives about 60 rows")
	return completeFirst(cmd, historyObjects)
}

// printPast prints the rows of which anything is known.
func printPast(w io.Writer, t manage.HistoryTable) {
	table(w, "TIME "+strings.ToUpper(strings.Join(t.Metrics, " ")), func(add func(...any)) {
		for row := range len(t.Columns[0]) {
			cells, known := []any{t.From.Add(time.Duration(row) * time.Duration(t.Step)).Local().Format(time.DateTime)}, false
			for c := range t.Columns {
				cell := t.Cell(c, row)
				known = known || cell != "-"
				cells = append(cells, cell)
			}
			if known {
				add(cells...)
			}
		}
	})
}
