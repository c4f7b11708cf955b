// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// rtPriority is the real-time priority of the thread that advertises. Any is above
// every ordinary thread; kernel threads that deliver packets have 50.
const rtPriority = 20

// realtime binds the calling goroutine to its thread and gives that a real-time
// priority, so that no traffic keeps it from advertising. The thread ends with the
// goroutine. What the thread starts has an ordinary priority.
func realtime() error {
	runtime.LockOSThread()
	err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR,
		Flags: unix.SCHED_FLAG_RESET_ON_FORK, Priority: rtPriority}, 0)
	if errors.Is(err, unix.EPERM) {
		return errors.New("the process may not choose real-time priority: it needs CAP_SYS_NICE")
	}
	if err != nil {
		return fmt.Errorf("choose real-time priority: %w", err)
	}
	return nil
}
