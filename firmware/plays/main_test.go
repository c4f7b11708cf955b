// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"os"
	"runtime"
	"testing"
)

// TestMain gives each of the boxes that play at once a processor to wait on: an
// event loop keeps its own while it waits in the kernel, as the engine plans for.
func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(max(16, runtime.GOMAXPROCS(0)))
	os.Exit(m.Run())
}
