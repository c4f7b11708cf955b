// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"evener/firmware/manage"
)

// mirrorLeave is how long a mirror that ends may take to say goodbye.
const mirrorLeave = 2 * time.Second

// A mirrorRun is the engine's mirror while it runs.
type mirrorRun struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// runMirror mirrors with the box's peers until ctx ends or endMirror is called.
func (e *engine) runMirror(ctx context.Context, box *manage.Box) {
	ctx, cancel := context.WithCancel(ctx)
	e.mirroring = mirrorRun{cancel, make(chan struct{})}
	e.run1(ctx, "mirror", func(ctx context.Context) error {
		defer close(e.mirroring.done)
		return e.mirror.Run(ctx)
	})
	e.run1(ctx, "hot standby", box.RunStandby)
}

// endMirror ends the mirror before the store is handed over: another engine goes on
// with the listener, and peers come again.
func (e *engine) endMirror() {
	if e.mirroring.cancel == nil {
		return
	}
	e.mirroring.cancel()
	select {
	case <-e.mirroring.done:
	case <-time.After(mirrorLeave):
		e.log.Warn("mirror has not ended in time")
	}
}

// follow tells the balancer which failover groups are active on this box.
func (e *engine) follow(active map[string]bool) error {
	e.balancer.Follow(active)
	if e.sockets.serves == nil {
		return nil
	}
	return e.balancer.Rebind()
}
