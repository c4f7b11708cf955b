// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"strings"
	"testing"

	"evener/hal/lcd/lcdtest"
)

// TestBoxGoesBackFromAVersionThatFailsItsSelfTest loses the only origin while it starts
// the new version, which then serves less than the one before. The version comes from a
// USB stick, and the panel switches the box off at the end.
func TestBoxGoesBackFromAVersionThatFailsItsSelfTest(t *testing.T) {
	t.Parallel()
	needs(t, "qemu-img", "mke2fs", "debugfs")
	r := releaseOf(t, "amd64")
	b := boot(t, nil, oneNIC(Config{Disk: imageOf(t, "qemu-x86_64", ".img"), Panel: true, USB: true}))
	g := &glass{emu: lcdtest.NewCFA("cfa635")}
	go g.serve(b.Panel())
	p := setUp(b)
	origin := anOrigin(t, "hello from an origin")
	p.publish(`upgrade { limit = "30s" }`, origin)
	p.serves("hello from an origin")
	p.updatedFromSticks(r, "9.4.0")
	p.sudo()
	p.must("upgrade.activate", map[string]any{"slot": "B", "reboot": false}, nil)
	origin.Close()
	if err := p.Reset(p.ctx); err != nil {
		t.Fatal(err)
	}
	p.expect("Evener: slot B")
	if err := p.WaitReset(p.ctx, 2); err != nil { // by itself
		t.Fatal(err)
	}
	p.expect("Evener: slot A")
	s := p.upgrades()
	got := s.Reason("fell_back")
	if s.Running.Slot != "A" || !strings.Contains(got, "the self-test did not pass") || !strings.Contains(got, "servers: ") {
		t.Errorf("slot %s runs, because %q; want A, because of the servers in the self-test", s.Running.Slot, got)
	}
	g.switchesOff(p.box)
	endsTold(t, p.goesOff(), "reboots", "halts") // not that of the reset
}
