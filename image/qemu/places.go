// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// MaxGuests is how many guests run at once on a machine.
const MaxGuests = 2

// Places are leave to run guests. They are files that are locked, so that all
// processes of a machine share them, and one that dies gives its places back. A
// guest keeps the locks of its starter too: a place is free when its guest is
// gone.
type Places struct {
	files []*os.File
}

// Take waits until n places are free. Whoever asks first gets them first, so that
// one who needs two is not kept waiting by those who need one.
func Take(ctx context.Context, n int) (*Places, error) { return take(ctx, os.TempDir(), n) }

func take(ctx context.Context, dir string, n int) (*Places, error) {
	if n < 1 || n > MaxGuests {
		return nil, fmt.Errorf("there are places for 1 to %d guests, not for %d", MaxGuests, n)
	}
	gate, err := waitLock(ctx, dir, "gate")
	if err != nil {
		return nil, err
	}
	defer gate.Close()
	p := &Places{}
	for len(p.files) < n {
		f, err := waitLock(ctx, dir, "1", "2")
		if err != nil {
			p.Free()
			return nil, err
		}
		p.files = append(p.files, f)
	}
	return p, nil
}

// waitLock locks the first of the files that is not locked, when there is one.
func waitLock(ctx context.Context, dir string, names ...string) (*os.File, error) {
	for {
		for _, name := range names {
			f, err := tryLock(filepath.Join(dir, "evener-qemu-"+name+".lock"))
			if f != nil || err != nil {
				return f, err
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for a place for a guest (there are %d on this machine): %w", MaxGuests, context.Cause(ctx))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// tryLock returns nil if somebody else has the lock. Everyone may have it: the
// folder for temporary files may be another user's.
func tryLock(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
	case nil:
		return f, nil
	case unix.EWOULDBLOCK, unix.EINTR:
		f.Close()
		return nil, nil
	default:
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
}

// Free gives the places back. Guests that still run keep theirs.
func (p *Places) Free() {
	for _, f := range p.files {
		f.Close()
	}
	p.files = nil
}
