// SPDX-License-Identifier: Apache-2.0

package lcd

import "sync"

// keyRoom is how many events wait for a reader. More than a person can press
// before he looks up; a key that is held or stuck must not fill memory.
const keyRoom = 16

// A keyQueue hands key events on. It never waits: without a reader the oldest
// event is dropped, so that the last, a release perhaps, always arrives.
type keyQueue struct {
	mu     sync.Mutex // guards the sending side
	c      chan KeyEvent
	closed bool
}

func newKeyQueue() *keyQueue {
	return &keyQueue{c: make(chan KeyEvent, keyRoom)}
}

func (q *keyQueue) put(events ...KeyEvent) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	for _, e := range events {
		for sent := false; !sent; {
			select {
			case q.c <- e:
				sent = true
			default:
				select {
				case <-q.c:
				default:
				}
			}
		}
	}
}

// tap is a press that is reported without a release.
func (q *keyQueue) tap(k Key) {
	q.put(KeyEvent{k, true}, KeyEvent{k, false})
}

// close ends the queue. It may be called again.
func (q *keyQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.c)
	}
}
