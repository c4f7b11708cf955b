// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type fakeModules struct {
	asked []string
	late  func(string)
	fail  string
}

// Wanted finds the devices of a test where all of them are.
func (m *fakeModules) Wanted(root string) (list []string) {
	files, _ := filepath.Glob(filepath.Join(root, "sys/bus/*/devices/*/modalias"))
	for _, f := range files {
		list = append(list, strings.TrimSpace(read(f)))
	}
	return list
}

func (m *fakeModules) For(alias string) error {
	m.asked = append(m.asked, alias)
	if m.late != nil {
		m.late(alias)
	}
	if alias == m.fail {
		return errors.New("refused")
	}
	return nil
}

func TestDriversAreLoadedOnceAndThoseOfProcessorsLater(t *testing.T) {
	root, m := t.TempDir(), &fakeModules{fail: "usb:sick"}
	for name, alias := range map[string]string{"a": "pci:nic\n", "b": "pci:nic\n", "c": "cpu:type:x86\n", "d": "usb:sick\n", "e": "\n"} {
		put(t, root, "sys/bus/pci/devices/"+name+"/modalias", alias)
	}
	m.late = func(alias string) {
		if alias == "pci:nic" {
			put(t, root, "sys/bus/virtio/devices/child/modalias", "virtio:net\n")
		}
	}
	var told strings.Builder
	d := NewDevices(root, m, slog.New(slog.NewTextHandler(&told, nil)))
	d.ColdPlug()
	slices.Sort(m.asked)
	if want := []string{"pci:nic", "usb:sick", "virtio:net"}; !slices.Equal(m.asked, want) {
		t.Errorf("asked for %q, want %q", m.asked, want)
	}
	if got := told.String(); !strings.Contains(got, "usb:sick") || !strings.Contains(got, "refused") {
		t.Errorf("it tells %q of the driver that is refused", got)
	}
	m.asked = nil
	d.take(Uevent{Action: "add", Env: map[string]string{"MODALIAS": "usb:stick"}})
	d.take(Uevent{Action: "remove", Env: map[string]string{"MODALIAS": "usb:gone"}})
	d.Later()
	d.take(Uevent{Action: "add", Env: map[string]string{"MODALIAS": "cpu:hotplugged"}})
	if want := []string{"usb:stick", "cpu:type:x86", "cpu:hotplugged"}; !slices.Equal(m.asked, want) {
		t.Errorf("asked for %q, want %q", m.asked, want)
	}
}

func TestSerialLinesOnUSBHaveTheirNames(t *testing.T) {
	root := t.TempDir()
	usb := "sys/devices/pci/usb1/1-2"
	put(t, root, usb+"/product", "CrystalFontz CFA635-USB LCD\n")
	put(t, root, usb+"/manufacturer", "Crystalfontz\n")
	put(t, root, usb+"/serial", "CF036687\n")
	put(t, root, usb+"/1-2:1.0/bInterfaceNumber", "00\n")
	put(t, root, usb+"/1-2:1.0/ttyUSB0/port_number", "0\n")
	put(t, root, "sys/devices/platform/serial/ttyS0/x", "")
	for tty, to := range map[string]string{"ttyUSB0": usb + "/1-2:1.0/ttyUSB0", "ttyS0": "sys/devices/platform/serial/ttyS0"} {
		dir := filepath.Join(root, "sys/class/tty", tty)
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.Symlink(filepath.Join(root, to), filepath.Join(dir, "device"))); err != nil {
			t.Fatal(err)
		}
	}
	put(t, root, byID+"/stale", "")
	d := NewDevices(root, &fakeModules{}, quiet)
	for range 2 {
		if err := d.LinkSerial(); err != nil {
			t.Fatal(err)
		}
	}
	list, err := os.ReadDir(filepath.Join(root, byID))
	const want = "usb-Crystalfontz_CrystalFontz_CFA635-USB_LCD_CF036687-if00-port0"
	if err != nil || len(list) != 1 || list[0].Name() != want {
		t.Fatalf("names %v, %v, want %s", list, err, want)
	}
	if to, _ := os.Readlink(filepath.Join(root, byID, want)); to != "../../ttyUSB0" {
		t.Errorf("it leads to %q", to)
	}
}

func TestUeventIsRead(t *testing.T) {
	u, err := ParseUevent([]byte("add@/devices/pci/x\x00ACTION=add\x00MODALIAS=pci:v1=2\x00no\x00SEQNUM=9\x00"))
	if err != nil || u.Action != "add" || u.Path != "/devices/pci/x" ||
		!maps.Equal(u.Env, map[string]string{"ACTION": "add", "MODALIAS": "pci:v1=2", "SEQNUM": "9"}) {
		t.Errorf("ParseUevent = %+v, %v", u, err)
	}
	for _, bad := range []string{"", "add", "add@/x", "@/x\x00", "add@x\x00", "libudev\x00\xfe\xed", strings.Repeat("a", maxUevent+1)} {
		if _, err := ParseUevent([]byte(bad)); err == nil {
			t.Errorf("ParseUevent(%.20q) is taken", bad)
		}
	}
}

func FuzzParseUevent(f *testing.F) {
	f.Add([]byte("add@/devices/pci/x\x00ACTION=add\x00MODALIAS=pci:v1\x00"))
	f.Add([]byte("remove@/devices/y\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := ParseUevent(b)
		if err == nil && (u.Action == "" || !strings.HasPrefix(u.Path, "/") || u.Env == nil) {
			t.Errorf("ParseUevent(%q) = %+v", b, u)
		}
	})
}
