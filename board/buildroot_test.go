// SPDX-License-Identifier: Apache-2.0

package board

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// symbols are the options of the kernel that make the drivers and modules of boards.
var symbols = map[string]string{
	"e1000e": "E1000E", "igb": "IGB", "r8169": "R8169", "virtio_net": "VIRTIO_NET",
	"mt7530": "NET_DSA_MT7530", "mtk_soc_eth": "NET_MEDIATEK_SOC", "rk_gmac-dwmac": "DWMAC_ROCKCHIP",
	"sp5100_tco": "SP5100_TCO", "w83627hf_wdt": "W83627HF_WDT", "iTCO_wdt": "ITCO_WDT", "i6300esb": "I6300ESB_WDT", "mtk_wdt": "MEDIATEK_WATCHDOG",
	"coretemp": "SENSORS_CORETEMP", "k10temp": "SENSORS_K10TEMP", "nct6775": "SENSORS_NCT6775",
	"leds_gpio": "LEDS_GPIO", "gpio_amd_fch": "GPIO_AMD_FCH", "gpio_ich": "GPIO_ICH", "lpc_ich": "LPC_ICH",
	"pcengines_apuv2": "PCENGINES_APU2", "meraki_mx100": "MERAKI_MX100", "ftdi_sio": "USB_SERIAL_FTDI_SIO",
}

// TestBuildrootBuildsWhatBoardsNeed looks the drivers, modules and device trees of
// each board up in what its image is built from.
func TestBuildrootBuildsWhatBoardsNeed(t *testing.T) {
	arches := map[string]string{"amd64": "BR2_x86_64=y", "arm64": "BR2_aarch64=y"}
	for _, b := range All() {
		if b.Buildroot.Defconfig == "" {
			continue
		}
		t.Run(b.Name, func(t *testing.T) {
			config := readTree(t, "configs/"+b.Buildroot.Defconfig)
			if want := arches[b.Arch]; !strings.Contains(config, want+"\n") {
				t.Errorf("%s has no %s", b.Buildroot.Defconfig, want)
			}
			kernel := kernelOf(t, config)
			for _, d := range driversOf(b) {
				symbol, ok := symbols[d]
				if !ok {
					t.Errorf("driver %s: say in the table of this test which option of the kernel makes it", d)
				} else if !regexp.MustCompile(`(?m)^CONFIG_` + symbol + `=[ym]$`).MatchString(kernel) {
					t.Errorf("driver %s: no fragment of %s sets CONFIG_%s", d, b.Buildroot.Defconfig, symbol)
				}
			}
			if dt := b.Buildroot.DeviceTree; dt != "" && !regexp.MustCompile(`BR2_LINUX_KERNEL_INTREE_DTS_NAME=".*\b`+dt+`\b`).MatchString(config) {
				t.Errorf("%s does not build the device tree %s", b.Buildroot.Defconfig, dt)
			}
		})
	}
}

func driversOf(b Board) []string {
	list := append([]string(nil), b.Buildroot.Modules...)
	for _, p := range b.Ports {
		if p.Driver != "" {
			list = append(list, p.Driver)
		}
	}
	if w := b.Watchdog; w != nil && w.Driver != "" {
		list = append(list, w.Driver)
	}
	return list
}

// kernelOf returns the text of all fragments that a defconfig names.
func kernelOf(t *testing.T, config string) string {
	t.Helper()
	var all strings.Builder
	for _, m := range regexp.MustCompile(`\$\(BR2_EXTERNAL_EVENER_PATH\)/(\S+\.fragment)`).FindAllStringSubmatch(config, -1) {
		all.WriteString(readTree(t, m[1]))
	}
	return all.String()
}

func readTree(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../buildroot", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
