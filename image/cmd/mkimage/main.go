// SPDX-License-Identifier: Apache-2.0

// Command mkimage builds what is flashed onto an appliance: the image of a disk,
// in the forms that hosts of virtual machines like too, and the bundle that a
// running box takes as an update. `make image` runs it; docs/manual/image.md
// tells its flags.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"evener/board"
	"evener/image"
	"evener/image/slot"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mkimage:", err)
		os.Exit(1)
	}
}

// options are the flags, checked.
type options struct {
	board      board.Board
	version    string
	out        string
	work       string
	formats    []string
	parts      string // folder for the parts of the disk; empty: none
	debian     bool
	buildroot  string // folder output/images; empty: Debian
	evener     string
	init       string
	modprobe   string
	grubDir    string   // of the boot loader's modules; empty: Debian's
	keyFile    string   // of the private key
	moreKeys   string   // of a set of public keys
	minVersion string   // that may update to this
	rollback   int      // index
	boards     []string // that the bundle is for
	created    time.Time
}

func run(ctx context.Context, args []string, out, errOut io.Writer) error {
	o, err := parse(args, errOut)
	if err != nil {
		return err
	}
	return o.build(ctx, &printer{w: out, start: time.Now()})
}

func parse(args []string, errOut io.Writer) (options, error) {
	var o options
	var name, formats, source, boards, created string
	flags := flag.NewFlagSet("mkimage", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.StringVar(&name, "board", "qemu-x86_64", "the board that the disk is for")
	flags.StringVar(&boards, "boards", "", "the boards that the bundle is for, with commas between; all of the architecture if empty")
	flags.StringVar(&o.version, "version", "", "of the firmware, such as 1.4.0; required")
	flags.StringVar(&o.out, "out", "build", "folder for what is made")
	flags.StringVar(&o.work, "work", "build/image", "folder for what is made on the way, and for Debian's packages")
	flags.StringVar(&formats, "formats", "img", "what to write of the disk, with commas between: img, qcow2, vhdx, vmdk; \"\" for the bundle only")
	flags.StringVar(&o.parts, "parts", "", "folder for the parts of the disk, for a program that puts disks together; none if empty")
	flags.StringVar(&source, "source", "debian", "where kernel and libraries are from: debian, or buildroot=DIR (the folder output/images)")
	flags.StringVar(&o.evener, "evener", "", "the program evener; build/evener-linux-ARCH if empty, and of a Buildroot source its own")
	flags.StringVar(&o.init, "init", "", "the first program after the kernel; build/init-linux-ARCH if empty, and of a Buildroot source its own")
	flags.StringVar(&o.modprobe, "modprobe", "", "the program that the kernel starts for a module; build/modprobe-linux-ARCH if empty, and of a Buildroot source its own")
	flags.StringVar(&o.grubDir, "grub", "", "folder with GRUB's modules in folders such as x86_64-efi; from Debian's packages if empty")
	flags.StringVar(&o.keyFile, "key", "", "file with the private key that signs, PEM; a development key in build/keys if empty")
	flags.StringVar(&o.moreKeys, "trust", "", "file with more keys that the image trusts, and revocations: lines as in /etc/evener/keys")
	flags.StringVar(&o.minVersion, "min-version", "", "oldest version that may update to this one; any if empty")
	flags.IntVar(&o.rollback, "rollback-index", 0, "a box that has marked a version good does not go back to one with a lower index")
	flags.StringVar(&created, "created", "", "time of everything in the image, in seconds since 1970; SOURCE_DATE_EPOCH if empty; required")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag: mkimage takes only flags", flags.Arg(0))
	}
	return o, errors.Join(o.setBoard(name, boards), o.setSource(source), o.setFormats(formats), o.setCreated(created), o.setVersion(), o.setPrograms())
}

// setBoard takes the board's name, and the list of those that the bundle serves.
func (o *options) setBoard(name, boards string) error {
	b, err := board.ByName(name)
	if err != nil {
		return fmt.Errorf("-board: %w", err)
	}
	if b.Arch == "" {
		return fmt.Errorf("-board: %s is no hardware that an image could be for", name)
	}
	o.board = b
	if boards != "" {
		o.boards = strings.Split(boards, ",")
	} else {
		for _, other := range board.All() {
			if other.Arch == b.Arch {
				o.boards = append(o.boards, other.Name)
			}
		}
	}
	for _, n := range o.boards {
		if other, err := board.ByName(n); err != nil || other.Arch != b.Arch {
			return fmt.Errorf("-boards: %q is no board with the architecture %s", n, b.Arch)
		}
	}
	return nil
}

func (o *options) setSource(source string) error {
	kind, dir, _ := strings.Cut(source, "=")
	switch {
	case source == "debian":
		o.debian = true
	case kind == "buildroot" && dir != "":
		o.buildroot = dir
	default:
		return fmt.Errorf("-source: %q must be debian or buildroot=DIR, with the folder output/images of a Buildroot checkout", source)
	}
	return nil
}

func (o *options) setFormats(formats string) error {
	if formats == "" {
		if o.parts != "" {
			return errors.New("-parts: they are cut out of the disk, which -formats leaves out: name img there")
		}
		return nil
	}
	known := []string{"img"}
	for _, f := range image.Formats {
		known = append(known, f.Name)
	}
	for f := range strings.SplitSeq(formats, ",") {
		ok := false
		for _, k := range known {
			ok = ok || f == k
		}
		if !ok {
			return fmt.Errorf("-formats: %q is none of %s", f, strings.Join(known, ", "))
		}
		o.formats = append(o.formats, f)
	}
	return nil
}

func (o *options) setCreated(text string) error {
	from := "-created"
	if text == "" {
		from, text = "SOURCE_DATE_EPOCH", os.Getenv("SOURCE_DATE_EPOCH")
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("%s: %q is no number of seconds since 1970, such as `git log -1 --format=%%ct` tells", from, text)
	}
	o.created = time.Unix(n, 0).UTC()
	return nil
}

func (o *options) setVersion() error {
	if o.version == "" {
		return errors.New("-version: say which version this is, such as 1.4.0")
	}
	if o.minVersion == "" {
		return nil
	}
	if _, err := slot.CompareVersions(o.minVersion, o.minVersion); err != nil {
		return fmt.Errorf("-min-version: %w", err)
	}
	return nil
}

func (o *options) setPrograms() error {
	if o.evener == "" && o.debian {
		o.evener = filepath.Join("build", "evener-linux-"+o.board.Arch)
	}
	if o.modprobe == "" && o.debian {
		o.modprobe = filepath.Join("build", "modprobe-linux-"+o.board.Arch)
	}
	if o.init == "" && !o.debian {
		o.init = filepath.Join(o.buildroot, "init")
	}
	if o.init == "" {
		o.init = filepath.Join("build", "init-linux-"+o.board.Arch)
	}
	return nil
}
