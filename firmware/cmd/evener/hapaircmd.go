// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

// pairLook is how often the progress of a pairing is asked for.
const pairLook = 250 * time.Millisecond

func newHAPair() *cobra.Command {
	return &cobra.Command{Use: "pair [ADDRESS]", Short: "pair with another box: without ADDRESS wait for it, with it join where pairing was begun",
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := startPairing(cmd, args)
			if err != nil {
				return err
			}
			if p, err = followPairing(cmd, p); err != nil {
				return err
			}
			return show(cmd, p, func(w io.Writer) { fmt.Fprintf(w, "paired with %s\n", p.Peer) })
		}}
}

func startPairing(cmd *cobra.Command, args []string) (manage.HAPairing, error) {
	if len(args) == 1 {
		return call[manage.HAPairing](cmd, "ha.pair.join", map[string]any{"address": args[0]})
	}
	p, err := call[manage.HAPairing](cmd, "ha.pair.begin", struct{}{})
	if err == nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "On the other box, until %s UTC: evener ha pair %s\n", p.Until.UTC().Format(time.TimeOnly), cell(p.Listen))
	}
	return p, err
}

// followPairing waits for the code, asks whether both boxes show the same, and waits
// for the other side. Whoever interrupts it cancels the pairing.
func followPairing(cmd *cobra.Command, p manage.HAPairing) (manage.HAPairing, error) {
	begun := p.Phase
	for {
		var err error
		switch {
		case p.Phase == manage.HAPairDone:
			return p, nil
		case p.Phase == manage.HAPairFailed:
			return p, fmt.Errorf("not paired: %s", p.Problem)
		case p.Phase == manage.HAPairIdle && begun != manage.HAPairIdle:
			return p, errors.New("the pairing was cancelled")
		case p.Phase == manage.HAPairCode && !p.ConfirmedHere:
			p, err = confirmPairing(cmd, p)
		default:
			if err = waitPair(cmd.Context()); err == nil {
				p, err = call[manage.HAPairing](cmd, "ha.pair.show", struct{}{})
			}
		}
		if err != nil {
			cancelPairing(cmd)
			return p, err
		}
	}
}

func waitPair(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return errors.New("interrupted: the boxes are not paired")
	case <-time.After(pairLook):
		return nil
	}
}

// confirmPairing shows the code and asks a person.
func confirmPairing(cmd *cobra.Command, p manage.HAPairing) (manage.HAPairing, error) {
	fmt.Fprintf(cmd.ErrOrStderr(), "\n  code  %s   %s\n\nDoes %s at %s show the same code? yes or no: ", cell(p.Code), fingerprintNote(p), cell(p.Peer), cell(p.Address))
	line, err := readWhile(cmd.Context(), cmd.InOrStdin())
	if err != nil {
		return p, errors.New("nobody has said whether the codes are the same: the boxes are not paired")
	}
	matches, err := yesNo(line, p.Code)
	if err != nil {
		return p, err
	}
	next, err := call[manage.HAPairing](cmd, "ha.pair.confirm", map[string]any{"code_matches": matches})
	if err == nil && !matches {
		return next, errors.New("not paired: the codes differ. Somebody between the boxes may have answered: check the cables and addresses before you try again")
	}
	if err == nil && next.Phase == manage.HAPairCode {
		fmt.Fprintf(cmd.ErrOrStderr(), "confirmed here; waiting for %s\n", cell(p.Peer))
	}
	return next, err
}

func fingerprintNote(p manage.HAPairing) string {
	if p.Until.IsZero() {
		return ""
	}
	return "(until " + p.Until.UTC().Format(time.TimeOnly) + " UTC)"
}

// yesNo reads an answer: yes, no, or the code that the other box shows.
func yesNo(line, code string) (bool, error) {
	squeeze := strings.NewReplacer(" ", "", "-", "")
	switch s := strings.ToLower(strings.TrimSpace(line)); {
	case s == "yes", s == "y", squeeze.Replace(s) == squeeze.Replace(code):
		return true, nil
	case s == "no", s == "n", digits(squeeze.Replace(s)):
		return false, nil
	}
	return false, usageError{fmt.Errorf("the answer is yes or no, not %q: the boxes are not paired", line)}
}

// digits tells whether s is a code of six digits.
func digits(s string) bool { return len(s) == 6 && strings.Trim(s, "0123456789") == "" }

// cancelPairing ends a pairing that nobody follows any more.
func cancelPairing(cmd *cobra.Command) {
	c, err := dial(cmd)
	if err != nil {
		return // the box that would pair is gone
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), 5*time.Second)
	defer cancel()
	if err := c.Call(ctx, "ha.pair.cancel", struct{}{}, nil); err != nil {
		fmt.Fprintln(cmd.ErrOrStderr(), "the pairing could not be cancelled:", cell(err.Error()))
	}
}

func newHAUnpair() *cobra.Command {
	return completeFirst(simple("unpair PEER", "forget another box: nothing is mirrored with it any more", cobra.ExactArgs(1), "ha.unpair",
		func(_ *cobra.Command, args []string) (any, error) { return map[string]any{"peer": args[0]}, nil },
		func(w io.Writer, _ manage.HAPairing) {
			fmt.Fprintln(w, "forgotten; do the same on the other box, and take it out of the block node")
		}), peerNames)
}
