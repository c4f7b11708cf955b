// SPDX-License-Identifier: Apache-2.0

package board

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestMachinesAreRecognised(t *testing.T) {
	for _, c := range []struct{ tree, arch, want, message string }{
		{"apu2", "amd64", "pcengines-apu2", `vendor is "PC Engines"`},
		{"sophos-xg230r2", "amd64", "sophos-230r2", `version is "230r2"`},
		{"mx100", "amd64", "cisco-mx100", "MX100-HW"},
		{"e302-9d", "amd64", "supermicro-e302-9d", "SYS-E302-9D"},
		{"qemu-q35", "amd64", "qemu-x86_64", "Q35"},
		{"qemu-virt-uefi", "arm64", "qemu-aarch64", "QEMU Virtual Machine"},
		{"qemu-virt", "arm64", "qemu-aarch64", "linux,dummy-virt"},
		{"bpi-r3", "arm64", "bananapi-bpi-r3", "bananapi,bpi-r3"},
		{"r6s", "arm64", "nanopi-r6s", "friendlyarm,nanopi-r6s"},
		{"whitebox", "amd64", "generic-x86_64", `unfilled: sys_vendor="To be filled by O.E.M."`},
		{"p210", "amd64", "generic-x86_64", "--board checkpoint-p210"},
		{"laptop", "amd64", "generic-x86_64", `"LENOVO 20KHCTO1WW" is not known`},
		{"empty", "amd64", "generic-x86_64", "a machine without a name (network controllers: 0)"},
		{"empty", "arm64", "generic-arm64", "ports are named after their interfaces"},
	} {
		t.Run(c.tree+" "+c.arch, func(t *testing.T) {
			r, err := Recognise(tree(t, c.tree), c.arch)
			if err != nil || r.Board.Name != c.want || !strings.Contains(r.Message, c.message) || r.Known() == r.Board.Generic {
				t.Errorf("Recognise = %s, %v, %q, %v; want %s, and %q in the message", r.Board.Name, r.Why, r.Message, err, c.want, c.message)
			}
		})
	}
}

func tree(t *testing.T, name string) fs.FS {
	t.Helper()
	dir := filepath.Join("testdata", name)
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	return os.DirFS(dir)
}

func TestAnArchitectureWithoutABoardIsRefused(t *testing.T) {
	if r, err := Recognise(fstest.MapFS{}, "riscv64"); err == nil || !strings.Contains(err.Error(), "--board") {
		t.Errorf("Recognise = %s, %v; want an error that says what to do", r.Board.Name, err)
	}
}

func TestPortsFindTheirControllers(t *testing.T) {
	for _, c := range []struct{ tree, board, want, rest string }{
		{"apu2", "pcengines-apu2", "1=eth0 2=eth1 3=eth2", "wlan0"},
		{"sophos-xg230r2", "sophos-230r2", "1=eth0 2=eth1 3=eth2 4=eth3 5=eth4 6=eth5 sfp1=eth6 sfp2=eth7", ""},
		{"mx100", "cisco-mx100", "mgmt=eth11 wan=eth10 2=eth9 3=eth8 4=eth1 5=eth0 6=eth3 7=eth2 8=eth5 9=eth4 10=eth7 11=eth6", ""},
		{"qemu-q35", "qemu-x86_64", "mgmt=eth0 1=eth1 2=eth2", ""},
		{"bpi-r3", "bananapi-bpi-r3", "wan=wan lan0=lan0 lan1=lan1 lan2=lan2 lan3=lan3 sfp1=eth1 sfp2=lan4", "eth0"},
		{"r6s", "nanopi-r6s", "wan=eth0 lan1=eth1 lan2=eth2", ""},
		{"whitebox", "generic-x86_64", "eth0=eth0 eth1=eth1 eth2=eth2 eth3=eth3", ""},
		{"empty", "pcengines-apu2", "1=- 2=- 3=-", ""},
	} {
		t.Run(c.tree, func(t *testing.T) {
			b, err := ByName(c.board)
			if err != nil {
				t.Fatal(err)
			}
			ports, rest := b.Assign(Identify(tree(t, c.tree)).NICs)
			var got, left []string
			for _, a := range ports {
				name := a.NIC.Interface
				if !a.Found() {
					name = "-"
				}
				got = append(got, a.Port.Name+"="+name)
			}
			for _, n := range rest {
				left = append(left, n.Interface)
			}
			if g, l := strings.Join(got, " "), strings.Join(left, " "); g != c.want || l != c.rest {
				t.Errorf("Assign = %s and %q; want %s and %q", g, l, c.want, c.rest)
			}
		})
	}
}

