// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A Format is how a virtual machine's host likes an image.
type Format struct {
	Name    string // as qemu-img calls it, and the end of the file's name
	For     string // who takes it
	options []string
	// identify replaces the identifiers that qemu-img draws by chance.
	identify func(f *os.File, sum string) error
}

// Formats are those that Convert knows.
var Formats = []Format{
	{Name: "qcow2", For: "QEMU, Proxmox, OpenStack", options: []string{"-c"}},
	{Name: "vhdx", For: "Hyper-V", options: []string{"-o", "subformat=dynamic"}, identify: nameVHDX},
	{Name: "vmdk", For: "VMware", options: []string{"-o", "subformat=streamOptimized"}, identify: nameVMDK},
}

// Convert writes the image in the file raw to out in the format of that name. The same
// image and name give the same bytes.
func Convert(ctx context.Context, raw, out, format string) error {
	i := slices.IndexFunc(Formats, func(f Format) bool { return f.Name == format })
	if i < 0 {
		var names []string
		for _, f := range Formats {
			names = append(names, f.Name)
		}
		return fmt.Errorf("no image format %q: must be one of %s", format, strings.Join(names, ", "))
	}
	dir, err := os.MkdirTemp(filepath.Dir(out), ".convert-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tmp := filepath.Join(dir, filepath.Base(out)) // a VMDK has its own name in it
	args := append([]string{"convert", "-f", "raw", "-O", format}, Formats[i].options...)
	cmd := exec.CommandContext(ctx, "qemu-img", append(args, raw, tmp)...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("write %s (with qemu-img, Debian's package qemu-utils): %w: %s",
			out, err, strings.TrimSpace(string(text)))
	}
	if err := Formats[i].settle(raw, tmp); err != nil {
		return fmt.Errorf("write %s: %w", out, err)
	}
	return os.Rename(tmp, out)
}

// settle gives the file the identifiers that follow from the image in the file raw.
func (f Format) settle(raw, name string) error {
	if f.identify == nil {
		return nil
	}
	sum, err := fileSHA256(raw)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.identify(file, sum), file.Close())
}
