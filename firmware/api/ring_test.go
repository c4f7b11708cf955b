// SPDX-License-Identifier: Apache-2.0

package api

import "sync"

// A Ring keeps the newest entries of a log in memory and numbers them.
type Ring[T any] struct {
	mu   sync.Mutex // guards what follows
	kept []T        // entry n is at (n-1) % len(kept)
	last uint64
}

// NewRing returns a Ring for size entries.
func NewRing[T any](size int) *Ring[T] { return &Ring[T]{kept: make([]T, size)} }

// Append keeps v in place of the oldest entry and returns its number.
func (r *Ring[T]) Append(v T) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept[r.last%uint64(len(r.kept))] = v
	r.last++
	return r.last
}

// Read returns the entries after a sequence number that keep says yes to, at
// most as many as most.
func (r *Ring[T]) Read(after uint64, most int, keep func(T) bool) Batch[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := Batch[T]{First: r.last + 1 - min(r.last, uint64(len(r.kept)))}
	b.Last = min(max(after, b.First-1), r.last)
	for b.Last < r.last && len(b.Entries) < most {
		v := r.kept[b.Last%uint64(len(r.kept))]
		b.Last++
		if keep(v) {
			b.Entries = append(b.Entries, Entry[T]{b.Last, v})
		}
	}
	return b
}
