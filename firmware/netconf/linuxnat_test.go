// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A network must come up on a kernel that has nothing for packet filters.
func TestAKernelWithoutPacketFiltersHasNoNAT(t *testing.T) {
	for e, want := range map[syscall.Errno]bool{unix.EPROTONOSUPPORT: true, unix.EPERM: true, unix.EINVAL: true, unix.EOPNOTSUPP: true, unix.ENOBUFS: false, unix.EIO: false} {
		if err := fmt.Errorf("netlink: %w", os.NewSyscallError("socket", e)); noTables(err) != want {
			t.Errorf("%v counts as a kernel without: %t, want %t", err, !want, want)
		}
	}
	if noTables(nil) {
		t.Error("no error counts as one")
	}
}
