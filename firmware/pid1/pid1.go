// SPDX-License-Identifier: Apache-2.0

// Package pid1 does what the first process of a machine owes it, besides reaping
// children: file systems, devices and their modules, entropy, the clock, settings of
// the kernel, the partitions for state and data, and the orderly end.
//
// It decides and reports; it asks the kernel through interfaces of one to three
// methods, which [Kernel] fills, and every path lies below a root, so that all of it
// can be tried without rights. It does not know what an image, a slot or a partition
// table is, nor which programs the box runs: whoever starts the box hands that in.
//
// Nothing here gives up the box. What cannot be done is an [Alarm] for people, and
// the box goes on with less: without state in memory, for one.
package pid1

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Kernel is the real one. Its methods need root.
type Kernel struct{}

// Mount is mount(2).
func (Kernel) Mount(source, target, fstype string, flags uintptr, data string) error {
	return unix.Mount(source, target, fstype, flags, data)
}

// Unmount is umount2(2) without flags.
func (Kernel) Unmount(target string) error { return unix.Unmount(target, 0) }

// SetHostname is sethostname(2).
func (Kernel) SetHostname(name string) error { return unix.Sethostname([]byte(name)) }

// SetClock sets the clock of the system.
func (Kernel) SetClock(t time.Time) error {
	tv := unix.NsecToTimeval(t.UnixNano())
	return unix.Settimeofday(&tv)
}

// ReadRTC asks the hardware clock at path, such as /dev/rtc0, which counts in UTC.
func (Kernel) ReadRTC(path string) (time.Time, error) {
	f, err := os.Open(path)
	if err != nil {
		return time.Time{}, err
	}
	defer f.Close()
	t, err := unix.IoctlGetRTCTime(int(f.Fd()))
	if err != nil {
		return time.Time{}, fmt.Errorf("read %s: %w", path, err)
	}
	return time.Date(int(t.Year)+1900, time.Month(t.Mon+1), int(t.Mday), int(t.Hour), int(t.Min), int(t.Sec), 0, time.UTC), nil
}

// WriteRTC sets the hardware clock at path, to the second.
func (Kernel) WriteRTC(path string, t time.Time) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	t = t.UTC().Round(time.Second)
	rtc := unix.RTCTime{Year: int32(t.Year() - 1900), Mon: int32(t.Month() - 1), Mday: int32(t.Day()),
		Hour: int32(t.Hour()), Min: int32(t.Minute()), Sec: int32(t.Second())}
	if err := unix.IoctlSetRTCTime(int(f.Fd()), &rtc); err != nil {
		return fmt.Errorf("set %s: %w", path, err)
	}
	return nil
}

// AddEntropy mixes seed into the kernel's generator and credits it with bits
// (random(4), RNDADDENTROPY).
func (Kernel) AddEntropy(seed []byte, bits int) error {
	f, err := os.OpenFile("/dev/urandom", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if len(seed) > maxSeed {
		return fmt.Errorf("add entropy: %d bytes, at most %d go at once", len(seed), maxSeed)
	}
	var pool struct {
		bits, size int32
		data       [maxSeed]byte
	}
	pool.bits, pool.size = int32(bits), int32(copy(pool.data[:], seed))
	if _, _, no := unix.Syscall(unix.SYS_IOCTL, f.Fd(), unix.RNDADDENTROPY, uintptr(unsafe.Pointer(&pool))); no != 0 {
		return fmt.Errorf("add entropy: %w", no)
	}
	return nil
}

// Random fills b from the kernel's generator. It fails with unix.EAGAIN while that
// has not gathered enough.
func (Kernel) Random(b []byte) error {
	n, err := unix.Getrandom(b, unix.GRND_NONBLOCK)
	if err == nil && n < len(b) {
		err = errors.New("the kernel gave less random bytes than asked for")
	}
	return err
}

// Run runs a program and returns what it says and how it ended: an exit status that
// is not 0 is no error here. ctx ends it.
func (Kernel) Run(ctx context.Context, name string, args ...string) (out string, status int, err error) {
	text, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if e, ok := errors.AsType[*exec.ExitError](err); ok && ctx.Err() == nil && e.Exited() {
		return string(text), e.ExitCode(), nil
	}
	return string(text), 0, err
}
