// SPDX-License-Identifier: Apache-2.0

package main

import (
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
			b, err := saveBackup(cmd, args[0], passphrase)
			if err != nil {
				return err
			}
			return show(cmd, b, func(w io.Writer) {
				fmt.Fprintf(w, "revision %d and %d secrets are in %s\n", b.Revision, b.Items, args[0])
			})
		}}
}

// saveBackup writes a backup into a file that there is not yet.
func saveBackup(cmd *cobra.Command, name, passphrase string) (b manage.BackupDownload, err error) {
	c, err := dial(cmd)
	if err != nil {
		return b, err
	}
	defer c.Close()
	r, err := c.Download(cmd.Context(), "backup.download", map[string]any{"passphrase": passphrase}, &b)
	if err != nil {
		return b, err
	}
	defer r.Close()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return b, err
	}
	_, err = io.Copy(f, r)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(name) // half a backup is none
	}
	return b, err
}

func newRestore() *cobra.Command {
	var users, check bool
	cmd := &cobra.Command{Use: "restore FILE", Short: "make a backup your candidate, and use its keys and certificates", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := openBackup(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			passphrase, err := oldPassphrase(cmd)
			if err != nil {
				return err
			}
			params := map[string]any{"passphrase": passphrase, "users": users, "check": check}
			if check {
				c, err := upload[manage.CheckedBackup](cmd, "backup.upload", params, f)
				if err != nil {
					return err
				}
				return show(cmd, c, func(w io.Writer) { printBackup(w, c) })
			}
			r, err := upload[manage.Restored](cmd, "backup.upload", params, f)
			if err != nil {
				return err
			}
			return show(cmd, r, func(w io.Writer) { printRestored(w, r, users) })
		}}
	cmd.Flags().BoolVar(&users, "users", false, "put the backup's users in place of the box's; the engine is replaced for it")
	cmd.Flags().BoolVar(&check, "check", false, "tell what it would do, and change nothing")
	return cmd
}

// openBackup opens a file that may be a backup.
func openBackup(name string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err == nil && st.Size() > backup.MaxFile {
		f.Close()
		return nil, fmt.Errorf("%s is no backup: those have at most %d MiB", name, backup.MaxFile>>20)
	}
	return f, nil
}

// upload sends what r has to a method, and returns what came of it.
func upload[R any](cmd *cobra.Command, method string, params any, r io.Reader) (R, error) {
	var result R
	c, err := dial(cmd)
	if err != nil {
		return result, err
	}
	defer c.Close()
	if err = c.Upload(cmd.Context(), method, params, r, &result); err != nil {
		printProblems(cmd.ErrOrStderr(), err)
	}
	return result, err
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
