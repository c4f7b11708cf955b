// SPDX-License-Identifier: Apache-2.0

package hal

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evener/board"
	"evener/hal/bypass"
	"evener/hal/lcd"
	"evener/hal/sensor"
)

func TestTheSimulatedMachineIsWhole(t *testing.T) {
	m, err := Open(board.Sim, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if len(m.Problems) > 0 || m.Panel == nil || m.Watchdog == nil || m.Sim == nil {
		t.Fatalf("%+v", m)
	}
	d, err := m.Panel(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if i := d.Info(); i.Rows != 4 || i.Cols != 20 {
		t.Errorf("panel %+v", i)
	}
	for _, use := range []string{"power", "status", "alarm", "locate"} {
		if !m.Lamps.Has(use) {
			t.Errorf("there is no %s lamp", use)
		}
	}
	if r := m.Sensors.Read(); len(r) != 6 || r[0].State != sensor.OK {
		t.Errorf("sensors %+v", r)
	}
	if s := m.Bypass.State(); len(s) != 1 || s[0].Mode != bypass.Bypassed {
		t.Errorf("bypass %+v", s)
	}
}

func TestTheSimulatedWatchdogTellsWhenNobodyFeedsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		expired := false
		m, err := Open(board.Sim, Options{WatchdogExpired: func() { expired = true }})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if !expired {
			t.Error("30 s without food, and nobody was told")
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatIsMissingIsListedAndNothingFails(t *testing.T) {
	for _, b := range board.All() {
		t.Run(b.Name, func(t *testing.T) {
			m, err := Open(b, Options{Root: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			all := strings.Join(m.Problems, "\n")
			for what, want := range map[string]bool{
				"watchdog":  b.Watchdog != nil && !b.Watchdog.Optional && !b.Simulated,
				"the panel": b.Panel != nil && !b.Panel.Optional && !b.Simulated,
				"lamp":      len(b.LEDs) > 0 && !b.Simulated,
			} {
				if strings.Contains(all, what) != want {
					t.Errorf("problems tell of %s: %v, want %v:\n%s", what, !want, want, all)
				}
			}
			m.Sensors.Read()
			m.Lamps.State()
			m.Keys.State()
			if err := m.Bypass.Force(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAPanelOnUSBIsFoundByItsName(t *testing.T) {
	b, err := board.ByName("generic-x86_64")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	dir := filepath.Join(root, "dev/serial/by-id")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	m, err := Open(b, Options{Root: root})
	if err != nil || m.Panel != nil {
		t.Errorf("there is a panel where there is none: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "usb-Crystalfontz_Crystalfontz_CFA635-USB_LCD_CF124841-if00-port0"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if m, err = Open(b, Options{Root: root}); err != nil || m.Panel == nil && !strings.Contains(strings.Join(m.Problems, ""), "driver cfa635") {
		t.Errorf("the panel is not found: %v, %v", err, m.Problems)
	}
}

func TestAPanelOnI2CKeepsItsAddress(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "dev"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "dev/i2c-1"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for device, want := range map[string]string{
		"/dev/i2c-1@0x27": "is no I2C bus", // the file was found and opened
		"/dev/i2c-1@0x99": "0x08 to 0x77",  // the driver has got the address
		"/dev/i2c-2@0x27": "there is no /dev/i2c-2",
	} {
		b := board.Board{Name: "i2c", Panel: &board.Panel{Driver: "hd44780-i2c", Device: device}}
		m, err := Open(b, Options{Root: root})
		if err != nil || m.Panel == nil {
			t.Fatalf("open: %v, %v", err, m)
		}
		if _, err := m.Panel(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("panel at %s: error %v, want %q", device, err, want)
		}
	}
}

func TestABoardOfAnotherArchitectureIsRefused(t *testing.T) {
	name := map[string]string{"amd64": "generic-arm64", "arm64": "generic-x86_64"}[runtime.GOARCH]
	if name == "" {
		name = "generic-x86_64"
	}
	b, err := board.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(b, Options{}); err == nil || !strings.Contains(err.Error(), b.Arch) {
		t.Errorf("Open = %v", err)
	}
}

// Package board must not import the drivers: what it names is compared here.
func TestBoardsNameDriversThatThereAre(t *testing.T) {
	bypasses := bypass.Drivers()
	for _, b := range board.All() {
		for _, p := range b.Bypass {
			if !slices.Contains(bypasses, p.Driver) {
				t.Errorf("%s: bypass driver %q is none of %v", b.Name, p.Driver, bypasses)
			}
		}
		if b.Panel != nil && !slices.Contains(lcd.Drivers(), b.Panel.Driver) {
			t.Errorf("%s: panel driver %q is none of %v", b.Name, b.Panel.Driver, lcd.Drivers())
		}
	}
}
