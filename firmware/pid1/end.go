// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// An ender ends file systems and processes.
type ender interface {
	mounter
	Unmount(target string) error
	Kill(pid int, sig unix.Signal) error
}

// Kill is kill(2).
func (Kernel) Kill(pid int, sig unix.Signal) error { return unix.Kill(pid, sig) }

// Unmount ends the use of the volumes before the machine ends: what still runs is
// asked to end and then killed, within grace; then each target is unmounted, or, where
// something holds it, made read-only, so that its journal is whole.
func Unmount(k ender, root string, grace time.Duration, log *slog.Logger, targets ...string) error {
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		left := processes(root)
		if len(left) == 0 {
			break
		}
		for _, pid := range left {
			_ = k.Kill(pid, sig) // it may have ended
		}
		for end := time.Now().Add(grace / 2); len(processes(root)) > 0 && time.Now().Before(end); {
			time.Sleep(20 * time.Millisecond)
		}
	}
	var bad []string
	for _, t := range targets {
		there, err := mounted(root, t)
		if err == nil && !there {
			continue
		}
		if err = k.Unmount(t); err == nil {
			continue
		}
		log.Warn("file system not unmounted", "target", t, "err", err)
		if err := k.Mount("", t, "", unix.MS_REMOUNT|unix.MS_RDONLY|closed|unix.MS_NOATIME, ""); err != nil {
			bad = append(bad, fmt.Sprintf("%s (%v)", t, err))
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("neither unmounted nor made read-only: %v", bad)
	}
	return nil
}

// processes lists those that could hold a file: all but this one and the kernel's
// threads, which have no program.
func processes(root string) (pids []int) {
	list, err := os.ReadDir(filepath.Join(root, "proc"))
	if err != nil {
		return nil
	}
	for _, e := range list {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if text := read(filepath.Join(root, "proc", e.Name(), "cmdline")); text != "" {
			pids = append(pids, pid)
		}
	}
	return pids
}
