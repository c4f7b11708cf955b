// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// RaiseFiles lets every process have as many open files as the kernel allows one at
// all: it starts process 1 with 4096, which is two thousand clients.
func RaiseFiles(root string) error {
	text, err := os.ReadFile(filepath.Join(root, "proc/sys/fs/nr_open"))
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err == nil {
		err = unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: n})
	}
	if err != nil {
		return fmt.Errorf("raise the limit of open files: %w", err)
	}
	return nil
}
