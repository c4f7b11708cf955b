// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"os"
	"os/signal"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// strangerGrace is how long a dead child that is not a role is left alone.
// It may have been started by other code of this process, which waits for it by
// itself; only what stays dead for so long has no one to wait for it.
const strangerGrace = 200 * time.Millisecond

// reapStrangers waits for children that this process has inherited, as PID 1
// must, without taking the status of a child from whoever waits for it. It
// returns a function that ends it.
func (k *children) reapStrangers() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	go func() {
		defer close(done)
		defer signal.Stop(died)
		for seen := 0; ; {
			pid := k.peekStranger()
			if pid != 0 && pid == seen {
				_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
				pid = k.peekStranger() // there may be another behind it
			}
			seen = pid
			var again <-chan time.Time
			if seen != 0 {
				again = time.After(strangerGrace)
			}
			select {
			case <-again:
			case <-died:
				if seen != 0 {
					time.Sleep(strangerGrace)
				}
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

// peekStranger returns the id of a dead child that is not ours, or 0.
func (k *children) peekStranger() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	// waitid(2) fills a siginfo_t; after its three integers and, on 64-bit
	// machines, their padding comes si_pid.
	var info unix.Siginfo
	err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	if err != nil {
		return 0
	}
	const pidOffset = 12 + (unsafe.Sizeof(uintptr(0)) - 4)
	pid := int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), pidOffset)))
	if k.pids[pid] {
		return 0
	}
	return pid
}
