// SPDX-License-Identifier: Apache-2.0

package board

import (
	"fmt"
	"strings"
)

// Auto is the name that asks for recognition instead of a board.
const Auto = "auto"

// All returns every board, in the order in which they are listed.
func All() []Board {
	return []Board{
		Sim, Host,
		qemuX86, qemuARM,
		apu2, sophos230, mx100, e302, p210,
		bpiR3, nanopiR6S,
		genericX86, genericARM,
	}
}

// ByName returns the board of that name; the error lists the names there are.
func ByName(name string) (Board, error) {
	var names []string
	for _, b := range All() {
		if b.Name == name {
			return b, nil
		}
		names = append(names, b.Name)
	}
	return Board{}, fmt.Errorf("there is no board %q: there are %s, and %s, which recognises the machine",
		name, strings.Join(names, ", "), Auto)
}
