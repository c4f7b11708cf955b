// SPDX-License-Identifier: Apache-2.0

package board

import "time"

const (
	openwrtNetwork = "OpenWrt target/linux/x86/base-files/etc/board.d/02_network"
	openwrtLEDs    = "OpenWrt target/linux/x86/base-files/etc/board.d/01_leds"
	openwrtNames   = "OpenWrt target/linux/x86/base-files/lib/preinit/01_sysinfo"
)

var apu2 = Board{
	Name:        "pcengines-apu2",
	Description: "PC Engines APU2 and APU3: three Intel i210 or i211 ports, no panel",
	Arch:        "amd64",
	Match: []Match{
		{Vendor: "PC Engines", BoardName: "apu2"}, {Vendor: "PC Engines", BoardName: "PC Engines apu2"},
		{Vendor: "PC Engines", BoardName: "apu3"}, {Vendor: "PC Engines", BoardName: "PC Engines apu3"},
		{Vendor: "PC Engines", Product: "apu2"}, {Vendor: "PC Engines", Product: "apu3"},
	},
	Ports: []Port{
		{Name: "1", Order: 1, Driver: "igb", Management: true},
		{Name: "2", Order: 2, Driver: "igb"},
		{Name: "3", Order: 3, Driver: "igb"},
	},
	LEDs: []LED{
		{UsePower, "green", "apu2:green:led1"}, {UseStatus, "green", "apu2:green:led2"}, {UseAlarm, "green", "apu2:green:led3"},
		{UsePower, "green", "apu3:green:led1"}, {UseStatus, "green", "apu3:green:led2"}, {UseAlarm, "green", "apu3:green:led3"},
		{UsePower, "green", "apu:green:1"}, {UseStatus, "green", "apu:green:2"}, {UseAlarm, "green", "apu:green:3"},
	},
	Watchdog: &Watchdog{Device: "/dev/watchdog0", Driver: "sp5100_tco", Timeout: 30 * time.Second},
	Sensors:  []Sensor{{Chip: "k10temp", Input: "temp1", Name: "CPU"}},
	Console:  Console{Devices: []string{"ttyS0"}, Speed: 115200},
	Keys:     []Key{{Device: "apu2-keys", Code: "KEY_RESTART", Use: "reset"}, {Device: "Power Button", Code: "KEY_POWER", Use: "power"}},
	Buildroot: Buildroot{Defconfig: "evener_x86_64_defconfig",
		Modules: []string{"sp5100_tco", "leds_gpio", "gpio_amd_fch", "pcengines_apuv2", "k10temp"}},
	Sources: []Source{
		{"DMI names of old and new firmware; LEDs apu:green:1 to 3; key KEY_RESTART of the device apu2-keys", "Linux drivers/platform/x86/pcengines-apuv2.c"},
		{"LEDs apu2:green:led1 to 3 where the firmware (4.10 and later) describes them to ACPI", "pcengines/apu2-documentation docs/gpios.md"},
		{"console on COM1, 115200 bit/s", "pcengines/apu2-documentation docs/serial_console.md"},
		{"three ports behind the bridges 00:02.2 to 00:02.4; an mPCIe card shifts their addresses, so the order counts", "coreboot src/mainboard/pcengines/apu2/devicetree.cb; pcengines/apu2-documentation docs/order_of_PCI_addresses.md"},
		{"eth0 is meant for the outside", openwrtNetwork},
		{"watchdog of AMD's FCH", "Linux drivers/watchdog/sp5100_tco.c"},
	},
	Unknown: []string{"the sockets bear no numbers: 1 is the first by address, and the comments of coreboot number them the other way round",
		"the LEDs are green only, so that alarms differ by blinking",
		"limits of temperatures, but for what the kernel says"},
}

