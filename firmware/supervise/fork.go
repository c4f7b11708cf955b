// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// program returns the name by which the child runs exe. A child of another user
// may not have the right to reach the file: it may lie in a folder of ours. It
// gets the file itself, opened by us.
func program(exe string, r Role) (name string, release func(), err error) {
	if r.Credential == nil {
		return exe, func() {}, nil
	}
	fd, err := unix.Open(exe, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil, fmt.Errorf("start %s: %w", exe, err)
	}
	defer unix.Close(fd)
	// Above the descriptors that the child is given, which are put in place
	// before it looks here.
	const above = 16
	high, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, above)
	if err != nil {
		return "", nil, fmt.Errorf("start %s: %w", exe, err)
	}
	return "/proc/self/fd/" + strconv.Itoa(high), func() { _ = unix.Close(high) }, nil
}

// fork starts a program with what belongs to a thread and is inherited: no new
// privileges, the bounding set and the nice value. They are given to a thread that does nothing
// else and ends with its goroutine, so that they do not stay with us.
func fork(r Role, file string, args []string, attr *syscall.ProcAttr) (pid int, err error) {
	if !r.NoNewPrivs && !r.Bound && r.Nice == 0 {
		return syscall.ForkExec(file, args, attr)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked
		if pid, err = 0, prepare(r); err == nil {
			pid, err = syscall.ForkExec(file, args, attr)
		}
	}()
	<-done
	return pid, err
}

// prepare gives the thread that calls it what r is to inherit.
func prepare(r Role) error {
	if r.NoNewPrivs {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("forbid new privileges: %w", err)
		}
	}
	if r.Bound {
		if err := bound(r.AmbientCaps); err != nil {
			return fmt.Errorf("bound the capabilities: %w", err)
		}
	}
	if r.Nice != 0 {
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, r.Nice); err != nil {
			return fmt.Errorf("set the nice value to %d: %w", r.Nice, err)
		}
	}
	return nil
}

// bound takes all capabilities that the kernel knows but those of keep from the
// bounding set of the thread that calls it.
func bound(keep []uintptr) error {
	for c := uintptr(0); ; c++ {
		has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, c, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) && c > 0 {
			return nil // that was the last one
		}
		if err == nil && has == 1 && !slices.Contains(keep, c) {
			err = unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		}
		if err != nil {
			return err
		}
	}
}
