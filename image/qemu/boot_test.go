// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"testing"
	"time"
)

// TestImageBoots boots as far as the question for a set-up. Of BIOS the other tests
// boot enough.
func TestImageBoots(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, board string
		cfg         Config
	}{
		{"uefi", "qemu-x86_64", Config{Firmware: UEFI}},
		{"arm64", "qemu-aarch64", Config{Arch: "arm64"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.cfg.Disk = imageOf(t, c.board, ".img")
			c.cfg.NICs = []NIC{{Forward: []int{9443}}}
			b := boot(t, nil, c.cfg)
			b.enter()
			t.Logf("%s: set-up asked for %.1f s after the reset", c.name, time.Since(b.Began()).Seconds())
		})
	}
}
