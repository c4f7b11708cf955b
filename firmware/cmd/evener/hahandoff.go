// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"evener/ha"
	"evener/ha/handoff"
)

// haKept lists the addresses that the role keeps for connections from before a switch.
func haKept(state string) string { return filepath.Join(haDir(state), "handoff.kept") }

// A haHandoff is the role's side of handing connections off.
type haHandoff struct {
	box *handoff.Box // nil: nothing is handed off
	why string       // in that case
	end func()
}

// openHandoff takes away what an earlier process has kept, and begins.
func (r *haRole) openHandoff() *haHandoff {
	if r.lan != "" {
		return &haHandoff{why: "the network is simulated", end: func() {}}
	}
	box := handoff.New(r.log, haKept(r.state))
	if err := box.Clear(); err != nil {
		r.log.Error("addresses kept for connections not dropped", "err", err)
	}
	h := &haHandoff{box: box}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := box.Run(ctx); err != nil {
			r.log.Error("addresses kept for connections not dropped", "err", err)
		}
	})
	h.end = func() { cancel(); wg.Wait() }
	return h
}

// into has a runner hand connections off where this machine can.
func (h *haHandoff) into(c *ha.Config, log *slog.Logger) {
	if h.box != nil {
		if err := handoff.Supported(); err != nil {
			h.box, h.why = nil, err.Error()
			log.Warn("connections end with a planned switch", "err", err)
		}
	}
	if c.HandoffWhy = h.why; h.box != nil {
		c.Handoff = h.box
	}
}

// mayHandOff says whether this process may give the role the right to load programs
// into the kernel. In some containers it may not.
func mayHandOff() bool {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&head, &data[0]); err != nil {
		return false
	}
	return data[unix.CAP_BPF/32].Permitted&(1<<(unix.CAP_BPF%32)) != 0
}

// cleanKept drops what the role has kept for connections.
func (c *haCleaner) cleanKept() {
	if err := handoff.New(c.log, haKept(c.state)).Clear(); err != nil {
		c.log.Error("addresses kept for connections not dropped", "err", err)
	}
}
