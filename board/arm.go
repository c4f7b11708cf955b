// SPDX-License-Identifier: Apache-2.0

package board

import "time"

var bpiR3 = Board{
	Name:        "bananapi-bpi-r3",
	Description: "Banana Pi BPI-R3: MediaTek MT7986, five copper and two SFP ports, no panel",
	Arch:        "arm64",
	Match:       []Match{{Compatible: "bananapi,bpi-r3"}},
	Ports: []Port{
		{Name: "wan", Interface: "wan", Driver: "mt7530", Management: true},
		{Name: "lan0", Interface: "lan0", Driver: "mt7530"}, {Name: "lan1", Interface: "lan1", Driver: "mt7530"},
		{Name: "lan2", Interface: "lan2", Driver: "mt7530"}, {Name: "lan3", Interface: "lan3", Driver: "mt7530"},
		{Name: "sfp1", Interface: "eth1", Driver: "mtk_soc_eth"},
		{Name: "sfp2", Interface: "lan4", Driver: "mt7530"},
	},
	LEDs: []LED{{UsePower, "green", "green:power"}, {UseStatus, "blue", "blue:status"}},
	Watchdog: &Watchdog{Device: "/dev/watchdog0", Driver: "mtk_wdt",
		Timeout: 30 * time.Second},
	Sensors:   []Sensor{{Chip: "cpu_thermal", Input: "temp1", Name: "CPU"}, {Chip: "pwmfan", Input: "fan1", Name: "fan"}},
	Console:   Console{Devices: []string{"ttyS0"}, Speed: 115200},
	Keys:      []Key{{Device: "gpio-keys", Code: "KEY_RESTART", Use: "reset"}},
	Disk:      "/dev/mmcblk0",
	Buildroot: Buildroot{Defconfig: "evener_aarch64_defconfig", DeviceTree: "mediatek/mt7986a-bananapi-bpi-r3"},
	Sources: []Source{
		{"model and compatible, switch ports wan and lan0 to lan4, gmac1 and lan4 on the SFP cages, LEDs, reset key, serial0 at 115200, watchdog, PWM fan",
			"Linux arch/arm64/boot/dts/mediatek/mt7986a-bananapi-bpi-r3.dts"},
		{"an LED without a label is named colour:function", "Linux Documentation/leds/leds-class.rst"},
		{"a watchdog of at most 31 s", "Linux drivers/watchdog/mtk_wdt.c (WDT_MAX_TIMEOUT)"},
	},
	Unknown: []string{"gmac1 is eth1 where gmac0 is registered first, as the aliases have it",
		"the fan has no tachometer in the device tree, so that its revolutions are not known"},
}

var nanopiR6S = Board{
	Name:        "nanopi-r6s",
	Description: "FriendlyElec NanoPi R6S: Rockchip RK3588S, a 1 Gbit/s and two 2.5 Gbit/s ports, no panel",
	Arch:        "arm64",
	Match:       []Match{{Compatible: "friendlyarm,nanopi-r6s"}},
	Ports: []Port{
		{Name: "wan", PCI: "0003:31:00.0", Driver: "r8169", LED: "wan_led", Management: true},
		{Name: "lan1", PCI: "0004:41:00.0", Driver: "r8169", LED: "lan1_led"},
		{Name: "lan2", Bus: "fe1c0000.ethernet", Driver: "rk_gmac-dwmac", LED: "lan2_led"},
	},
	LEDs:      []LED{{UseStatus, "red", "sys_led"}},
	Console:   Console{Devices: []string{"ttyS2"}, Speed: 1500000},
	Disk:      "/dev/mmcblk1",
	Buildroot: Buildroot{Defconfig: "evener_aarch64_defconfig", DeviceTree: "rockchip/rk3588s-nanopi-r6s"},
	Sources: []Source{
		{"model and compatible, LEDs sys_led, wan_led, lan1_led and lan2_led, serial2 at 1500000, eMMC as mmc1",
			"Linux arch/arm64/boot/dts/rockchip/rk3588s-nanopi-r6s.dts and rk3588s-nanopi-r6.dtsi"},
		{"LAN2 is fe1c0000.ethernet, LAN1 is 0004:41:00.0, WAN is 0003:31:00.0, by the case", "github.com/mj22226/openwrt/pull/4"},
	},
	Unknown: []string{"the user button sends BTN_1 and has no meaning to this firmware",
		"the colour of sys_led is that of the case, as the device tree names none"},
}
