// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// A Format is how a virtual machine's host likes an image.
type Format struct {
	Name         string // as qemu-img calls it, and the end of the file's name
	For          string // who takes it
	Reproducible bool   // the same image gives the same bytes
	options      []string
}

// Formats are those that Convert knows. qemu-img puts random identifiers into VHDX
// and VMDK.
var Formats = []Format{
	{Name: "qcow2", For: "QEMU, Proxmox, OpenStack", Reproducible: true, options: []string{"-c"}},
	{Name: "vhdx", For: "Hyper-V", options: []string{"-o", "subformat=dynamic"}},
	{Name: "vmdk", For: "VMware", options: []string{"-o", "subformat=streamOptimized"}},
}

// Convert writes the image in the file raw to out in the format of that name.
func Convert(ctx context.Context, raw, out, format string) error {
	i := slices.IndexFunc(Formats, func(f Format) bool { return f.Name == format })
	if i < 0 {
		var names []string
		for _, f := range Formats {
			names = append(names, f.Name)
		}
		return fmt.Errorf("no image format %q: must be one of %s", format, strings.Join(names, ", "))
	}
	tmp := out + ".part"
	defer os.Remove(tmp) // after the renaming it is not there any more
	args := append([]string{"convert", "-f", "raw", "-O", format}, Formats[i].options...)
	cmd := exec.CommandContext(ctx, "qemu-img", append(args, raw, tmp)...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("write %s (with qemu-img, Debian's package qemu-utils): %w: %s",
			out, err, strings.TrimSpace(string(text)))
	}
	return os.Rename(tmp, out)
}
