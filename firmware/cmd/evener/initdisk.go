// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/pid1"
	"evener/image/gpt"
	"evener/image/slot"
)

// maxBoxLog is how much of the log of all processes is kept on the data partition, in
// each of two files; without that partition it is in memory.
const (
	maxBoxLog    = 8 << 20
	maxMemoryLog = 1 << 20
)

// volumes makes, mends and mounts the partitions for state and data.
func (a *appliance) volumes(ctx context.Context) {
	state := pid1.Volume{Name: "state", Label: slot.LabelState, Target: stateMount, Memory: "64m"}
	data := pid1.Volume{Name: "data", Label: slot.LabelData, Target: dataMount, Memory: "64m"}
	if a.boot.Disk != "" {
		state.Device = partitionDevice("/", a.boot.Disk, slot.LabelState)
		data.Device = partitionDevice("/", a.boot.Disk, slot.LabelData)
		if state.Device != "" && state.Unused() {
			a.raise("disk", a.firstStart(ctx))
		}
	}
	var reset error
	if a.boot.Reset {
		reset = a.factoryReset(ctx, state, data)
		a.raise("factory reset", reset)
	}
	var good bool
	for _, v := range []pid1.Volume{state, data} {
		_, alarm := v.Mount(ctx, a.kernel, a.log)
		good = good || v.Name == "data" && alarm == nil
		a.alarm(alarm)
	}
	a.raise("state", pid1.LinkData(boxState, boxData))
	limit := int64(maxBoxLog)
	if !good {
		limit = maxMemoryLog
	}
	a.raise("log", a.out.open(boxLogFile, limit))
	if a.boot.Reset {
		a.noteReset(reset)
	}
}

// partitionDevice returns the device of the partition with that label on a disk, "" if
// there is none. root is / but in tests.
func partitionDevice(root, disk, label string) string {
	d, err := slot.View(filepath.Join(root, disk))
	if err != nil {
		return ""
	}
	defer d.Close()
	part, ok := d.Partition(label)
	if !ok {
		return ""
	}
	files, _ := filepath.Glob(filepath.Join(root, "sys/class/block", filepath.Base(disk), "*", "partition"))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err == nil && strings.TrimSpace(string(text)) == strconv.Itoa(part.Number) {
			return filepath.Join(root, "dev", filepath.Base(filepath.Dir(f)))
		}
	}
	return ""
}

// firstStart makes the disk this box's own: new GUIDs, since every copy of an image has
// the same, and the data partition grows to the end.
func (a *appliance) firstStart(context.Context) error {
	f, err := os.OpenFile(a.boot.Disk, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Seek(0, 2)
	if err != nil {
		return err
	}
	t, err := gpt.Parse(f, size)
	if err != nil {
		return err
	}
	t.NewGUIDs()
	grown, err := t.Grow(size)
	if err != nil {
		return err
	}
	if err := t.Write(f); err != nil {
		return err
	}
	a.log.Info("disk made this box's own", "disk", a.boot.Disk, "bytes", size, "grown", grown)
	data, ok := t.Labelled(slot.LabelData)
	if !grown || !ok {
		return nil
	}
	if err := pid1.ResizePartition(f, data.Number, data.Offset(), data.Size()); err != nil {
		return fmt.Errorf("the data partition has its new size only after the next start: %w", err)
	}
	return nil
}

// factoryReset makes both file systems anew, and takes the wish for it from the boot
// state when that is done: a power cut in between begins again.
func (a *appliance) factoryReset(ctx context.Context, state, data pid1.Volume) error {
	a.log.Warn("factory reset asked for by the boot loader")
	fmt.Fprint(a.out.console, "evener: factory reset: configuration, users, keys and records are removed\r\n")
	var errs []error
	for _, v := range []pid1.Volume{data, state} { // the state last: it says whether this is done
		if v.Device == "" {
			errs = append(errs, fmt.Errorf("the disk has no %s partition", v.Name))
			continue
		}
		if err := v.Make(ctx, a.kernel); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", v.Name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	disk, err := slot.Open(a.boot.Disk)
	if err != nil {
		return err
	}
	defer disk.Close()
	s, _ := disk.Boot() // what it cannot read it can be started from all the same
	s.Reset = ""
	return disk.SetBoot(s)
}

// noteReset leaves word of a factory reset for the audit log that the box begins with.
func (a *appliance) noteReset(failed error) {
	x := superNote{At: time.Now(), Origin: "boot", Author: "boot loader", Method: "recovery.factory_reset",
		What: "reset the box: all of its state and data", Outcome: "ok"}
	if failed != nil {
		x.Outcome, x.Message = "error", failed.Error()
	}
	newNotebook(boxState, a.log).put(x)
}

// records feeds the kernel's generator from the seed of the last run, and leaves the
// next one.
func (a *appliance) records() {
	bits, err := pid1.FeedSeed(a.kernel, boxState, pid1.Machine("/"))
	if err != nil {
		a.log.Warn("seed of the last run not used", "err", err)
		return
	}
	a.log.Info("seed of the last run given to the kernel", "bits", bits)
	var none [1]byte
	if err := a.kernel.Random(none[:]); errors.Is(err, unix.EAGAIN) {
		a.log.Info("kernel has too little entropy yet: what needs random numbers waits")
	}
}
