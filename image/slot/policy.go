// SPDX-License-Identifier: Apache-2.0

package slot

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Policy is what a box asks of an image before it takes one byte of it.
type Policy struct {
	Keys          Keys
	Board         string // of this box
	Arch          string // of this box
	Version       string // that runs
	RollbackIndex int    // the highest that was marked good here
	Downgrade     bool   // an administrator typed that a lower rollback index is meant
}

// A Refusal is one reason why an image is not taken.
type Refusal struct {
	Code string // "signature", "board", "arch", "min_version" or "rollback"
	Msg  string
}

func (r *Refusal) Error() string { return r.Msg }

// Check returns every reason not to take h, each a [*Refusal], joined. If no
// trusted key signed it, that is the only one: the rest may be anybody's words.
func (p Policy) Check(h Header) error {
	if _, err := h.Verify(p.Keys); err != nil {
		return &Refusal{"signature", "the update is not trusted: " + err.Error()}
	}
	m := h.Manifest
	var errs []error
	refuse := func(code, format string, args ...any) {
		errs = append(errs, &Refusal{code, fmt.Sprintf(format, args...)})
	}
	if !slices.Contains(m.Boards, p.Board) {
		refuse("board", "the update is for %s; this box is %s", strings.Join(m.Boards, ", "), p.Board)
	}
	if m.Arch != p.Arch {
		refuse("arch", "the update is for %s; this box is %s", m.Arch, p.Arch)
	}
	if m.MinVersion != "" {
		c, err := CompareVersions(p.Version, m.MinVersion)
		if err != nil {
			refuse("min_version", "the update is for version %s and later, and what runs here has no such number: %s",
				m.MinVersion, p.Version)
		} else if c < 0 {
			refuse("min_version", "the update is for version %s and later; %s runs here: take %[1]s first",
				m.MinVersion, p.Version)
		}
	}
	if m.RollbackIndex < p.RollbackIndex && !p.Downgrade {
		refuse("rollback", "%s has the rollback index %d, and this box went up to %d: an older one may hold known holes",
			m.Version, m.RollbackIndex, p.RollbackIndex)
	}
	return errors.Join(errs...)
}
