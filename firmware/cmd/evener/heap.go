// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime/debug"
	"time"
)

// supervisorGC is the supervisor's GOGC: it has next to nothing to do, and its heap is to
// stay small rather than be collected seldom.
const supervisorGC = 50

// startOver is after how long a process has done what it does only once. What that took
// and is free now goes back to the kernel, which Go's runtime would do by and by: on a small
// box without much to do it takes a long time to.
const startOver = 30 * time.Second

// giveBack lets it, until stop is called.
func giveBack() (stop func() bool) { return time.AfterFunc(startOver, debug.FreeOSMemory).Stop }
