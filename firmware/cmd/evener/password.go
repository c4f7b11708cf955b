// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// maxTyped is how long a line with a password may be, in bytes.
const maxTyped = 4096

// newPassword asks for a new password: twice and without showing it on a terminal,
// once where it comes from a pipe or file. It is never an argument, where every user
// of the machine could read it.
func newPassword(cmd *cobra.Command, user string) (string, error) {
	f, ok := cmd.InOrStdin().(*os.File)
	if !ok || !isTerminal(f) {
		return readLine(cmd.InOrStdin())
	}
	first, err := askHidden(cmd, f, "New password of "+user+": ")
	if err != nil {
		return "", err
	}
	again, err := askHidden(cmd, f, "Once more: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", errors.New("the two differ: nothing was changed")
	}
	return first, nil
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// askHidden reads a line from the terminal f, which does not show it. The terminal is
// as it was before when askHidden returns, also after Ctrl-C.
func askHidden(cmd *cobra.Command, f *os.File, prompt string) (string, error) {
	fd := int(f.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return "", err
	}
	hidden := *before
	hidden.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &hidden); err != nil {
		return "", err
	}
	fmt.Fprint(cmd.ErrOrStderr(), prompt)
	line, err := readWhile(cmd.Context(), f)
	fmt.Fprintln(cmd.ErrOrStderr())
	return line, errors.Join(err, unix.IoctlSetTermios(fd, unix.TCSETS, before))
}

// readWhile is readLine until ctx ends. The reader is left to the end of the program.
func readWhile(ctx context.Context, r io.Reader) (string, error) {
	type result struct {
		line string
		err  error
	}
	read := make(chan result, 1)
	go func() {
		line, err := readLine(r)
		read <- result{line, err}
	}()
	select {
	case got := <-read:
		return got.line, got.err
	case <-ctx.Done():
		return "", errors.New("interrupted: nothing was changed")
	}
}

// readLine returns the first line of r. It reads no further where r is a terminal.
func readLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, maxTyped)).ReadString('\n')
	line = strings.TrimRight(line, "\r\n")
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return "", err
	case line == "":
		return "", errors.New("no password was given: type it, or write it to standard input")
	}
	return line, nil
}
