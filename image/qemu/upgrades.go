// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// Upgrades are what is used of the result of the API's upgrade.show.
type Upgrades struct {
	Running struct {
		Slot, Version string
		OK            bool // what runs has passed its self-test
	}
	Slots []struct {
		Slot, Version, State, Reason string
	}
	Progress *struct{ Step string }                          // of an update under way
	Journal  []struct{ Event, Slot, Version, Reason string } // the newest first
}

// Reason is what the journal says of the newest event of a kind.
func (u *Upgrades) Reason(event string) string {
	for _, e := range u.Journal {
		if e.Event == event {
			return e.Reason
		}
	}
	return ""
}

// Upgrades asks for the slots, when the box answers.
func (p *Person) Upgrades(ctx context.Context) (u Upgrades, err error) {
	err = p.Await(ctx, "upgrade.show", func() error { return p.Ask(ctx, "upgrade.show", nil, &u) })
	return u, err
}

// Take gives the password again and has the box fetch a bundle; see [Person.Fetch].
func (p *Person) Take(ctx context.Context, bundle []byte) (refused string, err error) {
	if err := p.Sudo(ctx); err != nil {
		return "", err
	}
	return p.Fetch(ctx, bundle)
}

// Fetch has the box fetch a bundle from this machine and waits for the end of that. It
// returns why the box has refused it, "" if it was written and verified. [Person.Sudo]
// comes before it.
func (p *Person) Fetch(ctx context.Context, bundle []byte) (refused string, err error) {
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(bundle) })}
	go func() { _ = server.Serve(web) }() // ErrServerClosed
	defer server.Close()
	before, err := p.Upgrades(ctx)
	if err != nil {
		return "", err
	}
	url := fmt.Sprintf("http://10.0.2.2:%d/evener.evb", web.Addr().(*net.TCPAddr).Port)
	if err := p.Ask(ctx, "upgrade.fetch", map[string]any{"url": url}, nil); err != nil {
		return "", err
	}
	var u Upgrades
	err = p.Await(ctx, "the end of the update", func() error {
		u = Upgrades{}
		if err := p.Ask(ctx, "upgrade.show", nil, &u); err != nil {
			return err
		}
		if u.Progress != nil || len(u.Journal) == len(before.Journal) {
			return fmt.Errorf("it goes on: %+v", u.Progress)
		}
		return nil
	})
	if err != nil || u.Journal[0].Event == "written" {
		return "", err
	}
	return u.Journal[0].Reason, nil
}

// RestartInto has the box start a slot, "A" or "B", now, and waits until it has ended
// what runs.
func (p *Person) RestartInto(ctx context.Context, slot string) error {
	before := p.Resets()
	if err := p.Sudo(ctx); err != nil {
		return err
	}
	// The box may be gone before it has answered. A box that refuses stays.
	err := p.Ask(ctx, "upgrade.activate", map[string]any{"slot": slot, "reboot": true}, nil)
	if errors.Is(err, ErrRefused) && !strings.Contains(err.Error(), "engine.restarting") {
		return err
	}
	return p.WaitReset(ctx, before+1)
}
