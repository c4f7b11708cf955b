// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"evener/image/slot"
)

// newUpgradeDemo makes bundles for the simulated board, with which upgrades can be
// tried, and what becomes of bad ones.
func newUpgradeDemo() *cobra.Command {
	var release, behave string
	var index, size int
	cmd := &cobra.Command{Use: "demo-bundle FILE", Short: "make a bundle for the simulated board", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if known := []string{simGood, simFails, simHangs}; !slices.Contains(known, behave) {
				return usageError{fmt.Errorf("--behave is one of %s, not %q", strings.Join(known, ", "), behave)}
			}
			if size < 1 || size > 64 {
				return usageError{fmt.Errorf("--size is 1 to 64 MiB, not %d", size)}
			}
			payload := simImage(release, behave, size<<20)
			h, err := simHeader(release, index, payload)
			if err != nil {
				return usageError{err}
			}
			if err := writeBundle(args[0], h, payload); err != nil {
				return err
			}
			return show(cmd, struct{}{}, func(w io.Writer) {
				fmt.Fprintf(w, "%s is version %s for the simulated board, and %s\n", args[0], release,
					map[string]string{simGood: "good", simFails: "fails its self-test", simHangs: "never gets to its self-test"}[behave])
			})
		}}
	f := cmd.Flags()
	f.StringVar(&release, "version", "1.0.1", "of the simulated image")
	f.StringVar(&behave, "behave", simGood, "good, fails or hangs")
	f.IntVar(&index, "rollback-index", 0, "that it has")
	f.IntVar(&size, "size", 4, "of the image, in MiB")
	return cmd
}

// writeBundle writes a bundle into a file that is there whole or not at all.
func writeBundle(name string, h slot.Header, payload []byte) error {
	f, err := os.Create(name + ".new")
	if err != nil {
		return err
	}
	err = errors.Join(slot.WriteBundle(f, h, bytes.NewReader(payload)), f.Close())
	if err == nil {
		err = os.Rename(name+".new", name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(name+".new"))
	}
	return nil
}
