// SPDX-License-Identifier: Apache-2.0

// Command evener is the whole box in one program: "evener run" starts it, and
// the other subcommands administer one that runs. Each process of the box is
// this program with another role.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"evener/firmware/api"
)

// version is set by the linker: see the Makefile.
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newRoot().ExecuteContext(ctx); err != nil {
		if text := err.Error(); text != "" {
			fmt.Fprintln(os.Stderr, "error:", printable(text))
			if a := advice(err); a != "" {
				fmt.Fprintln(os.Stderr, a)
			}
		}
		os.Exit(exitCode(err))
	}
}

// An exitError ends the program with a code and without a message.
type exitError int

func (e exitError) Error() string { return "" }

// A usageError is a command line that makes no sense.
type usageError struct{ error }

// exitCode returns 0 ok, 1 failed, 2 usage, 3 not found, 4 conflict, 5 refused.
func exitCode(err error) int {
	var e exitError
	var u usageError
	switch {
	case errors.As(err, &e):
		return int(e)
	case errors.As(err, &u):
		return 2
	}
	return api.ExitCode(err)
}
