// SPDX-License-Identifier: Apache-2.0

package blackbox

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// A Recording is what a file holds.
type Recording struct {
	Frames  []Frame // the oldest first
	Damaged int     // slots with something in them that is no whole frame
}

// Crashed reports whether the recording ends without a Stop.
func (r Recording) Crashed() bool {
	return len(r.Frames) > 0 && r.Frames[len(r.Frames)-1].Stop == nil
}

// maxFile bounds what Read takes for a recording.
const maxFile = 64 << 20

// Read reads the file called name. It needs no engine, and one may be writing. A
// file that is not there is an os.ErrNotExist.
func Read(name string) (Recording, error) {
	f, err := os.Open(name)
	if err != nil {
		return Recording{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return Recording{}, fmt.Errorf("read the black box: %w", err)
	}
	if len(b) > maxFile {
		return Recording{}, errors.New("read the black box: the file is too long to be one")
	}
	return parse(b), nil
}

func parse(b []byte) (r Recording) {
	for ; len(b) >= slotSize; b = b[slotSize:] {
		slot := b[:slotSize]
		if f, ok := decode(slot); ok {
			r.Frames = append(r.Frames, f)
		} else if slices.ContainsFunc(slot, func(c byte) bool { return c != 0 }) {
			r.Damaged++
		}
	}
	slices.SortFunc(r.Frames, func(a, b Frame) int { return cmp.Compare(a.Seq, b.Seq) })
	return r
}
