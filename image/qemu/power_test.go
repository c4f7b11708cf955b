// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"evener/image/slot"
)

// logsIn brings the serial dialogue to its menu with the rights of the administrator,
// wherever it was.
func (p *person) logsIn() {
	p.t.Helper()
	for which := 1; which != 0; {
		p.expect(`(?s).*`) // what came before counts as read
		p.send("\r")
		if which, _ = p.expect("[nN]umber, Enter for the menu, l to log in", "admin: number, Enter", "Press Enter for the menu"); which == 1 {
			return
		}
		if which == 2 {
			p.pause()
		}
	}
	p.send("l\r")
	p.answer("Administrator", p.user.User)
	p.answer("Password", p.user.Password)
	p.expect("admin: number, Enter")
}

// restartsInOrder has the serial dialogue reboot the box.
func (p *person) restartsInOrder() {
	p.t.Helper()
	before := p.Resets()
	p.logsIn()
	p.send("15\r") // Reboot or power off
	p.answer("Which", "1")
	p.answer("Type reboot", "reboot")
	if err := p.WaitReset(p.ctx, before+1); err != nil {
		p.t.Fatal(err)
	}
	if e := p.happened("RESET"); e.Data["reason"] != "guest-reset" {
		p.t.Errorf("the machine began anew by %v, want its own order", e.Data)
	}
}

// happened returns the last event of a name.
func (b *box) happened(name string) (last Event) {
	for _, e := range b.Events() {
		if e.Name == name {
			last = e
		}
	}
	return last
}

// goesOff waits for the end of a machine that was told to end, and returns what the box
// has logged up to then. Its file systems must be as whole as if nobody had ever written
// to them.
func (b *box) goesOff() string {
	b.t.Helper()
	if err := b.Wait(b.ctx); err != nil {
		b.t.Fatal(err)
	}
	if e := b.happened("SHUTDOWN"); e.Data["reason"] != "guest-shutdown" {
		b.t.Errorf("the machine went off by %v, want its own order", e.Data)
	}
	image := filepath.Join(b.t.TempDir(), "off.img")
	if err := Flatten(b.ctx, b.Disk(), image); err != nil {
		b.t.Fatal(err)
	}
	defer os.Remove(image) // room for the others
	d, err := slot.View(image)
	if err != nil {
		b.t.Fatal(err)
	}
	state, _ := d.Partition(slot.LabelState)
	data, _ := d.Partition(slot.LabelData)
	if err := errors.Join(d.Close(), unmounted(image, state), unmounted(image, data)); err != nil {
		b.t.Error(err)
	}
	text, err := exec.CommandContext(b.ctx, "debugfs", "-R", "cat /evener/log/box.log", fmt.Sprintf("%s?offset=%d", image, data.Start)).Output()
	if err != nil {
		b.t.Fatalf("read the log of the box: %v", err)
	}
	return string(text)
}

// unmounted looks for a journal that the next start would have to replay (Linux
// Documentation/filesystems/ext4/super.rst).
func unmounted(image string, p slot.Partition) error {
	f, err := os.Open(image)
	if err != nil {
		return err
	}
	defer f.Close()
	super := make([]byte, 1024)
	if _, err := f.ReadAt(super, p.Start+1024); err != nil {
		return err
	}
	const magic, clean, recovery = 0xef53, 1, 4
	le := binary.LittleEndian
	if le.Uint16(super[0x38:]) != magic || le.Uint16(super[0x3a:]) != clean || le.Uint32(super[0x60:])&recovery != 0 {
		return fmt.Errorf("%s was not unmounted: magic %#x, state %#x, features %#x", p.Label,
			le.Uint16(super[0x38:]), le.Uint16(super[0x3a:]), le.Uint32(super[0x60:]))
	}
	return nil
}

// endsTold looks in the log of a box for its ends, in order.
func endsTold(t *testing.T, log string, fates ...string) {
	t.Helper()
	var told []string
	for line := range strings.Lines(log) {
		if _, fate, ok := strings.Cut(line, `msg="machine ends" role=init fate=`); ok {
			told = append(told, strings.TrimSpace(fate))
		}
	}
	if strings.Join(told, " ") != strings.Join(fates, " ") {
		t.Errorf("the log tells of the ends %q, want %q; its end:\n%s", told, fates, tail(log))
	}
}
