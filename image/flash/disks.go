// SPDX-License-Identifier: Apache-2.0

package flash

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"evener/image/gpt"
	"evener/image/slot"
)

// A Disk is one of the machine's, or a file that stands for one.
type Disk struct {
	Name   string `json:"name" doc:"as the kernel has it, such as sda"`
	Path   string `json:"path"`
	Size   int64  `json:"size" doc:"bytes"`
	Model  string `json:"model,omitempty"`
	Serial string `json:"serial,omitempty"`
	USB    bool   `json:"usb" doc:"it is plugged into USB, or can be taken out"`
	Holds  string `json:"holds" doc:"what is on it, in words"`
	// Used says why nothing may be written to it, "" if it may.
	Used string `json:"used,omitempty" doc:"why it is not for writing; absent: it is"`
}

// minDisk is the smallest disk that there is room on, in bytes.
const minDisk = 2*slot.Alignment + slot.BIOSSize + slot.ESPSize + 2*slot.SlotSize + slot.StateSize + slot.MinData

// ID is what a person gives to say that just this disk is meant: its serial number,
// or its size in bytes where it has none.
func (d Disk) ID() string {
	if d.Serial != "" {
		return d.Serial
	}
	return strconv.FormatInt(d.Size, 10)
}

// String describes the disk in a line.
func (d Disk) String() string {
	words := []string{d.Name, Bytes(d.Size)}
	if d.Model != "" {
		words = append(words, d.Model)
	}
	if d.Serial != "" {
		words = append(words, "serial "+d.Serial)
	}
	if d.USB {
		words = append(words, "USB")
	}
	return strings.Join(words, ", ") + ": " + d.Holds
}

// Bytes writes a size as makers of disks do, in powers of ten.
func Bytes(n int64) string {
	switch {
	case n >= 1e12:
		return fmt.Sprintf("%.1f TB", float64(n)/1e12)
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	}
	return fmt.Sprintf("%.0f MB", float64(n)/1e6)
}

// Disks lists the disks of the machine, in the order of their names. Those that
// cannot be read, such as card readers without a card, are left out. Root is "/" on
// a running system.
func Disks(root string) ([]Disk, error) {
	entries, err := os.ReadDir(filepath.Join(root, "sys/class/block"))
	if err != nil {
		return nil, fmt.Errorf("list the disks: %w", err)
	}
	var list []Disk
	for _, e := range entries {
		name := e.Name()
		if isPartition(root, name) || slices.ContainsFunc([]string{"ram", "zram", "loop", "dm-", "md", "sr", "fd", "nbd"},
			func(kind string) bool { return strings.HasPrefix(name, kind) }) {
			continue
		}
		if d, err := look(root, name); err == nil && d.Size > 0 {
			list = append(list, d)
		}
	}
	return list, nil
}

// Find returns the disk at path, which may be a link such as those of /dev/disk, or
// a file of the size of a disk.
func Find(root, path string) (Disk, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Disk{}, err
	}
	info, err := os.Stat(real)
	if err != nil {
		return Disk{}, err
	}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		d := Disk{Name: filepath.Base(path), Path: real, Size: info.Size()}
		d.Holds = holds(real)
		return d, nil
	case mode&fs.ModeDevice == 0 || mode&fs.ModeCharDevice != 0:
		return Disk{}, fmt.Errorf("%s is no disk: %s are wanted, or a file of the size of a disk", path, names(root))
	}
	name := strings.ReplaceAll(filepath.Base(real), "/", "!")
	if isPartition(root, name) {
		return Disk{}, fmt.Errorf("%s is a partition: the image goes onto a whole disk, such as %s", path, wholeDisk(root, name))
	}
	return look(root, name)
}

func names(root string) string {
	list, _ := Disks(root)
	var names []string
	for _, d := range list {
		names = append(names, d.Path)
	}
	if len(names) == 0 {
		return "disks such as /dev/sdb"
	}
	return "disks such as " + strings.Join(names, ", ")
}