var sophos230 = Board{
	Name:        "sophos-230r2",
	Description: "Sophos SG and XG 210 revision 3 and 230 revision 2, made by CASwell, with an EZIO panel",
	Arch:        "amd64",
	Match: []Match{
		{Vendor: "Sophos", Product: "SG", Version: "230r2*"}, {Vendor: "Sophos", Product: "XG", Version: "230r2*"},
		{Vendor: "Sophos", Product: "SG", Version: "210r3*"}, {Vendor: "Sophos", Product: "XG", Version: "210r3*"},
	},
	Ports: []Port{
		{Name: "1", Order: 1, Driver: "igb", Management: true},
		{Name: "2", Order: 2, Driver: "igb"}, {Name: "3", Order: 3, Driver: "igb"}, {Name: "4", Order: 4, Driver: "igb"},
		{Name: "5", Order: 5, Driver: "igb"}, {Name: "6", Order: 6, Driver: "igb"},
		{Name: "sfp1", Order: 7, Driver: "igb"}, {Name: "sfp2", Order: 8, Driver: "igb"},
	},
	Panel:     &Panel{Driver: "ezio300", Device: "/dev/ttyS1", Speed: 2400, Rows: 2, Cols: 16},
	Watchdog:  &Watchdog{Device: "/dev/watchdog0", Driver: "w83627hf_wdt", Timeout: 30 * time.Second},
	Console:   Console{Devices: []string{"ttyS0", "tty1"}, Speed: 38400},
	Keys:      genericKeys,
	Buildroot: Buildroot{Defconfig: "evener_x86_64_defconfig", Modules: []string{"w83627hf_wdt", "nct6775", "coretemp"}},
	Sources: []Source{
		{"six copper ports eth0 to eth5 and two SFP ports eth6 and eth7, all igb; eth1 is marked WAN", "github.com/openwrt/openwrt/pull/21959"},
		{"vendor Sophos, product SG or XG, the model in the version", openwrtNames},
		{"16x2 display on COM2, taken by LCDproc's type for Portwell EZIO-100 and EZIO-300", "a Sophos XG 230 owner's guide for pfSense; LCDproc server/drivers/hd44780-serial.h (2400 bit/s)"},
		{"Super I/O Nuvoton NCT6779D: monitor, watchdog, COM1 at 3f8 and COM2 at 2f8", "ulyssedu45/sg230 sg230r2/devicetree.cb (coreboot); Linux drivers/watchdog/w83627hf_wdt.c"},
		{"the firmware speaks 38400 bit/s on the console", "github.com/openwrt/openwrt/pull/4826"},
	},
	Unknown: []string{"the numbers of the sockets: they follow the interfaces, which OpenWrt found to be so",
		"whether the keys are those of the EZIO-100 or of the EZIO-300; if Up is Escape, take driver ezio100",
		"GPIO lines of the LEDs, and of bypass relays if there are any", "limits of fans and voltages"},
}

var mx100 = Board{
	Name:        "cisco-mx100",
	Description: "Cisco Meraki MX100: a management port and eleven others, no panel",
	Arch:        "amd64",
	Match:       []Match{{Vendor: "Cisco", Product: "MX100-HW"}},
	Ports: []Port{
		{Name: "mgmt", PCI: "0000:03:00.3", Management: true},
		{Name: "wan", PCI: "0000:03:00.2", LED: "mx100:green:internet"},
		{Name: "2", PCI: "0000:03:00.1", LED: "mx100:green:lan2"},
		{Name: "3", PCI: "0000:03:00.0", LED: "mx100:green:lan3"},
		{Name: "4", PCI: "0000:01:00.2", LED: "mx100:green:lan4"},
		{Name: "5", PCI: "0000:01:00.1", LED: "mx100:green:lan5"},
		{Name: "6", PCI: "0000:01:00.4", LED: "mx100:green:lan6"},
		{Name: "7", PCI: "0000:01:00.3", LED: "mx100:green:lan7"},
		{Name: "8", PCI: "0000:02:00.1", LED: "mx100:green:lan8"},
		{Name: "9", PCI: "0000:02:00.0", LED: "mx100:green:lan9"},
		{Name: "10", PCI: "0000:02:00.3", LED: "mx100:green:lan10"},
		{Name: "11", PCI: "0000:02:00.2", LED: "mx100:green:lan11"},
	},
	LEDs: []LED{
		{UsePower, "green", "mx100:green:tricolor"},
		{UseStatus, "green", "mx100:green:ha"}, {UseStatus, "yellow", "mx100:orange:ha"},
		{UseAlarm, "yellow", "mx100:orange:usb"},
	},
	Watchdog:  &Watchdog{Device: "/dev/watchdog0", Driver: "iTCO_wdt", Timeout: 30 * time.Second},
	Console:   Console{Devices: []string{"ttyS0"}, Speed: 115200},
	Keys:      []Key{{Device: "gpio-keys-polled", Code: "KEY_RESTART", Use: "reset"}, {Device: "Reset", Code: "KEY_RESTART", Use: "reset"}},
	Buildroot: Buildroot{Defconfig: "evener_x86_64_defconfig", Modules: []string{"meraki_mx100", "lpc_ich", "gpio_ich", "leds_gpio", "iTCO_wdt", "coretemp"}},
	Sources: []Source{
		{"which address is which socket", openwrtNetwork},
		{"DMI names, LEDs of the ports, of HA and USB, and the reset key", "Linux drivers/platform/x86/meraki-mx100.c"},
		{"mx100:green:tricolor is lit as the sign of life", openwrtLEDs},
	},
	Unknown: []string{"the chips of the ports, and so their driver", "that LED lan2 is that of port 2 follows from the names only",
		"the watchdog of the chip set (iTCO) is assumed from the LPC bridge that the LED driver uses; board check tells whether it is there",
		"fans and voltages: no public document names the chip"},
}

