// SPDX-License-Identifier: Apache-2.0

package blackbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Config says how much is kept. A zero field takes the default named beside it.
type Config struct {
	Slots int           // 1024: 2 MiB, about 15 minutes
	Sync  time.Duration // 5s: between two orders to the disk
}

// crashes is how many recordings of crashes are kept aside: more of them follow each
// other, and the first tells most.
const crashes = 3

// A Recorder writes a recording.
type Recorder struct {
	cfg Config
	log *slog.Logger

	mu    sync.Mutex // guards all below
	f     *os.File   // nil: closed
	lock  *os.File
	seq   uint64 // of the next frame
	slot  [slotSize]byte
	dirty bool
	err   error // of the last write
}

// CrashFile returns the name of the n-th recording of a crash beside the file called
// name, counted from 0, the latest.
func CrashFile(name string, n int) string { return fmt.Sprintf("%s.crash.%d", name, n) }

// ErrLocked says that another process records into the file.
var ErrLocked = errors.New("another process records into the black box")

// lockFile locks the file beside name, for as long as what it returns is open.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Open goes on with the file called name, and makes it if it is not there. Where its
// last recording was that of a crash, crashed is true and [CrashFile] has it. While
// another process records into it, the error is ErrLocked.
func Open(name string, cfg Config, log *slog.Logger) (r *Recorder, crashed bool, err error) {
	if cfg.Slots == 0 {
		cfg.Slots = 1024
	}
	if cfg.Sync == 0 {
		cfg.Sync = 5 * time.Second
	}
	r = &Recorder{cfg: cfg, log: log, seq: 1}
	if r.lock, err = lockFile(name); err != nil {
		return nil, false, err
	}
	if crashed, err = r.open(name); err != nil {
		return nil, crashed, errors.Join(err, r.lock.Close())
	}
	return r, crashed, nil
}

// open goes on behind what is there.
func (r *Recorder) open(name string) (crashed bool, err error) {
	old, err := Read(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	if crashed = old.Crashed(); crashed {
		if err := keepCrash(name); err != nil {
			return true, err
		}
	}
	if n := len(old.Frames); n > 0 {
		r.seq = old.Frames[n-1].Seq + 1
	}
	if r.f, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return crashed, err
	}
	if err := r.reserve(); err != nil {
		return crashed, errors.Join(fmt.Errorf("make room for the black box: %w", err), r.f.Close())
	}
	return crashed, nil
}

// keepCrash puts a file aside. What crashed before it moves on; the oldest goes.
func keepCrash(name string) error {
	for n := crashes - 1; n > 0; n-- {
		if err := os.Rename(CrashFile(name, n-1), CrashFile(name, n)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return os.Rename(name, CrashFile(name, 0))
}

// reserve gives the file its length, with blocks of the disk behind it where the
// file system can. A ring of another size begins anew.
func (r *Recorder) reserve() error {
	size := int64(r.cfg.Slots) * slotSize
	st, err := r.f.Stat()
	if err != nil {
		return err
	}
	if st.Size() != size {
		if err := r.f.Truncate(0); err != nil {
			return err
		}
	}
	err = unix.Fallocate(int(r.f.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		err = r.f.Truncate(size)
	}
	return errors.Join(err, r.f.Sync())
}

// Add records a frame, whose number and time it sets; a time that is set stays. It
// hands the frame to the kernel and does not wait for the disk. An error is logged
// once and told by Err.
func (r *Recorder) Add(f Frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.f == nil {
		return
	}
	f.Seq = r.seq
	if f.Time.IsZero() {
		f.Time = time.Now()
	}
	err := encode(r.slot[:], f)
	if err == nil {
		_, err = r.f.WriteAt(r.slot[:], int64(r.seq%uint64(r.cfg.Slots))*slotSize)
	}
	if err != nil && r.err == nil {
		r.log.Error("black box not written", "err", err)
	}
	if r.err = err; err == nil {
		r.seq++
		r.dirty = true
	}
}

// Err returns why the last frame was not recorded, nil if it was.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Run tells the disk to keep what was recorded, every few seconds, until ctx ends.
func (r *Recorder) Run(ctx context.Context) error {
	tick := time.NewTicker(r.cfg.Sync)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			r.sync()
		}
	}
}

// sync waits for the disk without holding up who records.
func (r *Recorder) sync() {
	r.mu.Lock()
	f, dirty := r.f, r.dirty
	r.dirty = false
	r.mu.Unlock()
	if f == nil || !dirty {
		return
	}
	if err := unix.Fdatasync(int(f.Fd())); err != nil && !errors.Is(err, unix.EBADF) { // it was closed meanwhile
		r.log.Warn("black box not synced", "err", err)
	}
}

// Close ends the recording in order. Another call does nothing.
func (r *Recorder) Close(why string) error {
	r.Add(Frame{Stop: &Stop{Why: why}})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.f == nil {
		return nil
	}
	f := r.f
	r.f = nil
	return errors.Join(f.Sync(), f.Close(), r.lock.Close())
}
