// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"time"

	"evener/board"
	"evener/firmware/api"
	"evener/firmware/upgrade"
	"evener/image/early"
	"evener/image/slot"
)

// How long what the rescue system does may take.
const (
	installTimeout = time.Hour // a slow disk, or a slow line
	checkTimeout   = 30 * time.Minute
)

// A rescuer mends a box that does not start: the methods rescue.*. It runs from the
// memory, so that both slots may be written.
type rescuer struct {
	*appliance
	board  board.Board
	state  string // folder of the box's state
	sticks upgrade.Sticks
	keys   func() (slot.Keys, error) // whose signatures count

	mu sync.Mutex // one repair at a time
}

func newRescuer(a *appliance) *rescuer {
	return &rescuer{appliance: a, state: boxState, sticks: mountSticks, keys: func() (slot.Keys, error) { return trustedKeys("") }}
}

type rescueSlots struct {
	Disk    string       `json:"disk"`
	Slots   []rescueSlot `json:"slots"`
	Problem string       `json:"problem,omitempty" doc:"of the disk or of the journal"`
	Journal []string     `json:"journal" doc:"what happened last, a line each"`
}

type rescueSlot struct {
	Slot    string `json:"slot"`
	Version string `json:"version,omitempty"`
	State   string `json:"state"`
	Next    bool   `json:"next" doc:"the boot loader starts it next"`
	Reason  string `json:"reason,omitempty" doc:"why it is not started"`
}

type rescueName struct {
	Slot string `json:"slot" doc:"A or B"`
}

type rescueFetch struct {
	rescueName
	URL     string `json:"url" doc:"of a bundle"`
	Method  string `json:"method" doc:"dhcp or static"`
	Address string `json:"address,omitempty" doc:"of this box, with the length of its network"`
	Gateway string `json:"gateway,omitempty"`
	DNS     string `json:"dns,omitempty"`
}

type rescueDone struct {
	Version string `json:"version"`
	Slot    string `json:"slot"`
}

type rescueLines struct {
	Lines []string `json:"lines"`
}

// add registers the methods.
func (r *rescuer) add(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "rescue.slots", Purpose: "Tells what is in the slots, and what became of them.", Role: api.Viewer},
		func(context.Context, api.Call, struct{}) (rescueSlots, error) { return r.slots() })
	api.Add(reg, api.Method{Name: "rescue.start", Purpose: "Has the boot loader start a slot next, once.", Role: api.Admin, Effect: api.System,
		Audit: "start slot {slot} once"}, func(_ context.Context, c api.Call, p rescueName) (struct{}, error) {
		return struct{}{}, r.onSlot(p.Slot, func(d *slot.Disk, n slot.Name) error {
			s, _ := d.Boot() // what it cannot read it can be started from all the same
			s.Once = string(n)
			return d.SetBoot(s)
		})
	})
	api.Add(reg, api.Method{Name: "rescue.good", Purpose: "Says of a slot that it is good, and has it started from now on.", Role: api.Admin, Effect: api.System,
		Audit: "keep slot {slot} as good"}, func(_ context.Context, c api.Call, p rescueName) (struct{}, error) {
		return struct{}{}, r.onSlot(p.Slot, func(d *slot.Disk, n slot.Name) error { return d.MarkGood(n) })
	})
	api.Add(reg, api.Method{Name: "rescue.usb", Purpose: "Writes the newest bundle of the USB sticks over a slot and arms it.", Role: api.Admin,
		Effect: api.System, Timeout: installTimeout, Audit: "install from USB into slot {slot}"}, r.fromUSB)
	api.Add(reg, api.Method{Name: "rescue.fetch", Purpose: "Writes a bundle of a web server over a slot and arms it.", Role: api.Admin,
		Effect: api.System, Timeout: installTimeout, Audit: "install {url} into slot {slot}"}, r.fromURL)
	api.Add(reg, api.Method{Name: "rescue.check", Purpose: "Checks the file systems, and mends them.", Role: api.Admin,
		Effect: api.System, Timeout: checkTimeout, Audit: "check the file systems"},
		func(ctx context.Context, _ api.Call, _ struct{}) (rescueLines, error) { return r.check(ctx) })
	api.Add(reg, api.Method{Name: "rescue.log", Purpose: "Shows the end of the log that the box has kept.", Role: api.Admin},
		func(context.Context, api.Call, struct{}) (rescueLines, error) {
			return lastLines(boxLogFile, 64<<10)
		})
	api.Add(reg, api.Method{Name: "rescue.reset", Purpose: "Has the next start make state and data anew.", Role: api.Admin,
		Effect: api.System, Audit: "factory reset at the next start"}, func(context.Context, api.Call, struct{}) (struct{}, error) {
		return struct{}{}, r.onDisk(func(d *slot.Disk) error {
			s, _ := d.Boot()
			s.Reset = "factory"
			return d.SetBoot(s)
		})
	})
}

// onDisk opens the box's disk for a repair.
func (r *rescuer) onDisk(f func(*slot.Disk) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.boot.Disk == "" {
		return api.Errorf(api.CodeFailed, "rescue.disk", "the disk of the box was not found: see the messages above, and whether the disk is plugged in")
	}
	d, err := slot.Open(r.boot.Disk)
	if err != nil {
		return err
	}
	return errors.Join(f(d), d.Close())
}

func (r *rescuer) onSlot(name string, f func(*slot.Disk, slot.Name) error) error {
	n, err := slot.ParseName(name)
	if err != nil {
		return api.Errorf(api.CodeParams, "params.slot", "%v", err)
	}
	return r.onDisk(func(d *slot.Disk) error {
		if _, err := d.Slot(n); err != nil {
			return err
		}
		return f(d, n)
	})
}

