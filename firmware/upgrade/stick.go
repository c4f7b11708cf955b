// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"evener/image/slot"
)

// Sticks shows the file systems of removable disks, one after the other. A file
// that was opened must stay readable when each has returned, until it is
// closed. An error of each ends it.
type Sticks func(ctx context.Context, each func(stick string, files fs.FS) error) error

// ErrNoBundle is returned if no stick holds a bundle at all.
var ErrNoBundle = errors.New("no bundle is on a USB stick: a file that ends in .evb, in the first folder or in one called evener")

// A found is a bundle on a stick that fits this box.
type found struct {
	name   string
	header slot.Header
	file   fs.File
	size   int64
}

// Stick opens the newest bundle on the sticks that this box would take. If none
// is, the error says why of each. name is for people; size is in bytes.
func (u *Upgrades) Stick(ctx context.Context, sticks Sticks) (r io.ReadCloser, name string, size int64, err error) {
	if err := u.available(); err != nil {
		return nil, "", 0, err
	}
	var best *found
	var refused []error
	err = sticks(ctx, func(stick string, files fs.FS) error {
		for _, pattern := range []string{"*", "evener/*"} {
			names, err := fs.Glob(files, pattern)
			if err != nil {
				return err
			}
			for _, file := range names {
				if !strings.EqualFold(path.Ext(file), ".evb") || strings.HasPrefix(path.Base(file), ".") {
					continue
				}
				f, err := u.find(files, file)
				if err != nil {
					refused = append(refused, fmt.Errorf("%s/%s: %w", stick, file, err))
					continue
				}
				f.name = stick + "/" + file
				best = f.orBetter(best)
			}
		}
		return ctx.Err()
	})
	switch {
	case best == nil && err == nil && len(refused) == 0:
		err = ErrNoBundle
	case best == nil && err == nil:
		err = errors.Join(refused...)
	}
	if err != nil {
		best.close()
		return nil, "", 0, err
	}
	return stickFile{best.file}, best.name, best.size, nil
}

// A stickFile is a bundle on a stick, which may be pulled out while it is read.
type stickFile struct{ fs.File }

func (f stickFile) Read(b []byte) (int, error) {
	n, err := f.File.Read(b)
	if err != nil && err != io.EOF {
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = e.Err // where it is mounted tells nobody anything
		}
		err = fmt.Errorf("the USB stick cannot be read to the end of the update, as if it was pulled out: %w", err)
	}
	return n, err
}

// find judges the bundle in a file and leaves it open at its begin.
func (u *Upgrades) find(files fs.FS, name string) (*found, error) {
	header, err := u.judgeFile(files, name)
	if err != nil {
		return nil, err
	}
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	size, err := slot.BundleSize(header)
	if info, serr := f.Stat(); err == nil && serr == nil && info.Size() != size {
		err = fmt.Errorf("%w: it has %d bytes, not %d", slot.ErrDamaged, info.Size(), size)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &found{header: header, file: f, size: size}, nil
}

func (u *Upgrades) judgeFile(files fs.FS, name string) (slot.Header, error) {
	f, err := files.Open(name)
	if err != nil {
		return slot.Header{}, err
	}
	defer f.Close()
	b, err := slot.ParseBundle(f)
	if err != nil {
		return slot.Header{}, err
	}
	u.mu.Lock()
	p := u.policy(false)
	u.mu.Unlock()
	return b.Header, p.Check(b.Header)
}

// orBetter returns the newer of two bundles and closes the other. Where the
// versions have no numbers, the time of their making decides.
func (f *found) orBetter(g *found) *found {
	if g == nil {
		return f
	}
	a, b := f.header.Manifest, g.header.Manifest
	newer, err := slot.CompareVersions(a.Version, b.Version)
	if err != nil || newer == 0 {
		newer = strings.Compare(a.Created, b.Created) // both in UTC, of one form
	}
	if newer > 0 {
		g.close()
		return f
	}
	f.close()
	return g
}

func (f *found) close() {
	if f != nil {
		f.file.Close()
	}
}
