// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/backup"
	"evener/firmware/manage"
)

func newBackup() *cobra.Command {
	return &cobra.Command{Use: "backup FILE", Short: "write the configuration and all secrets into an encrypted file", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			passphrase, err := newPassword(cmd, "the backup")
			if err != nil {
				return err
			}
			b, err := call[manage.Backup](cmd, "backup.export", map[string]any{"passphrase": passphrase})
			if err != nil {
				return err
			}
			data, err := base64.StdEncoding.DecodeString(b.Data)
			if err != nil {
				return fmt.Errorf("read the box's backup: %w", err)
			}
			if err := writeNew(args[0], data); err != nil {
				return err
			}
			b.Data = "" // it is in the file
			return show(cmd, b, func(w io.Writer) {
				fmt.Fprintf(w, "revision %d and %d secrets are in %s\n", b.Revision, b.Items, args[0])
			})
		}}
}

// writeNew writes a file that there is not yet.
func writeNew(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(name) // half a backup is none
	}
	return err
}

func newRestore() *cobra.Command {
	var users, check bool
	cmd := &cobra.Command{Use: "restore FILE", Short: "make a backup your candidate, and use its keys and certificates", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := readBackup(args[0])
			if err != nil {
				return err
			}
			passphrase, err := oldPassphrase(cmd)
			if err != nil {
				return err
			}
			params := map[string]any{"passphrase": passphrase, "data": base64.StdEncoding.EncodeToString(data), "users": users}
			if check {
				c, err := call[manage.CheckedBackup](cmd, "backup.check", params)
				if err != nil {
					return err
				}
				return show(cmd, c, func(w io.Writer) { printBackup(w, c) })
			}
			r, err := call[manage.Restored](cmd, "backup.import", params)
			if err != nil {
				return err
			}
			return show(cmd, r, func(w io.Writer) { printRestored(w, r, users) })
		}}
	cmd.Flags().BoolVar(&users, "users", false, "put the backup's users in place of the box's; the engine is replaced for it")
	cmd.Flags().BoolVar(&check, "check", false, "tell what it would do, and change nothing")
	return cmd
}

// readBackup reads a file that may be a backup.
func readBackup(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, backup.MaxSealed+1))
	if err == nil && len(data) > backup.MaxSealed {
		err = fmt.Errorf("%s is no backup: those have at most %d KiB", name, backup.MaxSealed>>10)
	}
	return data, err
}

// oldPassphrase asks for the passphrase of a backup.
func oldPassphrase(cmd *cobra.Command) (string, error) {
	if f, ok := cmd.InOrStdin().(*os.File); ok && isTerminal(f) {
		return askHidden(cmd, f, "Passphrase of the backup: ")
	}
	return readLine(cmd.InOrStdin())
}

func printBackup(w io.Writer, c manage.CheckedBackup) {
	for _, p := range c.Problems {
		fmt.Fprintln(w, p)
	}
	fmt.Fprintf(w, "revision %d of %s, backed up %s by version %s\n", c.Revision, c.Hostname, c.Made.Format(time.DateTime), c.Version)
	for _, name := range c.Added {
		fmt.Fprintln(w, "adds    ", name)
	}
	for _, name := range c.Replaced {
		fmt.Fprintln(w, "replaces", name)
	}
	if c.Users {
		fmt.Fprintln(w, "it has users: --users puts them in place of the box's")
	}
}

func printRestored(w io.Writer, r manage.Restored, users bool) {
	for _, p := range r.Problems {
		fmt.Fprintln(w, p)
	}
	fmt.Fprintf(w, "revision %d of %s, backed up %s, is your candidate; %d secrets are in use\n", r.Revision, r.Hostname, r.Made.Format(time.DateTime), len(r.Items))
	if users {
		fmt.Fprintln(w, "the engine is replaced, and knows the backup's users then")
	}
	fmt.Fprintln(w, "look at it with evener config diff, serve it with evener config commit --confirm 5m")
}
