// SPDX-License-Identifier: Apache-2.0

package early

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"evener/image/kmod"
)

// A Kernel is the real System. Its methods need root.
type Kernel struct{}

// Mount is mount(2).
func (Kernel) Mount(source, target, fstype string, flags uintptr, data string) error {
	return unix.Mount(source, target, fstype, flags, data)
}

// Exec is execve(2).
func (Kernel) Exec(path string, args, env []string) error {
	return fmt.Errorf("start %s: %w", path, unix.Exec(path, args, env))
}

// Reboot starts the machine again.
func (Kernel) Reboot() error {
	unix.Sync()
	return unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
}

// Enter makes dir the root. An initramfs cannot be unmounted, and its files are in
// memory for good unless they are removed; so they are, and the new root is mounted
// over it.
func (Kernel) Enter(dir string, moved []string) error {
	for _, m := range moved {
		if err := unix.Mount(m, filepath.Join(dir, m), "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("move %s: %w", m, err)
		}
	}
	var fs unix.Statfs_t
	if err := unix.Statfs("/", &fs); err == nil && (fs.Type == unix.RAMFS_MAGIC || fs.Type == unix.TMPFS_MAGIC) {
		if err := removeFiles("/", dir); err != nil {
			return fmt.Errorf("free the memory of the initramfs: %w", err)
		}
	}
	if err := unix.Chdir(dir); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move the root: %w", err)
	}
	return errors.Join(unix.Chroot("."), unix.Chdir("/"))
}

// removeFiles removes all below top that lies on its own file system, save the way to
// keep.
func removeFiles(top, keep string) error {
	var st unix.Stat_t
	if err := unix.Lstat(top, &st); err != nil {
		return err
	}
	return removeBelow(top, keep, st.Dev)
}

func removeBelow(dir, keep string, dev uint64) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range list {
		name := filepath.Join(dir, e.Name())
		var st unix.Stat_t
		if err := unix.Lstat(name, &st); err != nil {
			return err
		}
		if name == keep || st.Dev != dev {
			continue
		}
		if e.IsDir() {
			if err := removeBelow(name, keep, dev); err != nil {
				return err
			}
			_ = os.Remove(name) // it may hold what stays
			continue
		}
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// OpenModules opens the loader for the modules of the kernel that runs.
func OpenModules() (Modules, error) {
	l, err := kmod.OpenLoader("/lib/modules")
	if err != nil {
		return nil, err
	}
	return l, nil
}

// A device is a watchdog of the kernel.
type device int

// OpenWatchdog arms the watchdog at path with WatchdogTimeout, or what its driver makes
// of it.
func OpenWatchdog(path string) (Watchdog, error) {
	fd, err := unix.Open(path, unix.O_WRONLY, 0) // not closed by an exec
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	_ = unix.IoctlSetPointerInt(fd, unix.WDIOC_SETTIMEOUT, int(WatchdogTimeout.Seconds())) // it keeps its own
	return device(fd), nil
}

func (d device) Feed() error { return unix.IoctlSetPointerInt(int(d), unix.WDIOC_KEEPALIVE, 0) }

func (d device) Descriptor() int { return int(d) }
