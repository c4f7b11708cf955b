// SPDX-License-Identifier: Apache-2.0

package early

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"evener/image/slot"
)

// KeysFile has the keys that the image trusts.
const KeysFile = "/etc/evener/keys"

const lookEvery = 20 * time.Millisecond

// slot waits for the slot's partition, checks it and returns its device.
func (p *Program) slot(ctx context.Context, cmd Cmdline, mods Modules) (string, error) {
	p.boot.Slot, p.boot.Part, p.boot.Try = cmd.Slot, cmd.Part, cmd.Try
	p.boot.Recovery, p.boot.Reset = cmd.Recovery, cmd.Reset
	name, err := slot.ParseName(cmd.Slot)
	if err != nil {
		return "", err
	}
	disk, err := p.await(ctx, cmd, mods)
	if err != nil {
		return "", err
	}
	defer disk.Close()
	if n, err := disk.SlotOf(cmd.Part); err != nil || n != name {
		return "", fmt.Errorf("the boot loader has started slot %s from partition %s, which is none of it (%v)", cmd.Slot, cmd.Part, err)
	}
	device, err := p.partition(disk, name)
	if err != nil {
		return "", err
	}
	return device, p.check(ctx, disk, name, device)
}

// await returns the disk that has the slot's partition, when it is there.
func (p *Program) await(ctx context.Context, cmd Cmdline, mods Modules) (*slot.Disk, error) {
	deadline := time.Now().Add(cmd.Wait)
	for n := 1; ; n++ {
		path, err := slot.FindPart(p.Root, cmd.Part)
		if err == nil {
			p.boot.Disk = "/dev/" + filepath.Base(path)
			return slot.Open(path)
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("no disk with partition %s has appeared within %v (is its driver in the image?): %w", cmd.Part, cmd.Wait, err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lookEvery):
		}
		if n%10 == 0 {
			p.plug(mods) // a bus has shown more of what is on it
		}
	}
}

// partition finds the device of the slot: the partition that the kernel has made of
// the disk whose number in the table is the slot's.
func (p *Program) partition(disk *slot.Disk, n slot.Name) (string, error) {
	part, ok := disk.Partition(n.Label())
	if !ok {
		return "", fmt.Errorf("the disk has no partition %s", n.Label())
	}
	files, err := filepath.Glob(p.path("/sys/class/block/" + filepath.Base(p.boot.Disk) + "/*/partition"))
	if err != nil {
		return "", err
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err == nil && strings.TrimSpace(string(text)) == strconv.Itoa(part.Number) {
			return p.path("/dev/" + filepath.Base(filepath.Dir(f))), nil
		}
	}
	return "", fmt.Errorf("the kernel shows no partition %d of %s", part.Number, p.boot.Disk)
}

// check compares the slot with what was signed.
func (p *Program) check(ctx context.Context, disk *slot.Disk, n slot.Name, device string) error {
	began := time.Now()
	text, err := os.ReadFile(p.path(KeysFile))
	if err != nil {
		return fmt.Errorf("the keys that images are signed with: %w", err)
	}
	keys, err := slot.ParseKeys(text)
	if err != nil {
		return err
	}
	head, err := disk.Slot(n)
	if err != nil {
		return fmt.Errorf("%w: %w", errBadSlot, err)
	}
	p.boot.Version, p.boot.Created = head.Manifest.Version, head.Manifest.Created
	key, err := head.Verify(keys)
	if err != nil {
		return fmt.Errorf("%w: %w", errBadSlot, err)
	}
	p.boot.Key = key.ID
	f, err := openDirect(device)
	if err != nil {
		return err
	}
	defer f.Close()
	sum, err := digest(ctx, f, head.Manifest.Size)
	if err != nil {
		return fmt.Errorf("%w: read it: %w", errBadSlot, err)
	}
	if sum != head.Manifest.SHA256 {
		return fmt.Errorf("%w: its content is not what was signed: the SHA-256 is %s, and should be %s", errBadSlot, sum, head.Manifest.SHA256)
	}
	p.boot.Checked = time.Since(began).Round(time.Millisecond).String()
	return nil
}

// openDirect opens a device to be read past the kernel's memory, where that can be:
// squashfs reads its blocks anew, so that a copy of the slot there is of no use, and to
// find and clear the memory for it takes as long as the SHA-256.
func openDirect(device string) (*os.File, error) {
	f, err := os.OpenFile(device, os.O_RDONLY|unix.O_DIRECT, 0)
	if errors.Is(err, unix.EINVAL) {
		return os.Open(device)
	}
	return f, err
}

// digest returns the SHA-256 of the first size bytes of r. It reads ahead while it
// computes, whole sectors into memory at the begin of a page, as O_DIRECT wants it.
func digest(ctx context.Context, r io.Reader, size int64) (string, error) {
	const chunk, ahead = 1 << 20, 3
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pages, err := unix.Mmap(-1, 0, ahead*chunk, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return "", fmt.Errorf("memory to read into: %w", err)
	}
	defer func() { _ = unix.Munmap(pages) }()
	free, full, failed := make(chan []byte, ahead), make(chan []byte, ahead), make(chan error, 1)
	for i := range ahead {
		free <- pages[i*chunk : (i+1)*chunk]
	}
	go func() {
		defer close(full)
		for size > 0 {
			var buf []byte
			select {
			case buf = <-free:
			case <-ctx.Done():
				failed <- ctx.Err()
				return
			}
			n, err := io.ReadFull(r, buf)
			n = int(min(int64(n), size)) // what comes after is nobody's
			size -= int64(n)
			full <- buf[:n]
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				break // a slot that is cut off is not what was signed
			}
			if err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	}()
	sum := sha256.New()
	for buf := range full {
		sum.Write(buf)
		free <- buf[:chunk]
	}
	return hex.EncodeToString(sum.Sum(nil)), <-failed
}

// giveUp marks the slot as bad, and has the rescue system started where none is left.
// It returns what it has done, for people.
func (p *Program) giveUp(why error) string {
	disk, err := slot.OpenPart(p.Root, p.boot.Part)
	if err != nil {
		return fmt.Sprintf("evener: it could not be noted: %v", err)
	}
	defer disk.Close()
	n := slot.Name(p.boot.Slot)
	fault := slot.Fault{Reason: why.Error(), By: "early", Time: time.Now().UTC().Format(time.RFC3339), Version: p.boot.Version}
	if err := disk.MarkBad(n, fault); err != nil {
		return fmt.Sprintf("evener: it could not be noted: %v", err)
	}
	s, err := disk.Boot()
	if err != nil {
		return fmt.Sprintf("evener: slot %s is not started any more", n)
	}
	if s.Usable(n.Other()) {
		return fmt.Sprintf("evener: slot %s is not started any more, slot %s is", n, n.Other())
	}
	s.Once = slot.OnceRescue
	if err := disk.SetBoot(s); err != nil {
		return fmt.Sprintf("evener: no slot is left, and the rescue system could not be chosen: %v", err)
	}
	return "evener: no slot is left that could be started: the rescue system comes next"
}
