// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"io/fs"
	"os"
	"syscall"
)

// chownLike gives a copy the owner of what it is a copy of. A process that may
// not do so owns both.
func chownLike(f *os.File, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return f.Chown(int(st.Uid), int(st.Gid))
}
