// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

func newSupportBundle() *cobra.Command {
	return &cobra.Command{Use: "support-bundle [FILE]", Short: "write one file of what helps to find a fault, without secrets", Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "evener-support-" + time.Now().UTC().Format("20060102-150405") + ".tar.gz"
			if len(args) == 1 {
				name = args[0]
			}
			c, err := dial(cmd)
			if err != nil {
				return err
			}
			defer c.Close()
			b, err := saveDownload[manage.SupportBundle](cmd.Context(), c, "support.bundle", struct{}{}, name)
			if err != nil {
				return err
			}
			return show(cmd, b, func(w io.Writer) {
				size := int64(0)
				if st, err := os.Stat(name); err == nil {
					size = st.Size()
				}
				fmt.Fprintf(w, "%d KiB are in %s: look at its contents before you send it to anybody\n", (size+1023)>>10, name)
			})
		}}
}
