// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"fmt"
	"runtime/debug"
)

// fault, deferred by a goroutine of a driver, makes the loss of the display out of
// a panic: whatever a display sends, the process that drives it has more to do.
func fault(tell func(error)) {
	if v := recover(); v != nil {
		tell(fmt.Errorf("a fault of the driver: %v, at %.2000s", v, debug.Stack()))
	}
}
