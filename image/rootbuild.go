// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"evener/image/slot"
)

// A Payload is what a slot holds, and the rescue system that belongs to it.
type Payload struct {
	File         string // the squashfs
	Size         int64  // bytes
	SHA256       string // in hexadecimal digits
	Kernel       string // file, of the slot and of the rescue system
	Initrd       string // file, of the slot
	RescueInitrd string // file
	Components   []byte // the list of what is in it, as in ComponentsFile
}

// Build makes the payload of a slot and the rescue system from a base. Their
// files are in the folder work, which is made if need be. The same input gives
// the same bytes.
func (s Spec) Build(ctx context.Context, b *Base, work string) (Payload, error) {
	if err := s.check(b); err != nil {
		return Payload{}, err
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return Payload{}, err
	}
	p := Payload{
		File:         filepath.Join(work, "slot.squashfs"),
		Kernel:       b.Kernel,
		Initrd:       filepath.Join(work, "initrd.img"),
		RescueInitrd: filepath.Join(work, "rescue.img"),
	}
	root, err := s.root(b)
	if err != nil {
		return p, err
	}
	if p.Components, err = root.Read(ComponentsFile); err != nil {
		return p, err
	}
	if err := s.initrds(b, root, p); err != nil {
		return p, err
	}
	root.Copy("boot/initrd.img", 0o644, p.Initrd)
	if err := root.writeSquashfs(ctx, p.File, work, s.Arch, s.Created); err != nil {
		return p, fmt.Errorf("squashfs: %w", err)
	}
	if err := root.checkSize(p.File, MaxPayload); err != nil {
		return p, err
	}
	st, err := os.Stat(p.File)
	if err != nil {
		return p, err
	}
	p.Size = st.Size()
	p.SHA256, err = fileSHA256(p.File)
	return p, err
}

// initrds writes both of them.
func (s Spec) initrds(b *Base, root *Tree, p Payload) error {
	rescue, err := s.rescueInitrd(b, root)
	if err != nil {
		return err
	}
	slot, err := s.slotInitrd(b)
	if err != nil {
		return err
	}
	return errors.Join(slot.writeInitrdFile(p.Initrd), rescue.writeInitrdFile(p.RescueInitrd))
}

func (s Spec) check(b *Base) error {
	switch {
	case s.Arch != b.Arch:
		return fmt.Errorf("an image for %s cannot be built from a base for %s", s.Arch, b.Arch)
	case len(s.Boards) == 0:
		return errors.New("no board is named that the image is for")
	case len(s.Keys.List) == 0:
		return errors.New("no key is given whose updates the image would trust")
	case s.Created.Unix() < 0 || s.Created.Unix() > 1<<32-1:
		return fmt.Errorf("the time of the image is %v: it must be from 1970 to 2106", s.Created)
	}
	return nil
}

// Manifest returns the manifest for a payload that was built as s says.
func (s Spec) Manifest(p Payload) slot.Manifest {
	boards := slices.Sorted(slices.Values(s.Boards))
	m := slot.Manifest{
		Product: slot.Product, Version: s.Version, Boards: boards, Arch: s.Arch,
		Created: s.Created.UTC().Format(time.RFC3339), Size: p.Size, SHA256: p.SHA256,
		Revoked: slices.Clone(s.Keys.Revoked),
	}
	for _, k := range s.Keys.List {
		m.Keys = append(m.Keys, k.String())
	}
	return m
}
