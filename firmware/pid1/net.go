// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// RaiseLoopback switches the loopback interface on, which the kernel leaves off.
func RaiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("switch the loopback interface on: %w", err)
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("lo")
	if err == nil {
		req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		err = unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req)
	}
	if err != nil {
		return fmt.Errorf("switch the loopback interface on: %w", err)
	}
	return nil
}
