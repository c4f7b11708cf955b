// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"

	"evener/image/fat"
	"evener/image/gpt"
	"evener/image/slot"
)

// Paths on the ESP beside slot.BlockPath, as grub.cfg has them.
const (
	pathConfig       = "evener/grub.cfg"
	pathRescueKernel = "evener/rescue/vmlinuz"
	pathRescueInitrd = "evener/rescue/initrd"
)

const espLabel = "EVENER"

// firstState is the boot state of a new image: slot A is good, for there is nothing
// else to start, and the empty slot B is not tried.
func firstState() slot.State {
	return slot.State{First: slot.A}.With(slot.A, true, 0).With(slot.B, false, slot.MaxTries)
}

// writeESP writes the file system with boot loader, boot state and rescue system.
func (d Disk) writeESP(ctx context.Context, w io.WriterAt, part slot.Partition, id gpt.GUID) error {
	files := []fat.File{
		{Path: strings.TrimPrefix(slot.BlockPath, "/"), Data: firstState().Encode()},
		{Path: pathConfig, Data: grubConfig},
	}
	for _, p := range grubPlatforms[d.Arch] {
		if p.output == "" {
			continue
		}
		program, err := d.GRUB.build(ctx, p)
		if err != nil {
			return err
		}
		files = append(files, fat.File{Path: p.output, Data: program})
	}
	for _, f := range []struct{ path, source string }{
		{pathRescueKernel, d.Kernel},
		{pathRescueInitrd, d.Initrd},
	} {
		b, err := os.ReadFile(f.source)
		if err != nil {
			return fmt.Errorf("rescue system: %w", err)
		}
		files = append(files, fat.File{Path: f.path, Data: b})
	}
	err := fat.Write(w, fat.Config{
		Size:     part.Size,
		Label:    espLabel,
		VolumeID: binary.LittleEndian.Uint32(id[:]),
		Hidden:   uint32(part.Start / slot.SectorSize),
		Time:     d.Time,
	}, files)
	if err != nil {
		return fmt.Errorf("write ESP: %w", err)
	}
	return nil
}
