// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A mounter mounts file systems.
type mounter interface {
	Mount(source, target, fstype string, flags uintptr, data string) error
}

// A mount is one file system that every box has.
type mount struct {
	source, target, fstype string
	flags                  uintptr
	data                   string
	optional               bool // a kernel may be built without
}

const closed = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// base are the file systems, in order. What writes into memory has a limit: a box
// must not run out of it because something writes files. The files of /run are small,
// /tmp holds what is being put together for somebody.
var base = []mount{
	{"proc", "/proc", "proc", closed, "", false},
	{"sysfs", "/sys", "sysfs", closed, "", false},
	{"devtmpfs", "/dev", "devtmpfs", unix.MS_NOSUID | unix.MS_NOEXEC, "mode=0755", false},
	{"devpts", "/dev/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "gid=0,mode=0600,ptmxmode=0666", false},
	{"run", "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=0755,size=16m", false},
	{"tmp", "/tmp", "tmpfs", closed, "mode=1777,size=25%", false},
	{"var", "/var", "tmpfs", closed, "mode=0755,size=16m", false},
	{"securityfs", "/sys/kernel/security", "securityfs", closed, "", true},
}

// MountBase mounts what every box needs and what is not mounted yet: /proc, /sys,
// /dev, /run and others. It goes on after a failure.
func MountBase(root string, k mounter) error {
	var errs []error
	for _, m := range base {
		target := filepath.Join(root, m.target)
		there, err := mounted(root, m.target)
		if err != nil && m.target != "/proc" { // where it is told is mounted first
			return errors.Join(append(errs, err)...)
		}
		if there {
			continue
		}
		if strings.HasPrefix(m.target, "/dev/") {
			if err := os.MkdirAll(target, 0o755); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		err = k.Mount(m.source, target, m.fstype, m.flags, m.data)
		switch {
		case errors.Is(err, unix.EBUSY): // devtmpfs that the kernel has mounted by itself
		case m.optional && (errors.Is(err, unix.ENODEV) || errors.Is(err, os.ErrNotExist)):
		case err != nil:
			errs = append(errs, fmt.Errorf("mount %s on %s: %w", m.fstype, m.target, err))
		}
	}
	return errors.Join(errs...)
}

// mounted reports whether something is mounted at target.
func mounted(root, target string) (bool, error) {
	text, err := os.ReadFile(filepath.Join(root, "proc/self/mountinfo"))
	if err != nil {
		return false, fmt.Errorf("what is mounted: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		// 36 35 98:0 /mnt1 /mnt2 rw,noatime ...: the fifth is where (proc(5))
		if f := strings.Fields(line); len(f) > 4 && f[4] == target {
			return true, nil
		}
	}
	return false, nil
}
