// SPDX-License-Identifier: Apache-2.0

// Package qemu runs guests that boot an image, for tests, benchmarks and a first
// look without hardware. A [Guest] has a serial console to talk to, a second
// serial port for a front panel, network ports, a watchdog and a reset button.
//
// A guest never writes into the image: what it changes lies in an overlay. It is
// reached by ports of the loopback address alone, and guests reach each other over
// a [Switch] in this process. It is emulated in software (QEMU's tcg), so that no
// right is needed and every machine behaves the same.
//
// Guests are heavy. [Take] hands out the few places there are on a machine, across
// processes; [Start] needs one.
package qemu

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A Firmware is what the guest's machine begins with.
type Firmware string

// The kinds of firmware. BIOS is there for amd64 alone.
const (
	BIOS Firmware = "bios"
	UEFI Firmware = "uefi"
)

// Config describes a guest. Disk is required unless Kernel is given.
type Config struct {
	Arch     string   // amd64 (the default) or arm64
	Firmware Firmware // BIOS for amd64, UEFI for arm64

	// Disk is the image, which stays as it is, in a format that qemu-img knows.
	// Overlay keeps what the guest writes; if it exists already the guest goes on
	// with it. "" is one that goes away with the guest.
	Disk    string
	Overlay string
	// WriteLog is a file that gets everything that the guest writes to its disk, in
	// order, for OpenWriteLog; "" is none. What it had is lost.
	WriteLog string

	// Sticks are further images, as disks on USB, that the guest writes to only in
	// overlays that go away with it. Spare disks are written to.
	Sticks []string
	Spares []string
	USB    bool // where [Guest.Plug] plugs sticks in; with Sticks it is there too

	// Kernel and Initrd are started without any firmware, with Cmdline.
	Kernel, Initrd, Cmdline string

	NICs []NIC // in the order of the board's ports

	// Ahead is by how much the hardware clock differs from this machine's.
	Ahead time.Duration

	MemoryMiB int  // 512
	CPUs      int  // 1
	Panel     bool // a second serial port, for a display; amd64 alone
	Watchdog  bool // one on PCI that resets the guest
	Terminal  bool // the serial console is this process's terminal; Ctrl-A x ends it

	// Dir is for sockets, whose paths must be short, and overlays; "" is a new
	// folder that goes away with the guest.
	Dir string
}

// A NIC is a network port of the guest: either Switch is given, or QEMU's user
// network is at its other end, which gives addresses by DHCP, and where Host is
// the loopback address of this machine.
type NIC struct {
	Switch *Switch
	MAC    string // "" QEMU's own choice, the same for every guest

	// Net is the user network, 10.0.2.0/24 if empty; its third address is Host.
	// Forward are TCP ports of the guest at the address To (the first one that DHCP
	// gives, if empty) that become ports of 127.0.0.1; see [Guest.Port].
	Net     string
	To      string
	Forward []int
	// At are ports of 127.0.0.1 to use for those of Forward; 0 and what is missing
	// is any free one.
	At []int
}

// Programs lists what has to be installed for guests of an architecture, in words
// of /usr/bin.
func Programs(arch string) []string {
	if arch == "arm64" {
		return []string{"qemu-system-aarch64", "qemu-img"}
	}
	return []string{"qemu-system-x86_64", "qemu-img"}
}

