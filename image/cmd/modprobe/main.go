// SPDX-License-Identifier: Apache-2.0

// Command modprobe is what the kernel starts when it needs one of its own modules
// by itself: "fs-vfat" when a stick is mounted, "nft-chain-2-nat" when an address
// is to be translated (Linux kernel/kmod.c). It takes the arguments that the
// kernel gives and knows no other use.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"evener/image/kmod"
)

func main() {
	if err := run(os.Args[1:], kmod.OpenLoader); err != nil {
		fmt.Fprintln(os.Stderr, "modprobe:", err)
		os.Exit(1)
	}
}

// run loads the modules of the names in args, which begin after the options -q
// and --.
func run(args []string, open func(dir string) (*kmod.Loader, error)) error {
	var names []string
	for _, a := range args {
		switch {
		case a == "-q" || a == "--":
		case strings.HasPrefix(a, "-"):
			return fmt.Errorf("option %s is unknown: the kernel calls this as modprobe -q -- NAME", a)
		default:
			names = append(names, a)
		}
	}
	if len(names) == 0 {
		return errors.New("the name of a module or an alias is missing")
	}
	l, err := open("/lib/modules")
	if err != nil {
		return err
	}
	return l.Load(names...)
}
