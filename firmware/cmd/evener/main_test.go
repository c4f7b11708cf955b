// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"testing"
)

// beEvener is the variable that makes the test binary the program itself, for a
// test that runs the box: no build is needed, and none can be stale.
const beEvener = "EVENER_TEST_IS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(beEvener) != "" {
		main()
		return
	}
	if dir, ok := os.LookupEnv(confinedEnv); ok {
		os.Exit(tryConfined(dir))
	}
	if state, ok := os.LookupEnv(engineEnv); ok {
		os.Exit(tryEngine(state))
	}
	os.Exit(m.Run())
}
