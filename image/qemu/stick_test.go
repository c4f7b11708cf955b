// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// updatedFromSticks plugs in one stick after the other, until one has an update that the
// box takes.
func (p *person) updatedFromSticks(r release, version string) {
	p.t.Helper()
	p.sudo()
	if err := p.ask("upgrade.usb", nil, nil); err == nil || !strings.Contains(err.Error(), noStick) {
		p.t.Errorf("without a stick: %v", err)
	}
	p.plug("holiday", aStick(p.t, map[string][]byte{"holiday.jpg": []byte("no bundle")}))
	if got := p.takesFromStick(); !strings.Contains(got, "no bundle is on a USB stick") {
		p.t.Errorf("of a stick without a bundle: %q", got)
	}
	p.consoleSaysThereIsNoBundle()
	p.pull("holiday")

	_, other, _ := ed25519.GenerateKey(nil) // crypto/rand does not fail
	p.plug("forged", anExt4Stick(p.t, "evener/forged.evb", r.bundle(p.t, version, bytes.Repeat([]byte("f"), 200_000), other, nil)))
	if got := p.takesFromStick(); !strings.Contains(got, "forged.evb") || !strings.Contains(got, "not trusted") {
		p.t.Errorf("of a wrong signature: %q", got)
	}
	p.pull("forged")

	good := aStick(p.t, map[string][]byte{"evener/NEW.EVB": r.bundle(p.t, version, r.Payload, r.Key, nil)})
	p.pulledOutInTheMiddle(good)
	p.takenFrom(good, version)
}

// pulledOutInTheMiddle plugs in a stick that is gone before all of it was read.
func (p *person) pulledOutInTheMiddle(image string) {
	p.t.Helper()
	before := len(p.upgrades().Journal)
	p.plug("early", image)
	if got := p.takesFromStick(); got != "" {
		p.t.Fatalf("the stick is refused: %s", got)
	}
	p.await("some of the stick is read", func() error {
		var u struct{ Progress *struct{ Done int64 } }
		if err := p.ask("upgrade.show", nil, &u); err != nil {
			return err
		}
		if u.Progress == nil || u.Progress.Done == 0 {
			return errNotYet
		}
		return nil
	})
	p.pull("early")
	u := p.written(before)
	if e := u.Journal[0]; e.Event != "refused" || !strings.Contains(e.Reason, "as if it was pulled out") {
		p.t.Errorf("of a stick that was pulled out: %+v", e)
	}
	if u.Running.Slot != "A" || u.Slots[1].State != "empty" {
		p.t.Errorf("afterwards: %+v", u)
	}
}

// takenFrom has the box take the bundle of a stick, which stays as it was.
func (p *person) takenFrom(image, version string) {
	p.t.Helper()
	was, err := os.Stat(image)
	if err != nil {
		p.t.Fatal(err)
	}
	before, begun := len(p.upgrades().Journal), time.Now()
	p.plug("good", image)
	if got := p.takesFromStick(); got != "" {
		p.t.Fatalf("the stick is refused: %s", got)
	}
	if e := p.written(before).Journal[0]; e.Event != "written" || e.Version != version || e.Slot != "B" {
		p.t.Fatalf("of the good stick: %+v", e)
	}
	p.t.Logf("the update was written from the stick in %.0f s", time.Since(begun).Seconds())
	p.pull("good")
	if is, err := os.Stat(image); err != nil || !is.ModTime().Equal(was.ModTime()) {
		p.t.Errorf("the box has written to the stick: %v, %v", is, err)
	}
}

// plug plugs a stick in.
func (p *person) plug(name, image string) {
	p.t.Helper()
	if err := p.Plug(p.ctx, name, image); err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) pull(name string) {
	p.t.Helper()
	if err := p.Pull(p.ctx, name); err != nil {
		p.t.Fatal(err)
	}
}

const noStick = "no USB stick is plugged in"

// takesFromStick has the box take an update from the stick that was just plugged in,
// and returns why it does not.
func (p *person) takesFromStick() (refused string) {
	p.t.Helper()
	p.sudo()
	p.await("the box finds the stick", func() error {
		err := p.ask("upgrade.usb", nil, nil)
		refused = ""
		if err != nil {
			refused = err.Error()
		}
		if strings.Contains(refused, noStick) || err != nil && !errors.Is(err, ErrRefused) {
			return err
		}
		return nil
	})
	return refused
}

// written waits for a line of the journal beyond so many.
func (p *person) written(before int) (u Upgrades) {
	p.t.Helper()
	p.await("the end of the update", func() error {
		u = p.upgrades()
		if u.Progress != nil || len(u.Journal) == before {
			return fmt.Errorf("it goes on: %+v", u.Progress)
		}
		return nil
	})
	return u
}

// consoleSaysThereIsNoBundle tries the stick at the serial console.
func (p *person) consoleSaysThereIsNoBundle() {
	p.t.Helper()
	p.logsIn()
	p.send("18\r") // Firmware
	for which := 1; which != 0; {
		if which, _ = p.expect("Which", "Enter for more"); which == 1 {
			p.send("\r")
		}
	}
	p.send("2\r")
	p.expect(`(?s)no\s+bundle\s+is\s+on\s+a\s+USB\s+stick`)
}

// anExt4Stick makes a USB stick without partitions, as some are.
func anExt4Stick(t testing.TB, path string, data []byte) string {
	t.Helper()
	root, image := t.TempDir(), filepath.Join(t.TempDir(), "ext4.img")
	if err := errors.Join(os.Mkdir(filepath.Join(root, filepath.Dir(path)), 0o755), os.WriteFile(filepath.Join(root, path), data, 0o644)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mke2fs", "-q", "-F", "-t", "ext4", "-L", "STICK", "-d", root, image, "32m").CombinedOutput(); err != nil {
		t.Fatalf("mke2fs: %v: %s", err, out)
	}
	return image
}
