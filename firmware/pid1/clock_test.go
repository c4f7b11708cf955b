// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"context"
	"testing"
)

// Nobody may set the clock of the machine for a test: image/qemu does so in a guest.
func TestWatchOfTheClockEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- WatchClock(ctx, func() { t.Error("the clock was set") }) }()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("WatchClock = %v, want nil", err)
	}
}
