// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

func newUpgrade() *cobra.Command {
	return group("upgrade", "bring another version of the firmware, and go back from one",
		newUpgradeShow(), newUpgradeInstall(), newUpgradeFetch(), newUpgradeUSB(),
		upgradeOrder("cancel", "end the writing of a bundle", "upgrade.cancel", "nothing is being written any more"),
		newUpgradeActivate(),
		upgradeOrder("good", "keep the version that is on trial, whatever its self-test finds", "upgrade.good", "the version that runs is good from now on"),
		newUpgradePair(), newUpgradeDemo())
}

func newUpgradeShow() *cobra.Command {
	return simple("show", "show the versions in both slots, what goes on, and what happened", cobra.NoArgs, "upgrade.show", noParams, printUpgrade)
}

// upgradeOrder is a command without arguments.
func upgradeOrder(use, short, method, done string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := call[any](cmd, method, struct{}{}); err != nil {
				return err
			}
			return show(cmd, struct{}{}, func(w io.Writer) { fmt.Fprintln(w, done) })
		}}
}

func newUpgradeInstall() *cobra.Command {
	var start, downgrade bool
	cmd := &cobra.Command{Use: "install FILE", Short: "write a bundle into the slot that does not run", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if downgrade {
				if err := typedWord(cmd, "downgrade", lowerIndex); err != nil {
					return err
				}
			}
			out, err := sendBundle(cmd, args[0], downgrade)
			if err != nil {
				return err
			}
			return afterWriting(cmd, out, start, downgrade)
		}}
	cmd.Flags().BoolVar(&start, "start", false, "restart the box with it at once")
	cmd.Flags().BoolVar(&downgrade, "downgrade", false, "take a lower rollback index too; asks for the word downgrade")
	return cmd
}

const lowerIndex = "A lower rollback index may bring back known holes."

// typedWord asks for a word, for what should not happen by mistake.
func typedWord(cmd *cobra.Command, word, why string) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "%s Type %s to go on: ", why, word)
	line, err := readLine(cmd.InOrStdin())
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(line) != word {
		return fmt.Errorf("nothing was done: the word %s was not typed", word)
	}
	return nil
}

// sendBundle sends a file piece by piece.
func sendBundle(cmd *cobra.Command, name string, downgrade bool) (out manage.UpgradeWritten, err error) {
	f, err := os.Open(name)
	if err != nil {
		return out, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return out, err
	}
	c, err := dial(cmd)
	if err != nil {
		return out, err
	}
	defer c.Close()
	var u manage.UpgradeUpload
	if err := c.Call(cmd.Context(), "upgrade.upload.begin", map[string]any{"size": st.Size(), "downgrade": downgrade}, &u); err != nil {
		return out, err
	}
	bar := newBar(cmd.ErrOrStderr(), st.Size())
	defer bar.end()
	piece := make([]byte, u.Chunk)
	for at := int64(0); at < st.Size(); {
		n, err := io.ReadFull(f, piece[:min(int64(len(piece)), st.Size()-at)])
		if err == nil {
			err = c.Call(cmd.Context(), "upgrade.upload.chunk", map[string]any{"id": u.ID, "offset": at, "data": base64.StdEncoding.EncodeToString(piece[:n])}, nil)
		}
		if err != nil {
			if cmd.Context().Err() != nil { // the box would wait for the rest
				_ = c.Call(context.WithoutCancel(cmd.Context()), "upgrade.cancel", struct{}{}, nil)
			}
			return out, err
		}
		at += int64(n)
		bar.show(at)
	}
	return out, c.Call(cmd.Context(), "upgrade.upload.end", map[string]any{"id": u.ID}, &out)
}

// afterWriting tells what was written, and starts it if that was wanted.
func afterWriting(cmd *cobra.Command, out manage.UpgradeWritten, start, downgrade bool) error {
	if start {
		if _, err := call[manage.UpgradeShow](cmd, "upgrade.activate", map[string]any{"slot": out.Slot, "reboot": true, "downgrade": downgrade}); err != nil {
			return err
		}
	}
	return show(cmd, out, func(w io.Writer) {
		fmt.Fprintf(w, "version %s is in slot %s, read back and whole\n", out.Version, out.Slot)
		if start {
			fmt.Fprintln(w, "the box restarts with it, on trial: evener upgrade show tells how it does")
		} else {
			fmt.Fprintf(w, "start it with evener upgrade activate %s --reboot\n", out.Slot)
		}
	})
}

