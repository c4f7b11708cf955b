// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The race detector of Go 1.26 falls over timers that fire in virtual time
// (golang/go#78156), and this test has many: .ci/test runs it without.

package api

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// A client that has room for what it gets, but takes it byte by byte, is served
// as slowly as it wants and costs no more than its connection.
func TestTricklingReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := newFlood()
		nc := serve(t, reg, ServerConfig{}).dial()
		var lines []string
		for i := range maxSubs {
			lines = append(lines, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"sub.open","params":{"topic":"state.flood","params":{"n":%d}}}`, i, i%4))
		}
		say(nc, lines...)
		before := heap()
		for range 120 {
			if _, err := nc.Read(make([]byte, 64)); err != nil {
				t.Fatalf("a slow reader was cut off: %v", err)
			}
			time.Sleep(5 * time.Second)
		}
		if held := int64(heap()) - int64(before); held > 20<<20 {
			t.Errorf("a slow reader holds %d bytes", held)
		}
		nc.Close()
	})
}
