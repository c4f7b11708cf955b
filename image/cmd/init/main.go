// SPDX-License-Identifier: Apache-2.0

// Command init is the first program after the kernel, /init of the initramfs: see
// package early.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"evener/image/early"
)

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "error: this is the first program of an appliance, which the kernel starts; there is nothing for people in it")
		os.Exit(2)
	}
	p := early.Program{System: early.Kernel{}, Console: os.Stderr, Modules: early.OpenModules, Watchdog: early.OpenWatchdog}
	err := p.Run(context.Background())
	fmt.Fprintln(os.Stderr, "evener: the machine does not start again by itself:", err)
	for { // a process 1 that ends is a crash of the kernel
		time.Sleep(time.Hour)
	}
}
