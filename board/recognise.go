// SPDX-License-Identifier: Apache-2.0

package board

import (
	"fmt"
	"io/fs"
	"strings"
)

// A Recognition is the board that a machine is taken for.
type Recognition struct {
	Board    Board
	Identity Identity
	Why      []string // what fitted; none: nothing did
	Message  string   // for people, one sentence or two
}

// Known reports whether the machine was recognised, and not merely given the
// generic board of its architecture.
func (r Recognition) Known() bool { return len(r.Why) > 0 }

// Recognise tells which board the machine below root is. root is "/" or a recorded
// tree, arch as GOARCH has it. Where none fits it is the generic one of the
// architecture; an architecture without one is an error.
func Recognise(root fs.FS, arch string) (Recognition, error) {
	id := Identify(root)
	r := Recognition{Identity: id}
	best, known := -1, false
	var hints []string
	for _, b := range All() {
		if b.Arch != "" && b.Arch != arch {
			continue
		}
		if b.Generic && !known {
			r.Board, known = b, true
		}
		for _, m := range b.Match {
			why, ok := m.Fits(id)
			switch {
			case ok && m.Weak:
				hints = append(hints, b.Name)
			case ok && m.weight() > best:
				best, known = m.weight(), true
				r.Board, r.Why = b, why
			}
		}
	}
	if !known {
		return r, fmt.Errorf("there is no board for the architecture %s; name one with --board", arch)
	}
	r.Message = r.message(hints)
	return r, nil
}

func (r Recognition) message(hints []string) string {
	if r.Known() {
		return fmt.Sprintf("this is %s: %s", r.Board.Name, strings.Join(r.Why, ", "))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s is not known; board %s is used, and its ports are named after their interfaces", r.Identity.name(), r.Board.Name)
	if len(hints) > 0 {
		fmt.Fprintf(&b, ". Its network controllers are those of %s: if it is that, start with --board %s", strings.Join(hints, " and of "), hints[0])
	}
	if len(r.Identity.Empty) > 0 {
		fmt.Fprintf(&b, ". Its maker has left DMI unfilled: %s", strings.Join(r.Identity.Empty, ", "))
	}
	return b.String()
}

// name says what the machine calls itself.
func (id Identity) name() string {
	for _, pair := range [][2]string{{id.Vendor, id.Product}, {"", id.Model}, {id.BoardVendor, id.BoardName}} {
		if pair[1] != "" {
			return "the machine " + quote(strings.TrimSpace(pair[0]+" "+pair[1]))
		}
	}
	return fmt.Sprintf("a machine without a name (network controllers: %d)", len(id.NICs))
}
