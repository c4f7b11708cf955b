// SPDX-License-Identifier: Apache-2.0

package kmod

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A port behind a bridge comes where the bridge is, as the tree has it, not by its own
// number, which would give ports other names.
func TestModaliasesComeInTheOrderOfTheTree(t *testing.T) {
	root := t.TempDir()
	device := func(place, list, alias string) {
		dir := filepath.Join(root, "sys/devices", place)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if alias != "" {
			if err := os.WriteFile(filepath.Join(dir, "modalias"), []byte(alias+"\n"), 0o444); err != nil {
				t.Fatal(err)
			}
		}
		if list == "" {
			return
		}
		link := filepath.Join(root, "sys", list, filepath.Base(place))
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(dir, link); err != nil {
			t.Fatal(err)
		}
	}
	device("pci0000:00/0000:00:1f.6", "bus/pci/devices", "pci:onboard")
	device("pci0000:00/0000:00:1c.0", "bus/pci/devices", "pci:bridge")
	device("pci0000:00/0000:00:1c.0/0000:02:00.0", "bus/pci/devices", "pci:behind")
	device("pci0000:00/0000:00:1c.0/0000:02:00.1", "bus/pci/devices", "pci:behind")
	device("pci0000:00/0000:00:1d.0", "bus/pci/devices", "")
	device("platform/pcspkr", "bus/platform/devices", "platform:pcspkr")
	device("platform/pcspkr/input/input4", "class/input", "input:b0010")
	device("virtual/dmi/id", "class/dmi", "dmi:bvn")
	device("system/cpu", "", "cpu:type:x86")
	if err := os.Symlink("nowhere", filepath.Join(root, "sys/bus/pci/devices/gone")); err != nil {
		t.Fatal(err)
	}
	got := Modaliases(root)
	want := []string{"pci:behind", "pci:bridge", "pci:onboard", "input:b0010", "platform:pcspkr", "cpu:type:x86", "dmi:bvn"}
	if !slices.Equal(got, want) {
		t.Errorf("Modaliases = %q, want %q", got, want)
	}
}
