// SPDX-License-Identifier: Apache-2.0

package board

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Drivers of the packages that board must not import; hal has a test that each of
// them is there.
var (
	panelDrivers  = []string{"cfa631", "cfa633", "cfa635", "mtxorb", "glk", "ezio100", "ezio300", "ezio340", "ezio-g500", "hd44780-i2c", "charlcd", "sim"}
	bypassDrivers = []string{"caswell", "caswell-g3", "silicom", "sim"}
	speeds        = []int{1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1500000}
	keyCodes      = []string{"KEY_POWER", "KEY_RESTART", "KEY_RESET", "KEY_SLEEP"}
	colours       = []string{"green", "yellow", "red", "blue", "white"}
	uses          = []Use{UsePower, UseStatus, UseAlarm, UseLocate, UseActivity}
)

var (
	validName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)
	validPCI  = regexp.MustCompile(`^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$`)
	validID   = regexp.MustCompile(`^[0-9a-f]{4}:[0-9a-f]{4}$`)
	validIn   = regexp.MustCompile(`^(temp|fan|in|power)[0-9]+$`)
)

func TestEveryBoardIsConsistent(t *testing.T) {
	seen := map[string]bool{}
	generic := map[string]string{}
	for _, b := range All() {
		t.Run(b.Name, func(t *testing.T) {
			if seen[b.Name] {
				t.Errorf("there are two boards of this name")
			}
			seen[b.Name] = true
			if !validName.MatchString(b.Name) || b.Name == Auto || b.Description == "" {
				t.Errorf("name %q or description %q is not good", b.Name, b.Description)
			}
			if got, err := ByName(b.Name); err != nil || got.Name != b.Name {
				t.Errorf("ByName = %q, %v", got.Name, err)
			}
			if b.Generic {
				if other := generic[b.Arch]; other != "" || b.Arch == "" {
					t.Errorf("%s is generic for %q too", other, b.Arch)
				}
				generic[b.Arch] = b.Name
			}
			checkMatch(t, b)
			checkPorts(t, b)
			checkPanel(t, b)
			checkDevices(t, b)
			checkSources(t, b)
		})
	}
	for _, arch := range []string{"amd64", "arm64"} {
		if generic[arch] == "" {
			t.Errorf("there is no generic board for %s", arch)
		}
	}
}

func checkMatch(t *testing.T, b Board) {
	if len(b.Match) > 0 && b.Arch == "" {
		t.Error("it is recognised, but has no architecture")
	}
	for _, m := range b.Match {
		if m.weight() == 0 {
			t.Errorf("match %+v fits every machine", m)
		}
		if !m.Weak && m.Product == "" && m.BoardName == "" && m.Compatible == "" {
			t.Errorf("match %+v names no model", m)
		}
		for _, p := range []string{m.Vendor, m.Product, m.Version, m.BoardVendor, m.BoardName} {
			if _, err := path.Match(p, ""); err != nil || placeholder(p) && p != "" {
				t.Errorf("pattern %q is not good: %v", p, err)
			}
		}
		for _, id := range m.PCI {
			if !validID.MatchString(id) {
				t.Errorf("PCI id %q is not written like 8086:1539", id)
			}
		}
	}
}

func checkPorts(t *testing.T, b Board) {
	names, places := map[string]bool{}, map[string]bool{}
	management := 0
	for _, p := range b.Ports {
		if p.Name == "" || names[p.Name] {
			t.Errorf("port %q has no name of its own", p.Name)
		}
		names[p.Name] = true
		where := p.PCI + p.Bus + p.Interface
		if p.Order > 0 {
			where = p.Driver + string(rune('0'+p.Order))
			if p.Driver == "" {
				t.Errorf("port %s counts controllers of no driver", p.Name)
			}
		}
		if where == "" || places[where] {
			t.Errorf("port %s: place %q is missing or taken", p.Name, where)
		}
		places[where] = true
		if p.PCI != "" && !validPCI.MatchString(p.PCI) {
			t.Errorf("port %s: PCI address %q", p.Name, p.PCI)
		}
		if p.Management {
			management++
		}
	}
	if len(b.Ports) > 0 && management != 1 {
		t.Errorf("%d ports are for management, want one", management)
	}
	for _, by := range b.Bypass {
		if !slices.Contains(bypassDrivers, by.Driver) {
			t.Errorf("bypass %s: driver %q", by.Name, by.Driver)
		}
		for _, name := range by.Ports {
			if p, ok := b.Port(name); !ok || p.Bypass != by.Name {
				t.Errorf("bypass %s: port %q is %+v", by.Name, name, p)
			}
		}
	}
}

