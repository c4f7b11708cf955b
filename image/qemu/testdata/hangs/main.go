// SPDX-License-Identifier: Apache-2.0

// Command hangs is a version of the firmware that does nothing, not even feed the
// watchdog.
package main

import "time"

func main() { time.Sleep(1 << 62) }
