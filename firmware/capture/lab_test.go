// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"context"
	"testing"

	"golang.org/x/net/bpf"
)

// runFolder runs f; stop ends it and waits.
func runFolder(t *testing.T, f *Folder) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	stopped := false
	stop = func() {
		cancel()
		if stopped {
			return
		}
		stopped = true
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func mustCompile(t *testing.T) []bpf.Instruction {
	t.Helper()
	p, err := Compile(nil, 100, false)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
