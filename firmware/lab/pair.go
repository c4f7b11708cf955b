// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"evener/firmware/manage"
)

// pairTime is how long two boxes may take to pair.
const pairTime = 20 * time.Second

// Pair pairs every box with every other, as two people would who read each other the
// codes.
func (l *Lab) Pair(ctx context.Context) error {
	for i, a := range l.Boxes {
		for _, b := range l.Boxes[i+1:] {
			if err := Pair(ctx, a, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// Pair pairs two boxes that answer. All it needs of them is their names and states.
func Pair(ctx context.Context, a, b *Box) error {
	ctx, cancel := context.WithTimeout(ctx, pairTime)
	defer cancel()
	if err := pairTwo(ctx, a, b); err != nil {
		return fmt.Errorf("pair %s with %s: %w", a.Name, b.Name, err)
	}
	return nil
}

func pairTwo(ctx context.Context, a, b *Box) error {
	var begun manage.HAPairing
	if err := a.callMirror(ctx, "ha.pair.begin", struct{}{}, &begun); err != nil {
		return err
	}
	if err := b.callMirror(ctx, "ha.pair.join", map[string]string{"address": begun.Listen}, nil); err != nil {
		return err
	}
	codes := make([]string, 2)
	for i, x := range []*Box{a, b} {
		for codes[i] == "" {
			var p manage.HAPairing
			if err := x.Call(ctx, "ha.pair.show", struct{}{}, &p); err != nil {
				return err
			}
			codes[i] = p.Code
			if err := pause(ctx, 20*time.Millisecond); err != nil {
				return fmt.Errorf("box %s shows no code: %w", x.Name, err)
			}
		}
	}
	if codes[0] != codes[1] {
		return fmt.Errorf("one shows the code %s, the other %s", codes[0], codes[1])
	}
	for _, x := range []*Box{a, b} {
		if err := x.Call(ctx, "ha.pair.confirm", map[string]bool{"code_matches": true}, nil); err != nil {
			return err
		}
	}
	return paired(ctx, a, b)
}

// callMirror calls a method that needs the mirror, which begins a moment after the box
// answers.
func (b *Box) callMirror(ctx context.Context, method string, params, result any) error {
	for {
		err := b.Call(ctx, method, params, result)
		if err == nil || !strings.Contains(err.Error(), "the mirror of this box is starting") {
			return err
		}
		if e := pause(ctx, 20*time.Millisecond); e != nil {
			return errors.Join(err, e)
		}
	}
}

// paired waits until each of two boxes knows that the other has confirmed: the next
// pairing can begin.
func paired(ctx context.Context, boxes ...*Box) error {
	for _, x := range boxes {
		for p := (manage.HAPairing{}); p.Phase != manage.HAPairDone; {
			if err := x.Call(ctx, "ha.pair.show", struct{}{}, &p); err != nil {
				return err
			}
			if p.Phase == manage.HAPairFailed {
				return fmt.Errorf("on box %s: %s", x.Name, p.Problem)
			}
			if err := pause(ctx, 20*time.Millisecond); err != nil {
				return fmt.Errorf("box %s is in phase %q of the pairing: %w", x.Name, p.Phase, err)
			}
		}
	}
	return nil
}

// pause waits, or says why it could not.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