func TestSixtyFourPortsOfAWhiteBoxAreNamedInOrder(t *testing.T) {
	root := fstest.MapFS{}
	for i := range 64 {
		root[fmt.Sprintf("sys/class/net/eth%d/device/uevent", i)] = &fstest.MapFile{Data: []byte("DRIVER=dsa\n")}
	}
	ports, rest := genericX86.Assign(Identify(root).NICs)
	if len(ports) != 64 || len(rest) != 0 || ports[9].Port.Name != "eth9" || ports[63].Port.Name != "eth63" {
		t.Errorf("%d ports and %d more; the tenth is %+v", len(ports), len(rest), ports[9])
	}
}

func TestPlaceholdersAreNoNames(t *testing.T) {
	for _, s := range []string{"To be filled by O.E.M.", "TO BE FILLED BY O.E.M.", "Default string", "System Product Name", "", "  ", "0000000", "....", "x.x", "Not Specified"} {
		if text := clean([]byte(s)); !placeholder(text) {
			t.Errorf("placeholder(%q) = false", s)
		}
	}
	for _, s := range []string{"apu2", "SG", "QEMU", "X11SDV-4C-TP8F", "pc-q35-7.2", "XG"} {
		if placeholder(s) {
			t.Errorf("placeholder(%q) = true", s)
		}
	}
}

func FuzzIdentifyDMI(f *testing.F) {
	f.Add("PC Engines\n", "apu2\n", "DRIVER=igb\nPCI_ID=8086:157B\nPCI_SLOT_NAME=0000:01:00.0\n")
	f.Add("To be filled by O.E.M.\n", "\xff\xfe\x00\x1b[31m", "DRIVER\nPCI_ID==\n=\n")
	f.Fuzz(func(t *testing.T, vendor, product, uevent string) {
		root := fstest.MapFS{
			"sys/class/dmi/id/sys_vendor":         {Data: []byte(vendor)},
			"sys/class/dmi/id/product_name":       {Data: []byte(product)},
			"sys/class/net/eth0/device/uevent":    {Data: []byte(uevent)},
			"sys/class/net/eth0/device/something": {Data: []byte("x")},
		}
		r, err := Recognise(root, "amd64")
		if err != nil || r.Board.Name == "" || r.Message == "" {
			t.Fatalf("Recognise = %+v, %v", r, err)
		}
		printable(t, r.Message, r.Identity.Vendor, r.Identity.Product, r.Identity.NICs[0].Driver, r.Identity.NICs[0].Address)
	})
}

func FuzzIdentifyDeviceTree(f *testing.F) {
	f.Add([]byte("Bananapi BPI-R3\x00"), []byte("bananapi,bpi-r3\x00mediatek,mt7986a\x00"))
	f.Add([]byte{0xff, 0x1b}, []byte("\x00\x00no end"))
	f.Fuzz(func(t *testing.T, model, compatible []byte) {
		root := fstest.MapFS{"proc/device-tree/model": {Data: model}, "proc/device-tree/compatible": {Data: compatible}}
		r, err := Recognise(root, "arm64")
		if err != nil || r.Board.Name == "" {
			t.Fatalf("Recognise = %+v, %v", r, err)
		}
		printable(t, append(r.Identity.Compatible, r.Message, r.Identity.Model)...)
	})
}

// printable fails if a text could disturb the terminal on which it is shown.
func printable(t *testing.T, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if len(s) > 4*maxIdentity+1000 || s != clean([]byte(s)) && len(s) <= maxIdentity {
			t.Fatalf("text %q is long, or not printable", s)
		}
	}
}
