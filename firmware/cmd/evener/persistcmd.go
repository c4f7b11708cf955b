// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

func newPersistence() *cobra.Command {
	return group("persistence", "change what is remembered of clients", newPersistenceClear(),
		simple("rotate-key", "make a new key for persistence cookies; those of the two keys before it stay good",
			cobra.NoArgs, "persist.rotate", noParams, func(w io.Writer, r manage.Rotated) {
				fmt.Fprintf(w, "cookies are made with a new key; those of %d older keys are still accepted\n", r.Keys-1)
			}))
}

func newPersistenceClear() *cobra.Command {
	var cluster string
	cmd := simple("clear [ADDRESS]", "forget records of source persistence: of one client, of one cluster, or all",
		cobra.MaximumNArgs(1), "persist.clear", func(_ *cobra.Command, args []string) (any, error) {
			p := map[string]any{"cluster": cluster}
			if len(args) > 0 {
				p["client"] = args[0]
			}
			return p, nil
		}, func(w io.Writer, c manage.Cleared) {
			if c.Records == 1 {
				fmt.Fprintln(w, "1 record forgotten")
				return
			}
			fmt.Fprintf(w, "%d records forgotten\n", c.Records)
		})
	clusterFlag(cmd, &cluster, "records of this cluster alone")
	return cmd
}
