// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"context"
	"fmt"
	"time"
)

// Enter brings the serial dialogue of a box that has never been set up to the question
// whether it is to be set up, when the box has come so far. A guest with Config.Terminal
// has no such dialogue.
func (g *Guest) Enter(ctx context.Context) error {
	const more, menu = "Press Enter for the menu", "[nN]umber, Enter for the menu"
	if _, _, err := g.serial.Expect(ctx, more); err != nil {
		return err
	}
	for {
		if err := g.serial.Send("\r"); err != nil {
			return err
		}
		if which, _, err := g.serial.Expect(ctx, "no administrator yet", menu); err != nil || which == 0 {
			return err
		}
		if err := g.serial.Send("0\r"); err != nil { // the engine does not answer yet
			return err
		}
		if _, _, err := g.serial.Expect(ctx, more); err != nil {
			return err
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

// SetUp goes through the first set-up at the serial console, as a new user does, who
// gives the box its name and its address by DHCP, and makes the first administrator
// with a browser. The guest's [ConsolePort] must be forwarded.
func (g *Guest) SetUp(ctx context.Context, name string) (*Person, error) {
	if err := g.Enter(ctx); err != nil {
		return nil, err
	}
	for _, a := range [][2]string{
		{"Set it up now", "y"},
		{"address come from", "1"},
		{"VLAN", ""},
		{"Name servers", ""},
		{"at every address", "y"},
		{"Name of the box", name},
		{"Time zone", ""},
		{"Time servers", ""},
		{"Do it", "y"},
		{"k keep it", "k"},
	} {
		if err := g.serial.Answer(ctx, a[0], a[1]); err != nil {
			return nil, err
		}
	}
	_, m, err := g.serial.Expect(ctx, `set-up code +(\S+)\s`)
	if err != nil {
		return nil, err
	}
	p := newPerson(g)
	return p, g.Await(ctx, "the first administrator", func() error {
		return p.Post(ctx, "/api/v1/setup", map[string]any{"code": m[1], "user": p.User, "password": p.Password}, nil)
	})
}

// Await calls f until it works, twice a second, and not after the guest has ended. Its
// error has the last one of f and what nobody has expected yet of the serial line.
func (g *Guest) Await(ctx context.Context, what string, f func() error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-g.ended:
			cancel(g.end())
		case <-ctx.Done():
		}
	}()
	for {
		last := f()
		if last == nil {
			return nil
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return fmt.Errorf("%s: %w; last: %w; on the serial line:\n%s", what, err, last, tail(g.serial.Unread()))
		}
	}
}

// end says how QEMU has ended.
func (g *Guest) end() error { return fmt.Errorf("QEMU has ended (%v)%s", g.err, g.said()) }

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
