// SPDX-License-Identifier: Apache-2.0

package tlsconn

// A worker is a goroutine that runs one handshake after the other. A handshake
// needs a deep stack, and growing one costs about 15 µs beside the 200 of a
// handshake with ECDSA P-256 and X25519.
type worker struct {
	// wake brings a new handshake while the worker is idle, and the one that it
	// runs while that is parked. Its one place is free whenever something is
	// sent: a worker is either idle, or has one handshake, which has one wake-up.
	wake chan *handshake
}

// maxIdle bounds the idle workers: 2 MiB of stacks.
const maxIdle = 64

// resume lets h use the slot that it was given. g.mu is held.
func (g *Gate) resume(h *handshake) {
	if h.worker == nil {
		h.worker = g.takeWorker()
	}
	h.worker.wake <- h
}

// takeWorker returns the worker that became idle last, or a new one. g.mu is held.
func (g *Gate) takeWorker() *worker {
	if n := len(g.idle); n > 0 {
		w := g.idle[n-1]
		g.idle[n-1] = nil
		g.idle = g.idle[:n-1]
		return w
	}
	w := &worker{wake: make(chan *handshake, 1)}
	g.group.Go(w.run)
	return w
}

// rest makes w idle, or ends it. g.mu is held.
func (g *Gate) rest(w *worker) {
	if g.closed || len(g.idle) >= maxIdle {
		close(w.wake)
		return
	}
	g.idle = append(g.idle, w)
}

func (w *worker) run() {
	for h := range w.wake {
		h.run()
	}
}
