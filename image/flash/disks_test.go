// SPDX-License-Identifier: Apache-2.0

package flash

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// machine makes the files of a machine below a folder. A name that ends in @ is a
// link.
func machine(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, strings.TrimSuffix(name, "@"))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if strings.HasSuffix(name, "@") {
			err = os.Symlink(text, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestDisksOfAMachineAreListed(t *testing.T) {
	const pci, usb = "../../devices/pci0000:00/ata1/block/", "../../devices/pci0000:00/usb1/1-1/block/"
	root := machine(t, map[string]string{
		"sys/class/block/sda@":  pci + "sda",
		"sys/class/block/sda1@": pci + "sda/sda1",
		"sys/class/block/sdb@":  usb + "sdb",
		"sys/class/block/sdc@":  pci + "sdc",
		"sys/class/block/sdc2@": pci + "sdc/sdc2",
		"sys/class/block/sdd@":  pci + "sdd",
		"sys/class/block/sde@":  pci + "sde",
		"sys/class/block/sdf@":  pci + "sdf",

		"sys/devices/pci0000:00/ata1/block/sda/size":            "500000000\n",
		"sys/devices/pci0000:00/ata1/block/sda/device/model":    "SSD 870\x1b[31m  \n",
		"sys/devices/pci0000:00/ata1/block/sda/device/vendor":   "ATA     \n",
		"sys/devices/pci0000:00/ata1/block/sda/device/vpd_pg80": "\x00\x80\x00\x08S5Y1NX0R\n",
		"sys/devices/pci0000:00/ata1/block/sda/sda1/partition":  "1\n",
		"sys/devices/pci0000:00/ata1/block/sda/sda1/dev":        "8:1\n",
		"sys/devices/pci0000:00/usb1/1-1/block/sdb/size":        "8000000\n",
		"sys/devices/pci0000:00/ata1/block/sdc/size":            "4000000000\n",
		"sys/devices/pci0000:00/ata1/block/sdc/sdc2/partition":  "2\n",
		"sys/devices/pci0000:00/ata1/block/sdd/size":            "4000000\n",
		"sys/devices/pci0000:00/ata1/block/sdd/holders/dm-0":    "",
		"sys/devices/pci0000:00/ata1/block/sde/size":            "0\n",
		"sys/devices/pci0000:00/ata1/block/sdf/size":            "4000000\n",
		"sys/devices/pci0000:00/ata1/block/sdf/ro":              "1\n",
		"sys/class/block/sdg@":                                  pci + "sdg",
		"sys/devices/pci0000:00/ata1/block/sdg/size":            "2000000\n",
		"dev/sdg":                    "junk",
		"sys/class/block/loop0/size": "8\n",
		"proc/self/mountinfo":        "22 1 8:1 / / ro - squashfs /dev/sda1 ro\n23 1 0:5 / /dev rw - devtmpfs none rw\n",
		"proc/swaps":                 "Filename Type\n/dev/sdc2 partition 1 2 3\n",
		"dev/sda":                    strings.Repeat("\x00", 1<<16),
		"dev/sdb":                    strings.Repeat("\x00", 0x438) + "\x53\xef" + strings.Repeat("\x00", 1<<12),
		"dev/sdc":                    strings.Repeat("\x00", 510) + "\x55\xaa",
		"dev/sdd":                    "junk",
		"dev/sdf":                    "junk",
	})
	list, err := Disks(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ line, used, id string }{
		{"sda, 256.0 GB, SSD 870[31m, serial S5Y1NX0R: nothing at its beginning", "sda1 is what this system runs from", "S5Y1NX0R"},
		{"sdb, 4.1 GB, USB: an ext file system", "", "4096000000"},
		{"sdc, 2.0 TB: partitions or a boot sector", "sdc2 is used for swapping", "2048000000000"},
		{"sdd, 2.0 GB: something unknown", "sdd belongs to dm-0", "2048000000"},
		{"sdf, 2.0 GB: something unknown", "sdf is write-protected", "2048000000"},
		{"sdg, 1.0 GB: something unknown", "it is too small: it has 1.0 GB, and at least 1.2 GB are needed", "1024000000"},
	}
	if len(list) != len(want) {
		t.Fatalf("Disks = %v", list)
	}
	for i, d := range list {
		if d.String() != want[i].line || d.Used != want[i].used || d.ID() != want[i].id {
			t.Errorf("disk %d = %q, used %q, ID %q; want %+v", i, d, d.Used, d.ID(), want[i])
		}
	}
	if got := wholeDisk(root, "sdc2"); got != "/dev/sdc" {
		t.Errorf("sdc2 is on %s", got)
	}
}
