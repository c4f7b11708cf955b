// SPDX-License-Identifier: Apache-2.0

package lcd

import "fmt"

// size returns the rows and columns that a board names, or the usual ones, for
// displays that do not say.
func (o Options) size(rows, cols, maxRows, maxCols int) (int, int, error) {
	if o.Rows != 0 {
		rows = o.Rows
	}
	if o.Cols != 0 {
		cols = o.Cols
	}
	if rows < 1 || rows > maxRows || cols < 1 || cols > maxCols {
		return 0, 0, fmt.Errorf("the display must have 1 to %d rows of 1 to %d columns, not %d of %d",
			maxRows, maxCols, rows, cols)
	}
	return rows, cols, nil
}
