// SPDX-License-Identifier: Apache-2.0

//go:build !race

package tlsconn

// raceEnabled says that allocations are not as they are without the detector.
const raceEnabled = false
