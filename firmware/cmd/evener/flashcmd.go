// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"evener/image/flash"
	"evener/image/slot"
)

// trustFile are the keys that a box trusts. Other machines have none.
const trustFile = "/etc/evener/keys"

func newFlash() *cobra.Command {
	var yes, keyFile string
	var list bool
	cmd := &cobra.Command{Use: "flash [IMAGE DISK]", Short: "write an image onto a disk, and read it back",
		Args: usageArgs(cobra.MaximumNArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if list {
				if len(args) > 0 {
					return usageError{errors.New("--list takes no image and no disk")}
				}
				return listDisks(cmd)
			}
			if len(args) != 2 {
				return usageError{errors.New("flash takes an image and a disk, such as evener.img /dev/sdb; --list lists the disks")}
			}
			keys, err := trustedKeys(keyFile)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return runFlash(ctx, cmd, args[0], args[1], yes, keys)
		}}
	cmd.Flags().StringVar(&yes, "yes", "", "do not ask: the disk's serial number, or its size in bytes where it has none")
	cmd.Flags().StringVar(&keyFile, "keys", "", "file of the keys whose signature counts; "+trustFile+" where it is")
	cmd.Flags().BoolVar(&list, "list", false, "list the disks of this machine")
	return cmd
}

// trustedKeys reads the keys whose signature counts, none if nobody has said.
func trustedKeys(name string) (slot.Keys, error) {
	given := name != ""
	if !given {
		name = trustFile
	}
	text, err := os.ReadFile(name)
	if !given && errors.Is(err, os.ErrNotExist) {
		return slot.Keys{}, nil
	}
	if err != nil {
		return slot.Keys{}, err
	}
	keys, err := slot.ParseKeys(text)
	if err == nil && len(keys.List) == 0 {
		err = errors.New("there is no key in it")
	}
	if err != nil {
		return slot.Keys{}, fmt.Errorf("%s: %w", name, err)
	}
	return keys, nil
}

func listDisks(cmd *cobra.Command) error {
	disks, err := flash.Disks("/")
	if err != nil {
		return err
	}
	return show(cmd, disks, func(w io.Writer) {
		for _, d := range disks {
			fmt.Fprintf(w, "%s\n", d)
			fmt.Fprintf(w, "    --yes %s\n", d.ID())
			if d.Used != "" {
				fmt.Fprintf(w, "    not for writing: %s\n", d.Used)
			}
		}
		if len(disks) == 0 {
			fmt.Fprintln(w, "there is no disk")
		}
	})
}

// runFlash shows both ends, asks, and writes.
func runFlash(ctx context.Context, cmd *cobra.Command, image, disk, yes string, keys slot.Keys) error {
	src, err := flash.Open(image, keys)
	if err != nil {
		return err
	}
	defer src.Close()
	d, err := flash.Find("/", disk)
	if err != nil {
		return err
	}
	out := cmd.ErrOrStderr()
	m := src.Header.Manifest
	fmt.Fprintf(out, "image  Evener %s for %s, built %s\n", m.Version, strings.Join(m.Boards, " "), m.Created)
	fmt.Fprintf(out, "       signed by %s %s\n", src.Signer.ID, src.Signer.Comment)
	if !src.Trusted {
		fmt.Fprintln(out, "       which the image itself names: this finds damage, and no forgery (--keys FILE says whom you trust)")
	}
	fmt.Fprintf(out, "disk   %s\n", d)
	if d.Used != "" {
		return fmt.Errorf("%s is not written: %s", d.Path, d.Used)
	}
	if err := mayErase(cmd, d, yes); err != nil {
		return err
	}
	p := &stepPrinter{w: out}
	if err := src.Check(ctx, func(done, total int64) { p.show("image", done, total) }); err != nil {
		return fmt.Errorf("the image %s: %w", image, err)
	}
	if err := src.Write(ctx, d, p.show); err != nil {
		p.end()
		return err
	}
	p.end()
	fmt.Fprintf(out, "%s has Evener %s, and all of it was read back. Start the appliance from it.\n", d.Path, m.Version)
	return nil
}

// mayErase asks for the name of the disk, or compares what --yes has said.
func mayErase(cmd *cobra.Command, d flash.Disk, yes string) error {
	if yes != "" {
		if yes != d.ID() {
			return fmt.Errorf("--yes %s is not %s: the disk that was meant is another one; nothing was written", yes, d.ID())
		}
		return nil
	}
	f, ok := cmd.InOrStdin().(*os.File)
	if !ok || !isTerminal(f) {
		return usageError{fmt.Errorf("nobody can be asked here: --yes %s says that this disk is meant", d.ID())}
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "Everything on %s will be lost. Type %s to go on: ", d.Path, d.Name)
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil && line == "" {
		return fmt.Errorf("nothing was written: %w", err)
	}
	if strings.TrimSpace(line) != d.Name {
		return errors.New("that is not its name: nothing was written")
	}
	return nil
}

// A stepPrinter shows on a terminal how far each step is, and elsewhere that it has
// begun.
type stepPrinter struct {
	w    io.Writer
	step flash.Step
	bar  *bar
}

var stepWords = map[flash.Step]string{
	"image": "checking the image", "erase": "erasing what starts", "write": "writing", "check": "reading back", "finish": "making it start",
}

func (p *stepPrinter) show(step flash.Step, done, total int64) {
	if step != p.step {
		p.end()
		p.step, p.bar = step, newBar(p.w, total)
		fmt.Fprintf(p.w, "%s\n", stepWords[step])
	}
	p.bar.show(done)
}

func (p *stepPrinter) end() {
	if p.bar != nil {
		p.bar.end()
	}
	p.bar = nil
}
