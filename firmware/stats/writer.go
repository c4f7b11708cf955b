// SPDX-License-Identifier: Apache-2.0

package stats

// A Writer takes the samples of one reading.
type Writer struct{}
