// SPDX-License-Identifier: Apache-2.0

package watchdog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A char is a character device of the kernel's watchdog API.
type char struct{ f *os.File }

// Open opens and so arms the watchdog at path, such as /dev/watchdog0.
func Open(path string) (Device, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.EBUSY):
		return nil, fmt.Errorf("open %s: another program has it, such as systemd or a watchdog daemon", path)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("open %s: there is none; is the driver's module loaded?: %w", path, err)
	case err != nil:
		return nil, err
	}
	return &char{f}, nil
}

// info is struct watchdog_info.
type info struct {
	options, firmware uint32
	identity          [32]byte
}

// Adopt takes over a watchdog that another program has armed and left open.
func Adopt(f *os.File) Device { return &char{f} }

func (c *char) Support() (Support, error) {
	var i info
	if err := c.ioctl(unix.WDIOC_GETSUPPORT, unsafe.Pointer(&i)); err != nil {
		return Support{}, err
	}
	name, _, _ := bytes.Cut(i.identity[:], []byte{0})
	return Support{string(name), i.firmware, i.options}, nil
}

func (c *char) BootStatus() (uint32, error) {
	n, err := c.number(unix.WDIOC_GETBOOTSTATUS, 0)
	return uint32(n), err
}

func (c *char) SetTimeout(seconds int) (int, error) { return c.number(unix.WDIOC_SETTIMEOUT, seconds) }
func (c *char) Timeout() (int, error)               { return c.number(unix.WDIOC_GETTIMEOUT, 0) }
func (c *char) TimeLeft() (int, error)              { return c.number(unix.WDIOC_GETTIMELEFT, 0) }

func (c *char) KeepAlive() error {
	_, err := c.number(unix.WDIOC_KEEPALIVE, 0)
	return err
}

// Close writes the magic V, without which the kernel goes on counting.
func (c *char) Close(stop bool) error {
	var err error
	if stop {
		_, err = c.f.Write([]byte{'V'})
	}
	return errors.Join(err, c.f.Close())
}

// number runs an ioctl that gives and takes an int.
func (c *char) number(req uint, n int) (int, error) {
	v := int32(n)
	err := c.ioctl(req, unsafe.Pointer(&v))
	return int(v), err
}

func (c *char) ioctl(req uint, arg unsafe.Pointer) error {
	raw, err := c.f.SyscallConn()
	if err != nil {
		return err
	}
	var no unix.Errno
	err = raw.Control(func(fd uintptr) {
		_, _, no = unix.Syscall(unix.SYS_IOCTL, fd, uintptr(req), uintptr(arg))
	})
	if err == nil && no != 0 {
		err = no
	}
	return err
}
