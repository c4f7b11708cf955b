// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"log/slog"
	"runtime/debug"
)

// protected calls f and makes an error of a panic in it, so that a fault in one part
// of the supervisor does not end the box, which serves clients all the same.
func protected(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return f()
}

// guarded calls f; a panic in it is an error in the log.
func guarded(log *slog.Logger, part string, f func()) {
	err := protected(func() error {
		f()
		return nil
	})
	if err != nil {
		log.Error("part of the supervisor ended", "part", part, "err", err)
	}
}