func checkPanel(t *testing.T, b Board) {
	p := b.Panel
	if p == nil {
		return
	}
	if !slices.Contains(panelDrivers, p.Driver) || p.Rows < 2 || p.Cols < 16 || p.Contrast < 0 || p.Contrast > 100 {
		t.Errorf("panel %+v", p)
	}
	if p.Driver == "sim" != b.Simulated || !b.Simulated && !strings.HasPrefix(p.Device, "/dev/") {
		t.Errorf("panel on %q", p.Device)
	}
	if p.Speed != 0 && !slices.Contains(speeds, p.Speed) {
		t.Errorf("panel at %d bit/s", p.Speed)
	}
	for _, c := range b.Console.Devices {
		if "/dev/"+c == p.Device {
			t.Errorf("panel and console are both on %s", p.Device)
		}
	}
	for code, key := range p.Keys {
		if !slices.Contains([]string{"up", "down", "left", "right", "enter", "escape"}, key) {
			t.Errorf("key %q means %q", code, key)
		}
	}
}

func checkDevices(t *testing.T, b Board) {
	for _, l := range b.LEDs {
		if !slices.Contains(uses, l.Use) || !slices.Contains(colours, l.Colour) || l.Device == "" || strings.Contains(l.Device, "/") {
			t.Errorf("LED %+v", l)
		}
	}
	for _, s := range b.Sensors {
		if s.Chip == "" || !validIn.MatchString(s.Input) || s.High != 0 && s.Critical != 0 && s.High >= s.Critical || s.Low != 0 && s.High != 0 && s.Low >= s.High {
			t.Errorf("sensor %+v", s)
		}
	}
	for _, k := range b.Keys {
		if k.Device == "" || !slices.Contains(keyCodes, k.Code) || k.Use != "power" && k.Use != "reset" {
			t.Errorf("key %+v", k)
		}
	}
	if w := b.Watchdog; w != nil && (w.Device == "" || w.Timeout < 15e9 || w.Timeout > 60e9) {
		t.Errorf("watchdog %+v", w)
	}
	if b.Name != Host.Name && (len(b.Console.Devices) == 0 || !slices.Contains(speeds, b.Console.Speed)) {
		t.Errorf("console %+v", b.Console)
	}
	for _, d := range b.Console.Devices {
		if strings.Contains(d, "/") {
			t.Errorf("console %q is a path", d)
		}
	}
	if !b.Simulated && b.Name != Host.Name && b.Buildroot.Defconfig == "" {
		t.Error("nothing says what its image is built from")
	}
}

func checkSources(t *testing.T, b Board) {
	if !b.Simulated && b.Name != Host.Name && len(b.Sources) == 0 {
		t.Error("no fact has a source")
	}
	for _, s := range b.Sources {
		if s.Fact == "" || s.Where == "" {
			t.Errorf("source %+v", s)
		}
	}
}

func TestThereAreDemoServersOnTheSimulatedBoardOnly(t *testing.T) {
	for _, b := range All() {
		if len(b.Origins) > 0 != (b.Name == "sim") {
			t.Errorf("%s has %d demo servers", b.Name, len(b.Origins))
		}
	}
}

func TestByNameListsTheNames(t *testing.T) {
	_, err := ByName("apu9")
	if err == nil || !strings.Contains(err.Error(), "pcengines-apu2") || !strings.Contains(err.Error(), Auto) {
		t.Errorf("ByName = %v, want the names there are", err)
	}
}