// source says what is installed on another disk: the slot that would start.
func (r *rescuer) source() (boot early.Boot, err error) {
	boot = r.boot
	err = r.onDisk(func(d *slot.Disk) error {
		s, _ := d.Boot()
		c, _ := s.Choose()
		for _, n := range []slot.Name{c.Slot, slot.A, slot.B} {
			if _, err := d.Slot(n); err == nil {
				boot.Slot = string(n)
				return nil
			}
		}
		return errors.New("neither slot holds a version that could be installed elsewhere")
	})
	return boot, err
}

// upgrades opens what is known of upgrades. No slot runs.
func (r *rescuer) upgrades(d *slot.Disk) (*upgrade.Upgrades, error) {
	keys, err := r.keys()
	if err != nil {
		return nil, err
	}
	return upgrade.Open(upgrade.OnDisk(d), upgrade.Config{Dir: upgradeDir(r.state), Board: r.board.Name, Arch: runtime.GOARCH, Version: version, Keys: keys,
		Why: "this is the rescue system"}, r.log), nil
}

func (r *rescuer) slots() (out rescueSlots, err error) {
	out = rescueSlots{Disk: r.boot.Disk, Slots: []rescueSlot{}, Journal: []string{}}
	err = r.onDisk(func(d *slot.Disk) error {
		u, err := r.upgrades(d)
		if err != nil {
			return err
		}
		s := u.Show()
		out.Problem = s.Problem
		for _, x := range s.Slots {
			out.Slots = append(out.Slots, rescueSlot{string(x.Slot), x.Manifest.Version, x.State, x.Next, x.Reason})
		}
		for _, e := range s.Journal[:min(12, len(s.Journal))] { // the newest first
			line := fmt.Sprintf("%s  %-9s %s %s %s", e.Time.UTC().Format(time.DateTime), e.Event, e.Slot, e.Version, e.Reason)
			out.Journal = append(out.Journal, strings.TrimSpace(line))
		}
		return nil
	})
	return out, err
}

func (r *rescuer) fromUSB(ctx context.Context, c api.Call, p rescueName) (out rescueDone, err error) {
	err = r.onDisk(func(d *slot.Disk) error {
		f, name, err := r.newest(ctx, d)
		if err != nil {
			return err
		}
		defer f.Close()
		out, err = r.install(ctx, d, p.Slot, f, name, c.Author)
		return err
	})
	return out, err
}

func (r *rescuer) fromURL(ctx context.Context, c api.Call, p rescueFetch) (out rescueDone, err error) {
	at, err := url.Parse(p.URL)
	if err != nil {
		return out, api.Errorf(api.CodeParams, "params.url", "%v", err)
	}
	err = r.onDisk(func(d *slot.Disk) error {
		down, err := r.network(ctx, p)
		if err != nil {
			return err
		}
		defer down()
		body, err := upgrade.Fetch(ctx, p.URL)
		if err != nil {
			return err
		}
		defer body.Close()
		out, err = r.install(ctx, d, p.Slot, body, at.Redacted(), c.Author)
		return err
	})
	return out, err
}

// policy is what is asked of a bundle: the same as on a box that runs.
func (r *rescuer) policy(s upgrade.Status) slot.Policy {
	p := slot.Policy{Board: r.board.Name, Arch: runtime.GOARCH, Version: version, RollbackIndex: s.Rollback}
	for _, k := range s.Keys {
		if k.Revoked {
			p.Keys = p.Keys.Revoke(k.ID)
		} else {
			p.Keys.List = append(p.Keys.List, k.Key)
		}
	}
	for _, x := range s.Slots {
		if x.Next {
			p.Version = cmp.Or(x.Manifest.Version, p.Version)
		}
	}
	return p
}

// install writes a bundle over a slot, reads it back and arms it.
func (r *rescuer) install(ctx context.Context, d *slot.Disk, name string, from io.Reader, source, by string) (rescueDone, error) {
	n, err := slot.ParseName(name)
	if err != nil {
		return rescueDone{}, err
	}
	u, err := r.upgrades(d)
	if err != nil {
		return rescueDone{}, err
	}
	b, err := slot.ParseBundle(from)
	if err == nil {
		err = r.policy(u.Show()).Check(b.Header)
	}
	if err == nil {
		err = replace(ctx, d, n, b)
	}
	e := upgrade.Entry{Time: time.Now().UTC(), Actor: by, Event: upgrade.EventWritten, Slot: n, Reason: "from " + source + ", in the rescue system"}
	if b != nil {
		e.Version = b.Header.Manifest.Version
	}
	if err != nil {
		e.Event, e.Reason = upgrade.EventRefused, e.Reason+": "+strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	u.Note(e)
	return rescueDone{e.Version, string(n)}, err
}

// replace puts a bundle into a slot and arms it.
func replace(ctx context.Context, d *slot.Disk, n slot.Name, b *slot.Bundle) error {
	w, err := d.Replace(n, b.Header)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, b); err != nil {
		return errors.Join(err, w.Abort())
	}
	if err := w.Commit(ctx, nil); err != nil {
		return err
	}
	return d.Arm(n)
}

// lastLines returns the lines of the last n bytes of a file.
func lastLines(name string, n int64) (rescueLines, error) {
	out := rescueLines{Lines: []string{}}
	text, more, err := endOfFile(name, n)
	if err != nil {
		return out, err
	}
	if _, rest, cut := bytes.Cut(text, []byte("\n")); more && cut {
		text = rest // of its first line only the end is there
	}
	for line := range strings.Lines(string(text)) {
		out.Lines = append(out.Lines, strings.TrimRight(line, "\n"))
	}
	return out, nil
}
