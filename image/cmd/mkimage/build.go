// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"evener/image"
	"evener/image/slot"
)

// A made is one file that came out, for the report.
type made struct {
	File   string `json:"file"`
	Size   int64  `json:"size"`   // bytes
	Stored int64  `json:"stored"` // bytes on the disk of the builder: an image has holes
	SHA256 string `json:"sha256"`
}

// A report is written beside the image, for scripts and the bench.
type report struct {
	Version      string `json:"version"`
	Board        string `json:"board"`
	Arch         string `json:"arch"`
	Source       string `json:"source"`
	Kernel       string `json:"kernel"` // its version
	Created      string `json:"created"`
	Key          string `json:"key"`           // ID of the one that signed
	KernelSize   int64  `json:"kernel_size"`   // bytes, like all that follow
	InitrdSize   int64  `json:"initrd_size"`   // of a slot
	RescueSize   int64  `json:"rescue_size"`   // initrd of the rescue system
	ProgramSize  int64  `json:"program_size"`  // of evener
	PayloadSize  int64  `json:"payload_size"`  // of a slot
	PayloadLimit int64  `json:"payload_limit"` // what it may have
	PayloadSHA   string `json:"payload_sha256"`
	Files        []made `json:"files"`
	Seconds      int    `json:"seconds"` // the build took
}

// build makes everything that the options ask for.
func (o options) build(ctx context.Context, p *printer) error {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	lock, err := o.lock(ctx, p)
	if err != nil {
		return err
	}
	defer lock.Close()
	key, keys, err := o.keys(p)
	if err != nil {
		return err
	}
	base, err := o.base(ctx, p)
	if err != nil {
		return err
	}
	spec := image.Spec{Arch: o.board.Arch, Version: o.version, Boards: o.boards, Created: o.created,
		Evener: o.evener, Init: o.init, Modprobe: o.modprobe, Keys: keys}
	p.step("slot: kernel %s, %d modules", base.Index.Version, base.ModuleCount())
	payload, err := spec.Build(ctx, base, filepath.Join(o.work, o.board.Arch))
	if err != nil {
		return err
	}
	manifest := spec.Manifest(payload)
	manifest.MinVersion, manifest.RollbackIndex = o.minVersion, o.rollback
	header, err := slot.NewHeader(manifest, key)
	if err != nil {
		return err
	}
	r := report{Version: o.version, Board: o.board.Name, Arch: o.board.Arch, Source: base.Name, Kernel: base.Index.Version,
		Created: manifest.Created, Key: slot.KeyID(key.Public().(ed25519.PublicKey)), PayloadSize: payload.Size,
		PayloadLimit: image.MaxPayload, PayloadSHA: payload.SHA256}
	if err := r.sizes(payload, spec); err != nil {
		return err
	}
	if err := o.write(ctx, p, payload, header, &r); err != nil {
		return err
	}
	return o.finish(p, r, payload)
}

// lock waits until no other mkimage works in the folder for what is made on the
// way: both would write the same files.
func (o options) lock(ctx context.Context, p *printer) (*os.File, error) {
	if err := os.MkdirAll(o.work, 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(filepath.Join(o.work, "lock"))
	if err != nil {
		return nil, err
	}
	for told := false; ; told = true {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", o.work, err)
		}
		if !told {
			p.step("another build works in %s: this one waits for its end", o.work)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// base gets kernel, modules and libraries from the source.
func (o options) base(ctx context.Context, p *printer) (*image.Base, error) {
	if o.debian {
		p.step("packages of Debian for %s, in %s", o.board.Arch, o.cache())
		return image.FromDebian(ctx, o.board.Arch, o.cache())
	}
	p.step("kernel and root from %s", o.buildroot)
	return image.FromBuildroot(ctx, o.board.Arch, o.buildroot, filepath.Join(o.work, o.board.Arch, "buildroot"))
}

// cache is the folder of Debian's packages.
func (o options) cache() string { return filepath.Join(o.work, "debian", o.board.Arch) }

// write makes the bundle and the disk in its forms.
func (o options) write(ctx context.Context, p *printer, payload image.Payload, header slot.Header, r *report) error {
	bundle := filepath.Join(o.out, slot.BundleName(o.version, o.board.Arch))
	p.step("bundle %s", bundle)
	if err := writeBundle(bundle, header, payload.File); err != nil {
		return err
	}
	if err := r.add(bundle); err != nil || len(o.formats) == 0 {
		return err
	}
	grub, err := o.grub(ctx)
	if err != nil {
		return err
	}
	raw := filepath.Join(o.out, "evener-"+o.version+"-"+o.board.Name+".img")
	p.step("disk %s", raw)
	err = image.WriteDisk(ctx, raw, image.Disk{Arch: o.board.Arch, GRUB: grub, Kernel: payload.Kernel, Initrd: payload.RescueInitrd,
		Payload: payload.File, Header: header, Time: o.created})
	if err != nil {
		return err
	}
	if err := r.add(raw); err != nil {
		return err
	}
	if o.parts != "" {
		p.step("parts of the disk in %s", o.parts)
		if err := image.WriteParts(raw, o.parts); err != nil {
			return err
		}
	}
	for _, f := range o.formats {
		if f == "img" {
			continue
		}
		file := strings.TrimSuffix(raw, ".img") + "." + f
		p.step("disk %s", file)
		if err := image.Convert(ctx, raw, file, f); err != nil {
			return err
		}
		if err := r.add(file); err != nil {
			return err
		}
	}
	return nil
}

// grub finds the boot loader's modules: in the folder that was named, or in
// Debian's packages.
func (o options) grub(ctx context.Context) (image.GRUB, error) {
	if o.grubDir != "" {
		platforms, err := os.ReadDir(o.grubDir)
		if err != nil {
			return image.GRUB{}, fmt.Errorf("-grub: %w", err)
		}
		g := image.GRUB{Modules: map[string]string{}}
		for _, p := range platforms {
			g.Modules[p.Name()] = filepath.Join(o.grubDir, p.Name())
		}
		return g, nil
	}
	packages, err := image.Fetch(ctx, o.board.Arch, image.GRUBPackages(o.board.Arch), o.cache())
	if err != nil {
		return image.GRUB{}, err
	}
	return image.GRUBFrom(packages), nil
}

func writeBundle(file string, h slot.Header, payload string) error {
	in, err := os.Open(payload)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(file + ".part")
	if err != nil {
		return err
	}
	defer os.Remove(file + ".part") // after the renaming it is not there any more
	if err := slot.WriteBundle(out, h, in); err != nil {
		out.Close()
		return fmt.Errorf("bundle: %w", err)
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Rename(file+".part", file)
}

// finish writes the report and the list of what is in the image, and tells all.
func (o options) finish(p *printer, r report, payload image.Payload) error {
	r.Seconds = int(time.Since(p.start).Round(time.Second).Seconds())
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	stem := filepath.Join(o.out, "evener-"+o.version+"-"+o.board.Name)
	if err := os.WriteFile(stem+".json", append(text, '\n'), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(stem+".sbom.json", payload.Components, 0o644); err != nil {
		return err
	}
	p.report(r)
	p.step("%s.json has these numbers, %s.sbom.json what is in the image", stem, stem)
	return nil
}