func isPartition(root, name string) bool {
	_, err := os.Stat(filepath.Join(root, "sys/class/block", name, "partition"))
	return err == nil
}

// wholeDisk returns the path of the disk that a partition is on.
func wholeDisk(root, name string) string {
	real, err := filepath.EvalSymlinks(filepath.Join(root, "sys/class/block", name))
	if err != nil {
		return "/dev/sdb"
	}
	return "/dev/" + filepath.Base(filepath.Dir(real))
}

// look reads what the kernel says of a disk.
func look(root, name string) (Disk, error) {
	sys := filepath.Join(root, "sys/class/block", name)
	sectors, err := strconv.ParseInt(fact(sys, "size"), 10, 64)
	if err != nil {
		return Disk{}, fmt.Errorf("find the size of %s: %w", name, err)
	}
	d := Disk{Name: name, Path: filepath.Join("/dev", strings.ReplaceAll(name, "!", "/")), Size: sectors * slot.SectorSize}
	d.Model = printable(fact(sys, "device/model"))
	if v := fact(sys, "device/vendor"); v != "" && v != "ATA" && !strings.HasPrefix(v, "0x") {
		d.Model = strings.TrimSpace(printable(v) + " " + d.Model)
	}
	for _, f := range []string{"serial", "device/serial", "device/vpd_pg80", "device/wwid"} {
		if s := printable(fact(sys, f)); s != "" && d.Serial == "" {
			d.Serial = s
		}
	}
	real, err := filepath.EvalSymlinks(sys)
	d.USB = fact(sys, "removable") == "1" || err == nil && strings.Contains(real, "/usb")
	d.Holds = holds(filepath.Join(root, d.Path))
	if d.Used = used(root, name); d.Used == "" && d.Size < minDisk {
		d.Used = fmt.Sprintf("it is too small: it has %s, and at least %s are needed", Bytes(d.Size), Bytes(minDisk))
	}
	return d, nil
}

// fact reads a line of sysfs.
func fact(dir, name string) string {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// printable drops what a disk should not say of itself: control characters, and the
// binary head of a SCSI page.
func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return -1
		}
		return r
	}, s))
}

// holds says what is on a disk.
func holds(path string) string {
	if d, err := slot.View(path); err == nil {
		defer d.Close()
		var words []string
		for _, n := range []slot.Name{slot.A, slot.B} {
			if h, err := d.Slot(n); err == nil {
				words = append(words, fmt.Sprintf("%s in slot %s", h.Manifest.Version, n))
			}
		}
		return strings.TrimSpace("Evener " + strings.Join(words, ", "))
	}
	f, err := os.Open(path)
	if err != nil {
		return "cannot be read: " + err.Error()
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return "cannot be read: " + err.Error()
	}
	if t, err := gpt.Parse(f, size); err == nil {
		return fmt.Sprintf("%d partitions", len(t.Partitions))
	}
	return guess(f)
}

// guess names the commonest contents by their magic numbers.
func guess(r io.ReaderAt) string {
	head := make([]byte, 64<<10)
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "cannot be read: " + err.Error()
	}
	head = head[:n]
	at := func(off int, magic string) bool {
		return len(head) >= off+len(magic) && string(head[off:off+len(magic)]) == magic
	}
	switch {
	case at(0x438, "\x53\xef"):
		return "an ext file system"
	case at(0, "XFSB"), at(0, "hsqs"), at(3, "NTFS"), at(0x52, "FAT32"), at(0x36, "FAT"):
		return "a file system"
	case at(0x218, "LVM2"), at(512, "LABELONE"):
		return "a volume of LVM"
	case at(510, "\x55\xaa"):
		return "partitions or a boot sector"
	case len(bytes.Trim(head, "\x00")) == 0:
		return "nothing at its beginning"
	}
	return "something unknown"
}
