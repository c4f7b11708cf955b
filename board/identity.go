// SPDX-License-Identifier: Apache-2.0

package board

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"
)

// An Identity is what a machine tells of itself. Texts that only hold a place, as
// white boxes have them, are left out.
type Identity struct {
	Vendor, Product, Version string   // of DMI's system
	BoardVendor, BoardName   string   // of its main board
	BIOS                     string   // version
	Model                    string   // of the device tree
	Compatible               []string // of the device tree, the most specific first
	NICs                     []NIC    // in the order of their addresses
	Empty                    []string // DMI fields that only hold a place, as NAME="TEXT"
}

// A NIC is a network controller.
type NIC struct {
	Interface string // by the kernel
	Address   string // on the PCI bus, such as "0000:01:00.0"; else the device's name
	ID        string // "8086:1539"; "" not on a PCI bus
	Driver    string
}

// maxIdentity bounds one text, in bytes.
const maxIdentity = 256

// Identify reads what the machine below root tells; root is "/" or a recorded tree.
// What is not there is left empty.
func Identify(root fs.FS) Identity {
	var id Identity
	for _, f := range []struct {
		file string
		to   *string
	}{
		{"sys_vendor", &id.Vendor}, {"product_name", &id.Product}, {"product_version", &id.Version},
		{"board_vendor", &id.BoardVendor}, {"board_name", &id.BoardName}, {"bios_version", &id.BIOS},
	} {
		b, err := fs.ReadFile(root, "sys/class/dmi/id/"+f.file)
		if err != nil {
			continue
		}
		if text := clean(b); placeholder(text) {
			id.Empty = append(id.Empty, f.file+"="+quote(text))
		} else {
			*f.to = text
		}
	}
	for _, dir := range []string{"proc/device-tree", "sys/firmware/devicetree/base"} {
		if b, err := fs.ReadFile(root, dir+"/compatible"); err == nil && id.Compatible == nil {
			id.Compatible = nulList(b)
		}
		if b, err := fs.ReadFile(root, dir+"/model"); err == nil && id.Model == "" {
			id.Model = clean(b)
		}
	}
	id.NICs = nics(root)
	return id
}

// nics lists the network controllers. Interfaces without a device, such as bridges
// and the loopback, are none.
func nics(root fs.FS) []NIC {
	const dir = "sys/class/net"
	entries, _ := fs.ReadDir(root, dir)
	var out []NIC
	for _, e := range entries {
		device := path.Join(dir, e.Name(), "device")
		if _, err := fs.Stat(root, device); err != nil {
			continue
		}
		n := NIC{Interface: e.Name()}
		// The uevent is one small file; links would not survive in a recorded tree.
		b, _ := fs.ReadFile(root, device+"/uevent")
		for line := range strings.Lines(string(b[:min(len(b), 4096)])) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			switch key {
			case "DRIVER":
				n.Driver = clean([]byte(value))
			case "PCI_SLOT_NAME":
				n.Address = clean([]byte(value))
			case "PCI_ID":
				n.ID = strings.ToLower(clean([]byte(value)))
			}
		}
		if n.Address == "" {
			if to, err := fs.ReadLink(root, device); err == nil {
				n.Address = path.Base(to) // such as virtio0
			}
		}
		out = append(out, n)
	}
	slices.SortStableFunc(out, func(a, b NIC) int {
		if c := natural(a.Address, b.Address); c != 0 {
			return c
		}
		return natural(a.Interface, b.Interface)
	})
	return out
}

// natural compares like a person: virtio10 comes after virtio9.
func natural(a, b string) int {
	x, y := strings.TrimRight(a, "0123456789"), strings.TrimRight(b, "0123456789")
	if x != y {
		return strings.Compare(a, b)
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// placeholders are what makers leave in DMI where they should say something, in
// lower case.
var placeholders = []string{
	"to be filled by o.e.m.",
	"to be filled by oem", "default string", "system manufacturer", "system product name",
	"system version", "base board manufacturer", "base board product name", "not applicable", "not specified",
	"not available", "none", "n/a", "na", "o.e.m.", "oem", "unknown", "undefined", "empty", "invalid", "type1productconfigid",
	"x.x", "0", "0123456789", "123456789", "sku", "product name", "manufacturer",
}

// placeholder reports whether text says nothing.
func placeholder(text string) bool {
	text = strings.ToLower(text)
	return strings.Trim(text, " .-_*?xX0\"") == "" || slices.Contains(placeholders, text)
}

// clean makes one short line of what a file holds.
func clean(b []byte) string {
	b = b[:min(len(b), maxIdentity)]
	text, _, _ := strings.Cut(string(b), "\x00")
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// nulList reads the list of a property of the device tree, whose texts end in NUL.
func nulList(b []byte) []string {
	var out []string
	for s := range strings.SplitSeq(string(b[:min(len(b), 4096)]), "\x00") {
		if s = clean([]byte(s)); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func quote(s string) string { return `"` + s + `"` }
