// SPDX-License-Identifier: Apache-2.0

package board

import "time"

// usbPanel is a CrystalFontz CFA-635 on USB, which many fit into a box of their own:
// the only panel that tells by itself what it is.
var usbPanel = Panel{
	Driver: "cfa635", Device: "/dev/serial/by-id/usb-Crystalfontz_*CFA635*", Speed: 115200,
	Rows: 4, Cols: 20, LEDs: 4, Optional: true,
}

var usbPanelSource = Source{"a CFA-635 on USB has an FTDI bridge 0403:fc0d that names itself, and speaks 115200 8N1",
	"Crystalfontz CFA635 data sheet; Linux drivers/usb/serial/ftdi_sio_ids.h (FTDI_CFA_635_PID)"}

// genericKeys are the power buttons that ACPI and device trees bring along.
var genericKeys = []Key{
	{Device: "Power Button", Code: "KEY_POWER", Use: "power"},
	{Device: "gpio-keys", Code: "KEY_POWER", Use: "power"},
}

var genericSource = Source{"ACPI's power button is the input device Power Button, with KEY_POWER",
	"Linux drivers/acpi/button.c"}

var genericX86 = Board{
	Name:        "generic-x86_64",
	Description: "any other x86-64 machine; ports are named after their interfaces",
	Arch:        "amd64",
	Generic:     true,
	Panel:       &usbPanel,
	Watchdog:    &Watchdog{Device: "/dev/watchdog0", Timeout: 30 * time.Second, Optional: true},
	Console:     Console{Devices: []string{"ttyS0", "tty1"}, Speed: 115200},
	Keys:        genericKeys,
	Buildroot:   Buildroot{Defconfig: "evener_x86_64_defconfig"},
	Sources:     []Source{genericSource, usbPanelSource},
	Unknown:     []string{"which socket is which interface: make its LED blink, and name the port by hand"},
}

var genericARM = Board{
	Name:        "generic-arm64",
	Description: "any other 64-bit ARM machine; ports are named after their interfaces",
	Arch:        "arm64",
	Generic:     true,
	Panel:       &usbPanel,
	Watchdog:    &Watchdog{Device: "/dev/watchdog0", Timeout: 30 * time.Second, Optional: true},
	Console:     Console{Devices: []string{"ttyAMA0", "ttyS0", "tty1"}, Speed: 115200},
	Keys:        genericKeys,
	Buildroot:   Buildroot{Defconfig: "evener_aarch64_defconfig"},
	Sources:     []Source{genericSource, usbPanelSource},
	Unknown:     []string{"which socket is which interface: make its LED blink, and name the port by hand"},
}

// qemuPorts are virtio devices in the order of QEMU's command line.
var qemuPorts = []Port{
	{Name: "mgmt", Order: 1, Driver: "virtio_net", Management: true},
	{Name: "1", Order: 2, Driver: "virtio_net", Optional: true},
	{Name: "2", Order: 3, Driver: "virtio_net", Optional: true},
	{Name: "3", Order: 4, Driver: "virtio_net", Optional: true},
	{Name: "4", Order: 5, Driver: "virtio_net", Optional: true},
}

// qemuPanel is a display of the same kind on the second serial port, imitated by
// whatever is at its other end.
var qemuPanel = Panel{Driver: "cfa635", Device: "/dev/ttyS1", Speed: 115200, Rows: 4, Cols: 20, LEDs: 4, Optional: true}

var qemuX86 = Board{
	Name:        "qemu-x86_64",
	Description: "QEMU's PC, with up to five virtio network devices",
	Arch:        "amd64",
	Match:       []Match{{Vendor: "QEMU", Product: "Standard PC*"}},
	Ports:       qemuPorts,
	Panel:       &qemuPanel,
	Watchdog:    &Watchdog{Device: "/dev/watchdog0", Driver: "i6300esb", Timeout: 30 * time.Second, Optional: true},
	Console:     Console{Devices: []string{"ttyS0", "tty1"}, Speed: 115200},
	Keys:        genericKeys,
	Disk:        "/dev/vda",
	Buildroot:   Buildroot{Defconfig: "evener_x86_64_defconfig", Modules: []string{"i6300esb"}},
	Sources: []Source{
		{"vendor QEMU, product Standard PC (i440FX + PIIX, 1996) or Standard PC (Q35 + ICH9, 2009)", "QEMU hw/i386/pc_piix.c, pc_q35.c, fw_cfg.c"},
		{"-device i6300esb is a watchdog that resets the guest", "QEMU hw/watchdog/wdt_i6300esb.c"},
		{"the second -serial is the second of the PC's ports (COM2)", "QEMU hw/isa/isa-superio.c, hw/i386/pc.c"},
		genericSource,
	},
}

var qemuARM = Board{
	Name:        "qemu-aarch64",
	Description: "QEMU's virt machine, with up to five virtio network devices",
	Arch:        "arm64",
	Match:       []Match{{Compatible: "linux,dummy-virt"}, {Vendor: "QEMU", Product: "*Virtual Machine"}},
	Ports:       qemuPorts,
	Watchdog:    &Watchdog{Device: "/dev/watchdog0", Driver: "i6300esb", Timeout: 30 * time.Second, Optional: true},
	Console:     Console{Devices: []string{"ttyAMA0"}, Speed: 115200},
	Keys:        genericKeys,
	Disk:        "/dev/vda",
	Buildroot:   Buildroot{Defconfig: "evener_aarch64_defconfig", Modules: []string{"i6300esb"}},
	Sources: []Source{
		{"compatible linux,dummy-virt, console ttyAMA0 (PL011), power key by gpio-keys", "QEMU hw/arm/virt.c; docs/system/arm/virt.rst"},
		{"with UEFI firmware: vendor QEMU, product QEMU Virtual Machine or KVM Virtual Machine", "QEMU hw/arm/virt.c (virt_build_smbios)"},
		{"-device i6300esb is a watchdog that resets the guest", "QEMU hw/watchdog/wdt_i6300esb.c"},
	},
}
