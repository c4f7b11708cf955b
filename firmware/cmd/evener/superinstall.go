// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log/slog"
	"sync"

	"evener/firmware/api"
	"evener/image/early"
	"evener/image/flash"
	"evener/image/slot"
)

// An installer puts the version that the box was started from onto another disk.
type installer struct {
	root string
	boot func() (early.Boot, error) // how the box was started
	log  *slog.Logger

	mu sync.Mutex // one disk at a time
}

// startedFrom tells how the box was started.
func startedFrom() (early.Boot, error) { return early.ReadBoot("/") }

type installDisk struct {
	flash.Disk
	Line string `json:"line" doc:"the disk in words"`
}

type installDisks struct {
	From  string        `json:"from" doc:"disk that the box was started from"`
	USB   bool          `json:"usb" doc:"it is plugged into USB, or can be taken out"`
	Disks []installDisk `json:"disks" doc:"also those that are not for writing"`
}

type installWrite struct {
	Disk string `json:"disk" doc:"path, as install.disks tells it"`
	Name string `json:"name" doc:"as somebody has typed it"`
	Line string `json:"line" doc:"as it was shown: another disk that has come in its place is refused"`
}

type installed struct {
	Version string `json:"version"`
}

// add registers the methods.
func (i *installer) add(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "install.disks", Purpose: "Lists the disks that the box can be installed on.", Role: api.Admin},
		func(context.Context, api.Call, struct{}) (installDisks, error) { return i.disks() })
	api.Add(reg, api.Method{Name: "install.write", Purpose: "Makes another disk one of a new box with the version that runs; what is on it is lost.",
		Role: api.Admin, Sudo: true, Effect: api.System, Timeout: installTimeout, Audit: "install on {disk} ({line})"}, i.write)
}

func (i *installer) disks() (installDisks, error) {
	boot, err := i.boot()
	if err != nil {
		return installDisks{}, api.Errorf(api.CodeFailed, "install.host", "the box was not started from a disk of its own: %v", err)
	}
	out := installDisks{From: boot.Disk, Disks: []installDisk{}}
	list, err := flash.Disks(i.root)
	if err != nil {
		return out, err
	}
	for _, d := range list {
		if d.Path == boot.Disk {
			out.USB = d.USB
			d.Used = "this system was started from it"
		}
		out.Disks = append(out.Disks, installDisk{d, d.String()})
	}
	return out, nil
}

func (i *installer) write(ctx context.Context, c api.Call, p installWrite) (installed, error) {
	if !i.mu.TryLock() {
		return installed{}, api.Errorf(api.CodeConflict, "install.busy", "a disk is being written already")
	}
	defer i.mu.Unlock()
	boot, err := i.boot()
	if err != nil {
		return installed{}, err
	}
	d, err := flash.Find(i.root, p.Disk)
	if err != nil {
		return installed{}, err
	}
	if d.Name != p.Name || d.String() != p.Line {
		return installed{}, api.Errorf(api.CodeConflict, "install.changed", "%s is another disk now: %s; nothing was written", p.Disk, d)
	}
	keys, err := trustedKeys("")
	if err != nil {
		return installed{}, err
	}
	src, err := flash.OpenRunning(boot.Disk, slot.Name(boot.Slot), keys)
	if err != nil {
		return installed{}, err
	}
	defer src.Close()
	i.log.Warn("installation begun", "disk", d.Path, "by", c.Author, "version", src.Header.Manifest.Version)
	if err := src.Check(ctx, nil); err != nil {
		return installed{}, err
	}
	if err := src.Write(ctx, d, nil); err != nil {
		return installed{}, err
	}
	i.log.Warn("installed", "disk", d.Path)
	return installed{src.Header.Manifest.Version}, nil
}