// firmwareFiles are code and variables of UEFI where distributions have them.
var firmwareFiles = map[string][][2]string{
	"amd64": {
		{"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},
		{"/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"},
		{"/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},
	},
	"arm64": {
		{"/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"},
		{"/usr/share/edk2/aarch64/QEMU_EFI-pflash.raw", "/usr/share/edk2/aarch64/vars-template-pflash.raw"},
	},
}

// findFirmware returns the files of UEFI for arch.
func findFirmware(arch string) (code, vars string, err error) {
	var tried []string
	for _, pair := range firmwareFiles[arch] {
		if exists(pair[0]) && exists(pair[1]) {
			return pair[0], pair[1], nil
		}
		tried = append(tried, pair[0])
	}
	return "", "", fmt.Errorf("there is no UEFI firmware for %s (Debian's packages ovmf and qemu-efi-aarch64); looked for %s",
		arch, strings.Join(tried, ", "))
}

func noComma(name string) error {
	return fmt.Errorf("%s: QEMU takes no file with a comma in its name", name)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// fill puts the defaults in and refuses what cannot be.
func (c *Config) fill() error {
	if c.Arch == "" {
		c.Arch = "amd64"
	}
	if c.Arch != "amd64" && c.Arch != "arm64" {
		return fmt.Errorf("guests are amd64 or arm64, not %q", c.Arch)
	}
	if c.Firmware == "" {
		c.Firmware = map[string]Firmware{"amd64": BIOS, "arm64": UEFI}[c.Arch]
	}
	switch {
	case c.Firmware != BIOS && c.Firmware != UEFI:
		return fmt.Errorf("the firmware is bios or uefi, not %q", c.Firmware)
	case c.Arch == "arm64" && c.Firmware == BIOS:
		return errors.New("arm64 machines have no BIOS: take uefi")
	case c.Arch == "arm64" && c.Panel:
		return errors.New("the arm64 machine has one serial port alone, so no panel")
	case c.Disk == "" && c.Kernel == "" && len(c.Sticks) == 0:
		return errors.New("a guest needs a disk, a stick or a kernel")
	case c.WriteLog != "" && c.Disk == "":
		return errors.New("a guest without a disk has no log of what it writes there")
	case strings.Contains(c.WriteLog+c.Overlay, ","):
		return noComma(c.WriteLog + c.Overlay)
	}
	for _, name := range append([]string{c.Disk, c.Kernel, c.Initrd}, append(c.Sticks, c.Spares...)...) {
		if name == "" {
			continue
		}
		if strings.Contains(name, ",") {
			return noComma(name)
		}
		if _, err := os.Stat(name); err != nil {
			return err
		}
	}
	if c.MemoryMiB == 0 {
		c.MemoryMiB = 512
	}
	if c.CPUs == 0 {
		c.CPUs = 1
	}
	return nil
}

// args returns QEMU's command line. Sockets and overlays are in dir.
func (c *Config) args(dir string) (program string, args []string, err error) {
	program = Programs(c.Arch)[0]
	machine, cpu := "q35", "max"
	if c.Arch == "arm64" {
		machine, cpu = "virt", "cortex-a72"
	}
	args = []string{
		"-nodefaults", "-no-user-config", "-accel", "tcg", "-M", machine, "-cpu", cpu,
		"-m", strconv.Itoa(c.MemoryMiB), "-smp", strconv.Itoa(c.CPUs), "-display", "none",
		"-action", "watchdog=reset", "-device", "virtio-rng-pci,romfile=",
		"-chardev", "socket,id=qmp,path=" + filepath.Join(dir, "qmp"), "-mon", "chardev=qmp,mode=control",
	}
	if c.Terminal {
		args = append(args, "-serial", "mon:stdio")
	} else {
		args = append(args, "-chardev", "socket,id=serial,path="+filepath.Join(dir, "serial"), "-serial", "chardev:serial")
	}
	if c.Panel {
		args = append(args, "-chardev", "socket,id=panel,path="+filepath.Join(dir, "panel"), "-serial", "chardev:panel")
	}
	if c.Watchdog {
		args = append(args, "-device", "i6300esb")
	}
	if c.Ahead != 0 {
		args = append(args, "-rtc", "base="+time.Now().Add(c.Ahead).UTC().Format("2006-01-02T15:04:05"))
	}
	if c.Kernel != "" {
		args = append(args, "-kernel", c.Kernel, "-append", c.Cmdline)
		if c.Initrd != "" {
			args = append(args, "-initrd", c.Initrd)
		}
	} else if c.Firmware == UEFI {
		code, _, err := findFirmware(c.Arch)
		if err != nil {
			return "", nil, err
		}
		args = append(args, "-drive", "if=pflash,unit=0,format=raw,readonly=on,file="+code,
			"-drive", "if=pflash,unit=1,format=raw,file="+filepath.Join(dir, "vars.fd"))
	}
	return program, append(args, append(c.diskArgs(dir), c.nicArgs(dir)...)...), nil
}

// overlay is where what the guest writes to its disk lies.
func (c *Config) overlay(dir string) string {
	if c.Overlay != "" {
		return c.Overlay
	}
	return filepath.Join(dir, "disk.qcow2")
}

func (c *Config) diskArgs(dir string) (args []string) {
	// Writes go to the host's memory first, as one that dies with the guest's
	// process keeps them; what the guest asks to be on the disk is.
	if c.Disk != "" {
		drive := "if=none,id=disk,cache=writeback,discard=unmap,"
		if c.WriteLog == "" {
			drive += "format=qcow2,file=" + c.overlay(dir)
		} else {
			drive += "driver=blklogwrites,file.driver=qcow2,file.file.driver=file,file.file.filename=" + c.overlay(dir) +
				",log.driver=file,log.filename=" + c.WriteLog
		}
		args = append(args, "-drive", drive, "-device", "virtio-blk-pci,drive=disk,bootindex=1,serial=evener-disk")
	}
	for i, s := range c.Spares {
		id := fmt.Sprintf("spare%d", i)
		args = append(args, "-drive", "if=none,id="+id+",format=raw,discard=unmap,file="+s,
			"-device", "virtio-blk-pci,drive="+id+",serial=evener-"+id)
	}
	if len(c.Sticks) > 0 || c.USB {
		args = append(args, "-device", "qemu-xhci,id=usb")
	}
	for i := range c.Sticks {
		id := fmt.Sprintf("stick%d", i)
		boot := ""
		if c.Disk == "" && i == 0 {
			boot = ",bootindex=1"
		}
		args = append(args, "-drive", "if=none,id="+id+",format=qcow2,file="+filepath.Join(dir, id+".qcow2"),
			"-device", "usb-storage,bus=usb.0,removable=on,drive="+id+",serial=evener-"+id+boot)
	}
	return args
}

func (c *Config) nicArgs(dir string) (args []string) {
	for i, n := range c.NICs {
		id := "net" + strconv.Itoa(i)
		if n.Switch != nil {
			args = append(args, "-netdev", "stream,id="+id+",server=off,addr.type=unix,addr.path="+n.Switch.path)
		} else {
			args = append(args, "-netdev", n.user(id))
		}
		dev := "virtio-net-pci,romfile=,netdev=" + id + ",id=" + nicID(i)
		if n.MAC != "" {
			dev += ",mac=" + n.MAC
		}
		args = append(args, "-device", dev)
	}
	return args
}

// nicID is the name of the i-th port in QEMU's monitor.
func nicID(i int) string { return "nic" + strconv.Itoa(i) }

// user is QEMU's user network for n.
func (n *NIC) user(id string) string {
	s := "user,id=" + id
	if n.Net != "" {
		s += ",net=" + n.Net
	}
	for i, port := range n.Forward {
		at := 0
		if i < len(n.At) {
			at = n.At[i]
		}
		s += fmt.Sprintf(",hostfwd=tcp:127.0.0.1:%d-%s:%d", at, n.To, port)
	}
	return s
}