func newUpgradeFetch() *cobra.Command {
	var start bool
	cmd := &cobra.Command{Use: "fetch URL", Short: "have the box fetch a bundle and write it into the slot that does not run", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return awaitTaking(cmd, "upgrade.fetch", map[string]any{"url": args[0]}, start)
		}}
	cmd.Flags().BoolVar(&start, "start", false, "restart the box with it once it is written")
	return cmd
}

func newUpgradeUSB() *cobra.Command {
	var start bool
	cmd := &cobra.Command{Use: "usb", Short: "write the newest bundle of the USB sticks into the slot that does not run", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return awaitTaking(cmd, "upgrade.usb", struct{}{}, start) }}
	cmd.Flags().BoolVar(&start, "start", false, "restart the box with it once it is written")
	return cmd
}

// awaitTaking has the box bring a bundle, and waits for what comes of that.
func awaitTaking(cmd *cobra.Command, method string, params any, start bool) error {
	was, err := call[manage.UpgradeShow](cmd, "upgrade.show", struct{}{})
	if err != nil {
		return err
	}
	if _, err := call[manage.UpgradeProgress](cmd, method, params); err != nil {
		return err
	}
	bar := newBar(cmd.ErrOrStderr(), 0)
	defer bar.end()
	for {
		now, err := call[manage.UpgradeShow](cmd, "upgrade.show", struct{}{})
		if err != nil {
			return err
		}
		if p := now.Progress; p != nil {
			bar.total = p.Total
			bar.show(p.Done)
		} else {
			bar.end()
			return tookOrNot(cmd, was, now, start)
		}
		select {
		case <-cmd.Context().Done():
			return errors.New("the box goes on with it: evener upgrade show tells how far it is, evener upgrade cancel ends it")
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// tookOrNot looks at what the journal has that it had not before.
func tookOrNot(cmd *cobra.Command, was, now manage.UpgradeShow, start bool) error {
	for _, e := range now.Journal {
		if len(was.Journal) > 0 && !e.Time.After(was.Journal[0].Time) {
			break
		}
		switch e.Event {
		case "written":
			out := manage.UpgradeWritten{Slot: e.Slot, Version: e.Version}
			for _, s := range now.Slots {
				if s.Slot == e.Slot {
					out.SHA256 = s.SHA256
				}
			}
			return afterWriting(cmd, out, start, false)
		case "refused", "failed", "cancelled":
			return errors.New(e.Reason)
		}
	}
	return errors.New("the bundle was not written; evener upgrade show has the journal")
}

func newUpgradeActivate() *cobra.Command {
	var reboot, downgrade bool
	cmd := &cobra.Command{Use: "activate A|B", Short: "start a slot on trial: at the next reboot, or now", Args: usageArgs(cobra.ExactArgs(1)), ValidArgs: []string{"A", "B"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if downgrade {
				if err := typedWord(cmd, "downgrade", lowerIndex); err != nil {
					return err
				}
			}
			s, err := call[manage.UpgradeShow](cmd, "upgrade.activate", map[string]any{"slot": strings.ToUpper(args[0]), "reboot": reboot, "downgrade": downgrade})
			if err != nil {
				return err
			}
			return show(cmd, s, func(w io.Writer) {
				for _, x := range s.Slots {
					if x.Next {
						fmt.Fprintf(w, "slot %s with version %s is started next\n", x.Slot, x.Version)
					}
				}
				if reboot {
					fmt.Fprintln(w, "the box restarts now")
				}
			})
		}}
	cmd.Flags().BoolVar(&reboot, "reboot", false, "restart the box now")
	cmd.Flags().BoolVar(&downgrade, "downgrade", false, "even if its rollback index is lower; asks for the word downgrade")
	return cmd
}

// A bar shows on a terminal how far something has come.
type bar struct {
	w     io.Writer
	total int64
	shown bool
	last  time.Time
}

func newBar(w io.Writer, total int64) *bar {
	f, ok := w.(*os.File)
	if !ok || !isTerminal(f) {
		w = nil
	}
	return &bar{w: w, total: total}
}

func (b *bar) show(done int64) {
	if b.w == nil || time.Since(b.last) < 100*time.Millisecond && done != b.total {
		return
	}
	b.last, b.shown = time.Now(), true
	if b.total > 0 {
		fmt.Fprintf(b.w, "\r%3d %% of %.1f MiB ", done*100/b.total, float64(b.total)/(1<<20))
	} else {
		fmt.Fprintf(b.w, "\r%.1f MiB ", float64(done)/(1<<20))
	}
}

// end leaves the line.
func (b *bar) end() {
	if b.shown {
		fmt.Fprintln(b.w)
		b.shown = false
	}
}
