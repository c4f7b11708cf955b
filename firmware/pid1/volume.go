// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A Volume is a partition with a file system of ours.
type Volume struct {
	Name   string // "state" or "data", for people
	Label  string // of the file system, at most 16 bytes
	Device string // such as /dev/vda5; empty: the disk has none
	Target string // where it is mounted
	Memory string // size of the tmpfs that stands in for it, such as "32m"
}

// What is found on the partition of a volume.
type content uint8

const (
	unused content = iota // nothing of ours was ever on it
	clean                 // ext4 that was unmounted
	dirty                 // ext4 that was not
	broken                // there was a file system of ours, and it cannot be recognised
)

// tailSize is what a file system of ours leaves free at the end of its partition, for
// a mark that says that there is one. So a file system that is destroyed is told from a
// new partition, and a cut while one is made from both: the mark comes last.
const tailSize = 64 << 10

const tailMagic = "evener volume 1\n"

// A tools runs the programs of e2fsprogs, and mounts.
type tools interface {
	mounter
	Run(ctx context.Context, name string, args ...string) (out string, status int, err error)
}

// toolTime is how long mke2fs and e2fsck may take: a large disk that was not
// unmounted takes minutes.
const toolTime = 30 * time.Minute

// Mount makes the file system if there never was one, mends it if it was not
// unmounted, and mounts it. If that cannot be done, the box goes on with a file
// system in memory, the partition is left as it is, and the alarm says so.
// made says that the file system is new.
func (v Volume) Mount(ctx context.Context, k tools, log *slog.Logger) (made bool, alarm *Alarm) {
	made, err := v.open(ctx, k, log)
	if err == nil {
		return made, nil
	}
	log.Error("volume not used", "volume", v.Name, "device", v.Device, "err", err)
	alarm = &Alarm{Object: v.Name, Grave: true, Text: v.lost(err)}
	if err := k.Mount("evener-"+v.Name, v.Target, "tmpfs", closed, "mode=0755,size="+v.Memory); err != nil {
		log.Error("no file system in memory instead", "volume", v.Name, "err", err)
		alarm.Text += "; nor can it be kept in memory: " + err.Error()
	}
	return false, alarm
}

// Unused reports whether there never was a file system of ours on the partition.
func (v Volume) Unused() bool {
	found, err := v.look()
	return err == nil && found == unused
}

// lost says what it means that a volume is not there.
func (v Volume) lost(err error) string {
	what := map[string]string{
		"state": "the box runs without its configuration, users and keys, and forgets what is changed now when it is switched off; the partition is left as it was: a factory reset makes it anew, and loses what may still be on it",
		"data":  "audit log, events, captures and records of persistence are kept in memory and lost when the box is switched off; the partition is left as it was: a factory reset makes it anew",
	}[v.Name]
	return fmt.Sprintf("the %s partition cannot be used (%v): %s", v.Name, err, what)
}

func (v Volume) open(ctx context.Context, k tools, log *slog.Logger) (made bool, err error) {
	if v.Device == "" {
		return false, errors.New("the disk has no such partition")
	}
	ctx, cancel := context.WithTimeout(ctx, toolTime)
	defer cancel()
	found, err := v.look()
	if err != nil {
		return false, err
	}
	switch found {
	case broken:
		return false, errors.New("its file system cannot be recognised any more")
	case unused:
		if err := v.Make(ctx, k); err != nil {
			return false, err
		}
		log.Info("file system made", "volume", v.Name, "device", v.Device)
		made = true
	case dirty:
		if err := v.check(ctx, k, log); err != nil {
			return false, err
		}
	}
	const options = "data=ordered,errors=remount-ro"
	if err := k.Mount(v.Device, v.Target, "ext4", closed|unix.MS_NOATIME, options); err != nil {
		return made, fmt.Errorf("mount it: %w", err)
	}
	return made, nil
}

// Make makes the file system anew. What was on the partition is lost.
func (v Volume) Make(ctx context.Context, k tools) error {
	f, err := os.OpenFile(v.Device, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if size < 2*tailSize {
		return fmt.Errorf("partition of %d bytes is too small for a file system", size)
	}
	// From here on, until the mark is written again, the partition counts as unused.
	for _, at := range []int64{size - tailSize, superOffset} {
		if _, err := f.WriteAt(make([]byte, 4096-at%4096), at); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	const block = 4096
	out, status, err := k.Run(ctx, "/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-L", v.Label, "-b", fmt.Sprint(block), "-m", "1",
		"-E", "nodiscard,lazy_itable_init=1", v.Device, fmt.Sprint((size-tailSize)/block))
	if err != nil || status != 0 {
		return fmt.Errorf("make its file system: %w", toolError("mke2fs", out, status, err))
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if _, err := f.WriteAt([]byte(tailMagic), size-tailSize); err != nil {
		return err
	}
	return f.Sync()
}

// check has e2fsck mend what may be mended without asking.
func (v Volume) check(ctx context.Context, k tools, log *slog.Logger) error {
	out, status, err := k.Run(ctx, "/usr/sbin/e2fsck", "-p", v.Device)
	// 1: mended; 2: mended, and the file system must not be mounted: it is not (e2fsck(8)).
	if err == nil && status&^3 == 0 {
		log.Info("file system checked", "volume", v.Name, "said", oneLine(out), "status", status)
		return nil
	}
	return toolError("e2fsck", out, status, err)
}

func toolError(name, out string, status int, err error) error {
	if err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	return fmt.Errorf("%s ended with %d and said: %s", name, status, oneLine(out))
}

// oneLine shortens what a program has said.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if len(s) > 300 {
		s = s[:300] + " …"
	}
	return s
}

// Places in the superblock of ext4 (Linux Documentation/filesystems/ext4/super.rst).
const (
	superOffset    = 1024
	superMagic     = 0x38
	superState     = 0x3a // bit 0: unmounted; bit 1: errors
	superIncompat  = 0x60
	superErrors    = 0x194 // how often an error was noted
	needsRecovery  = 0x4
	ext4Magic      = 0xef53
	superBlockSize = 1024
)

// look says what is on the partition.
func (v Volume) look() (content, error) {
	f, err := os.Open(v.Device)
	if err != nil {
		return unused, err
	}
	defer f.Close()
	super := make([]byte, superBlockSize)
	if _, err := f.ReadAt(super, superOffset); err != nil {
		return unused, fmt.Errorf("read %s: %w", filepath.Base(v.Device), err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return unused, err
	}
	tail := make([]byte, len(tailMagic))
	if _, err := f.ReadAt(tail, max(size-tailSize, 0)); err != nil {
		return unused, fmt.Errorf("read %s: %w", filepath.Base(v.Device), err)
	}
	return judge(super, bytes.Equal(tail, []byte(tailMagic))), nil
}

// judge says what a superblock and the mark at the end tell together.
func judge(super []byte, marked bool) content {
	le := binary.LittleEndian
	switch {
	case le.Uint16(super[superMagic:]) != ext4Magic && marked:
		return broken
	case le.Uint16(super[superMagic:]) != ext4Magic:
		return unused
	case le.Uint16(super[superState:]) != 1, le.Uint32(super[superIncompat:])&needsRecovery != 0, le.Uint32(super[superErrors:]) != 0:
		return dirty
	}
	return clean
}
