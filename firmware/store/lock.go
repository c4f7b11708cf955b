// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"io"
	"path/filepath"
)

// Lock keeps every process from opening the store in dir, which must be there,
// until what it returns is closed. It reads nothing of the store, which may be
// damaged. The error is a *LockedError if a process has the store open.
func Lock(dir string) (io.Closer, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("lock store: %w", err)
	}
	return osDisk{abs}.Lock("lock")
}
