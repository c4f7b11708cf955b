// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"testing"
	"time"
)

func TestImageBoots(t *testing.T) {
	for _, c := range []struct {
		name, board string
		cfg         Config
	}{
		{"bios", "qemu-x86_64", Config{Firmware: BIOS}},
		{"uefi", "qemu-x86_64", Config{Firmware: UEFI}},
		{"arm64", "qemu-aarch64", Config{Arch: "arm64"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.Disk = imageOf(t, c.board, ".img")
			c.cfg.NICs = []NIC{{Forward: []int{9443}}}
			b := boot(t, nil, c.cfg)
			b.expect("This box has no administrator yet")
			t.Logf("%s: set-up asked for %.1f s after the reset", c.name, time.Since(b.Began()).Seconds())
		})
	}
}