var e302 = Board{
	Name:        "supermicro-e302-9d",
	Description: "Supermicro SYS-E302-9D: eight ports, and room for a CrystalFontz CFA-635 on USB",
	Arch:        "amd64",
	Match:       []Match{{Vendor: "Supermicro", Product: "SYS-E302-9D"}},
	Ports: []Port{
		{Name: "1", Interface: "eth0", Management: true}, {Name: "2", Interface: "eth1"}, {Name: "3", Interface: "eth2"}, {Name: "4", Interface: "eth3"},
		{Name: "5", Interface: "eth4"}, {Name: "6", Interface: "eth5"}, {Name: "7", Interface: "eth6"}, {Name: "8", Interface: "eth7"},
	},
	Panel:     &usbPanel,
	Watchdog:  &Watchdog{Device: "/dev/watchdog0", Driver: "iTCO_wdt", Timeout: 30 * time.Second},
	Console:   Console{Devices: []string{"ttyS0", "tty1"}, Speed: 115200},
	Keys:      genericKeys,
	Buildroot: Buildroot{Defconfig: "evener_x86_64_defconfig", Modules: []string{"iTCO_wdt", "ftdi_sio", "coretemp"}},
	Sources: []Source{
		{"eight interfaces eth0 to eth7, vendor and product", openwrtNetwork},
		usbPanelSource,
	},
	Unknown: []string{"which interface is which socket: the numbers follow the interfaces",
		"fans, voltages and limits are with the BMC (IPMI), which is not asked",
		"the watchdog of the chip set (iTCO) is assumed, as Intel's have it; board check tells whether it is there",
		"the speed of the console is that of the firmware's settings"},
}

var p210 = Board{
	Name:        "checkpoint-p210",
	Description: "Check Point P-210 (12200), made by Portwell: eight Intel 82574L ports, EZIO-G500 panel",
	Arch:        "amd64",
	Match: []Match{{Weak: true, PCI: []string{"8086:10d3", "8086:10d3", "8086:10d3", "8086:10d3",
		"8086:10d3", "8086:10d3", "8086:10d3", "8086:10d3"}}},
	Ports: []Port{
		{Name: "1", Order: 1, Driver: "e1000e", Management: true}, {Name: "2", Order: 2, Driver: "e1000e"},
		{Name: "3", Order: 3, Driver: "e1000e"}, {Name: "4", Order: 4, Driver: "e1000e"},
		{Name: "5", Order: 5, Driver: "e1000e"}, {Name: "6", Order: 6, Driver: "e1000e"},
		{Name: "7", Order: 7, Driver: "e1000e"}, {Name: "8", Order: 8, Driver: "e1000e"},
	},
	Panel:     &Panel{Driver: "ezio-g500", Device: "/dev/ttyS1", Speed: 115200, Rows: 8, Cols: 16, LEDs: 3},
	Console:   Console{Devices: []string{"ttyS0", "tty1"}, Speed: 9600},
	Keys:      genericKeys,
	Buildroot: Buildroot{Defconfig: "evener_x86_64_defconfig", Modules: []string{"coretemp"}},
	Sources: []Source{
		{"EZIO-G500, 128x64 dots, 16x8 characters, on COM2 at 115200 bit/s 8N1; eight 82574L", "dpaschal/checkpoint-lcd README.md"},
		{"82574L is 8086:10d3, driver e1000e", "Linux drivers/net/ethernet/intel/e1000e/hw.h (E1000_DEV_ID_82574L)"},
	},
	Unknown: []string{"what DMI says: choose the board by name; the message of unknown hardware names it where the ports fit",
		"which controller is which socket, so the numbers follow the addresses", "which of A to G each key sends: learn it with panel keys",
		"the speed of the console: 9600 is what Check Point's guides tell its owners to use", "watchdog and sensors: a Winbond Super I/O of no published type"},
}
