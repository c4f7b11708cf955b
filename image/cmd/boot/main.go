// SPDX-License-Identifier: Apache-2.0

// Command boot starts an image in QEMU on this terminal, which is the box's serial
// console: `make boot` runs it. The console, and whatever the box publishes, is
// reached at ports of 127.0.0.1. What the box writes is kept in a file beside the
// image until another image is built; -fresh begins anew.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"evener/image/qemu"
)

func main() {
	// Ctrl-C belongs to the guest: QEMU passes it on.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "boot:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	image, arch, firmware, forward string
	sticks, spares                 string
	memory, cpus                   int
	fresh                          bool
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("boot", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.image, "image", "", "the image; the newest one of -arch in build if empty")
	flags.StringVar(&o.arch, "arch", "amd64", "amd64 or arm64")
	flags.StringVar(&o.firmware, "firmware", "", "bios or uefi; bios for amd64 and uefi for arm64 if empty")
	flags.StringVar(&o.forward, "forward", "9443,80,443,8080,8443", "TCP ports of the box to reach from here, with commas between; GUEST or HERE:GUEST")
	flags.StringVar(&o.sticks, "usb", "", "images to plug in as disks on USB, with commas between; they are not written to")
	flags.StringVar(&o.spares, "disk", "", "files that are more disks, with commas between; they are written to")
	flags.IntVar(&o.memory, "memory", 512, "MiB")
	flags.IntVar(&o.cpus, "cpus", 1, "processors")
	flags.BoolVar(&o.fresh, "fresh", false, "forget what the box has written")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is no flag: boot takes only flags", flags.Arg(0))
	}
	cfg, err := o.config()
	if err != nil {
		return err
	}
	return start(ctx, cfg, out)
}

// config makes a guest of the flags.
func (o *options) config() (qemu.Config, error) {
	var err error
	if o.image == "" {
		if o.image, err = newest(o.arch); err != nil {
			return qemu.Config{}, err
		}
	}
	nic, err := forwards(o.forward)
	if err != nil {
		return qemu.Config{}, err
	}
	kept := strings.TrimSuffix(o.image, ".img") + ".kept.qcow2"
	if err := stale(o.image, kept, o.fresh); err != nil {
		return qemu.Config{}, err
	}
	return qemu.Config{
		Arch: o.arch, Firmware: qemu.Firmware(o.firmware), Disk: o.image, Overlay: kept,
		Sticks: list(o.sticks), Spares: list(o.spares), NICs: []qemu.NIC{nic},
		MemoryMiB: o.memory, CPUs: o.cpus, Watchdog: true, Terminal: true,
	}, nil
}

func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// newest returns the newest image for QEMU in build.
func newest(arch string) (string, error) {
	board := map[string]string{"amd64": "qemu-x86_64", "arm64": "qemu-aarch64"}[arch]
	if board == "" {
		return "", fmt.Errorf("-arch must be amd64 or arm64, not %q", arch)
	}
	name, err := qemu.Newest("build", board, ".img")
	if errors.Is(err, qemu.ErrNoImage) {
		err = fmt.Errorf("%w: make image BOARD=%s", err, board)
	}
	return name, err
}

// forwards makes a network port of the flag -forward. A port below 1024, which needs
// rights here, is reached at any free one.
func forwards(text string) (qemu.NIC, error) {
	var n qemu.NIC
	for _, word := range list(text) {
		here, guest, both := strings.Cut(word, ":")
		if !both {
			guest = here
		}
		g, err := strconv.ParseUint(guest, 10, 16)
		if err != nil || g == 0 {
			return n, fmt.Errorf("-forward: %q is no port: 1 to 65535", guest)
		}
		h := g
		if both {
			if h, err = strconv.ParseUint(here, 10, 16); err != nil {
				return n, fmt.Errorf("-forward: %q is no port: 0 (any free one) to 65535", here)
			}
		} else if g < 1024 {
			h = 0
		}
		n.Forward, n.At = append(n.Forward, int(g)), append(n.At, int(h))
	}
	return n, nil
}

// stale removes what a box has written on an image that was built anew since.
func stale(image, kept string, fresh bool) error {
	old, err := os.Stat(kept)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	now, err := os.Stat(image)
	if err != nil {
		return err
	}
	if fresh || now.ModTime().After(old.ModTime()) {
		return os.Remove(kept)
	}
	return nil
}

// start runs the guest until it ends.
func start(ctx context.Context, cfg qemu.Config, out io.Writer) error {
	waiting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	places, err := qemu.Take(waiting, 1)
	if err != nil {
		return err
	}
	defer places.Free()
	g, err := qemu.Start(ctx, places, cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\r\nThis terminal is the serial console of %s. Ctrl-A x switches the box off.\r\n", cfg.Disk)
	for _, p := range cfg.NICs[0].Forward {
		scheme := ""
		if p == 9443 {
			scheme = "https://"
		}
		fmt.Fprintf(out, "  port %-5d of the box is %s%s\r\n", p, scheme, g.Addr(p))
	}
	fmt.Fprintf(out, "What it writes is kept in %s.\r\n\r\n", cfg.Overlay)
	err = g.Wait(ctx)
	return errors.Join(err, g.Close())
}
