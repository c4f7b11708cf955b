// SPDX-License-Identifier: Apache-2.0

package serial

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// selectLimit is how many descriptors select(2) can watch (FD_SETSIZE).
const selectLimit = 1024

// Open opens the line at path, takes the lock of it and sets its speed. The
// error wraps ErrBusy, ErrSick, ErrDescriptor, ErrNotSerial or, for a path that is not
// there, fs.ErrNotExist.
func Open(path string, cfg Config) (Port, error) {
	if !slices.Contains(speeds, cfg.Speed) {
		return nil, fmt.Errorf("open %s: speed must be one of %v, not %d", path, speeds, cfg.Speed)
	}
	if cfg.ReadTimeout == 0 {
		cfg.ReadTimeout = 250 * time.Millisecond
	}
	if cfg.WriteTimeout <= 0 {
		cfg.WriteTimeout = 2 * time.Second
	}
	lock, err := openLock(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	err = prompt(settleTime, func() error { return settle(lock) })
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	p, err := openLocked(path, cfg)
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	p.lock = lock
	return p, nil
}

// openLock opens the device once more, only to lock it: the lock must be held
// before the library changes the line's settings, and goes with the process
// whatever becomes of it.
func openLock(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	switch {
	case err == unix.EBUSY:
		return nil, fmt.Errorf("%w by another process", ErrBusy)
	case err == unix.EIO || err == unix.ENXIO || err == unix.ENODEV:
		return nil, fmt.Errorf("no device behind it: %w", err)
	case err != nil:
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	if err := checkLock(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// settleTime is how long a line may take to have its settings written. Lines that
// need longer are sick, such as a USB adapter that answers no more: nobody can be
// started while the library opens them.
const settleTime = time.Second

// settle writes the settings of the line as they are, which talks to the device
// as changing them does.
func settle(f *os.File) error {
	fd := int(f.Fd())
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

// prompt runs f, and refuses what took longer than it may.
func prompt(limit time.Duration, f func() error) error {
	begun := time.Now()
	err := f()
	if took := time.Since(begun); err == nil && took > limit {
		return fmt.Errorf("%w: its settings took %v, %v at most are allowed", ErrSick, took.Round(time.Millisecond), limit)
	}
	return err
}

func checkLock(f *os.File) error {
	fd := int(f.Fd())
	if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err != nil {
		return ErrNotSerial
	}
	if err := checkDescriptor(fd); err != nil {
		return err
	}
	err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("%w: somebody holds its lock", ErrBusy)
	}
	return err
}

// checkDescriptor refuses what select(2) cannot watch.
func checkDescriptor(fds ...int) error {
	for _, fd := range fds {
		if fd >= selectLimit {
			return fmt.Errorf("%w: it would be %d; open the line before the process has so many files",
				ErrDescriptor, fd)
		}
	}
	return nil
}

// openLocked opens the line with the library. No child process can start
// meanwhile, so that none inherits descriptors that are not yet marked.
func openLocked(path string, cfg Config) (*port, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	lib, err := serial.Open(path, &serial.Mode{BaudRate: cfg.Speed})
	if err != nil {
		return nil, openError(err)
	}
	fds, err := descriptors(lib)
	if err == nil {
		err = checkDescriptor(fds...)
	}
	if err != nil {
		lib.Close()
		return nil, err
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
	}
	// The library made it blocking again; a blocked write could not be ended.
	if err := unix.SetNonblock(fds[0], true); err != nil {
		lib.Close()
		return nil, err
	}
	return &port{lib: lib, fd: fds[0], speed: cfg.Speed,
		readTimeout: cfg.ReadTimeout, writeTimeout: cfg.WriteTimeout}, nil
}

func openError(err error) error {
	var pe *serial.PortError
	if !errors.As(err, &pe) {
		return err
	}
	switch pe.Code() {
	case serial.PortBusy:
		return fmt.Errorf("%w by another process", ErrBusy)
	case serial.InvalidSerialPort:
		return fmt.Errorf("%w: %v", ErrNotSerial, err)
	}
	return err
}
