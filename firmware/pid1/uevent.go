// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// A Uevent is what the kernel tells of a device (NETLINK_KOBJECT_UEVENT).
type Uevent struct {
	Action string            // add, remove, change, bind, ...
	Path   string            // below /sys, beginning with /devices
	Env    map[string]string // SUBSYSTEM, MODALIAS, DEVNAME, ...
}

// maxUevent is the most that the kernel writes of one: 2048 bytes of variables, and the
// head (linux/kobject.h, UEVENT_BUFFER_SIZE).
const maxUevent = 8192

// ParseUevent reads a message of the kernel: "ACTION@PATH", then KEY=VALUE, each ended
// by a zero byte.
func ParseUevent(b []byte) (Uevent, error) {
	if len(b) > maxUevent {
		return Uevent{}, fmt.Errorf("message of %d bytes about a device, at most %d are sent", len(b), maxUevent)
	}
	head, rest, ended := bytes.Cut(b, []byte{0})
	action, path, ok := strings.Cut(string(head), "@")
	if !ok || !ended || action == "" || !strings.HasPrefix(path, "/") {
		return Uevent{}, fmt.Errorf("message about a device begins with %.40q, not with ACTION@/PATH", head)
	}
	u := Uevent{Action: action, Path: path, Env: map[string]string{}}
	for len(rest) > 0 {
		var field []byte
		field, rest, _ = bytes.Cut(rest, []byte{0})
		if key, value, ok := strings.Cut(string(field), "="); ok {
			u.Env[key] = value
		}
	}
	return u, nil
}

// Uevents is the kernel's messages about devices.
type Uevents struct{ fd int }

// ListenUevents opens the messages. What happens from now on is in them.
func ListenUevents() (*Uevents, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("listen for devices: %w", err)
	}
	const room = 1 << 20 // at start-up hundreds come at once
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room)
	err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 500_000})
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen for devices: %w", err), unix.Close(fd))
	}
	return &Uevents{fd}, nil
}

// Close ends the messages.
func (u *Uevents) Close() error { return unix.Close(u.fd) }

// Run hands each message to take until ctx ends. missed is called when some were lost:
// whoever keeps account has to look for himself.
func (u *Uevents) Run(ctx context.Context, take func(Uevent), missed func()) error {
	buf := make([]byte, maxUevent+1)
	for ctx.Err() == nil {
		n, from, err := unix.Recvfrom(u.fd, buf, 0)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOBUFS):
			missed()
			continue
		case err != nil:
			return fmt.Errorf("listen for devices: %w", err)
		}
		// Only the kernel has the id 0; others may send here too.
		if a, ok := from.(*unix.SockaddrNetlink); !ok || a.Pid != 0 {
			continue
		}
		if e, err := ParseUevent(buf[:n]); err == nil {
			take(e)
		}
	}
	return nil
}
