// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
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

// endLimit is how long the end of a part of the supervisor is waited for.
const endLimit = 10 * time.Second

// bounded makes of stop, which may hang, what waits for it for endLimit at most: the
// box ends then without that part.
func bounded(log *slog.Logger, part string, stop func()) func() {
	return func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			guarded(log, part, stop)
		}()
		select {
		case <-done:
		case <-time.After(endLimit):
			log.Error("part of the supervisor does not end, and is not waited for", "part", part)
		}
	}
}
