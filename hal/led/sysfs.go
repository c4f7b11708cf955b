// SPDX-License-Identifier: Apache-2.0

package led

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// sysfs switches the LEDs of the kernel (Documentation/leds/leds-class.rst).
type sysfs struct{ root string }

func (s *sysfs) file(device, name string) string {
	return filepath.Join(s.root, "sys/class/leds", device, name)
}

func (s *sysfs) there(device string) bool {
	_, err := os.Stat(s.file(device, "brightness"))
	return err == nil
}

// set lights an LED. The kernel blinks by itself, so that a lamp goes on blinking
// while this process is busy; without its timer a lamp stays lit.
func (s *sysfs) set(device string, on, blink bool) error {
	if err := s.trigger(device, blink); err != nil {
		return err
	}
	if blink && s.offers(device, "timer") {
		return errors.Join(s.write(device, "delay_on", "500"), s.write(device, "delay_off", "500"))
	}
	value := "0"
	if on {
		value = "1"
		if b, err := os.ReadFile(s.file(device, "max_brightness")); err == nil {
			value = strings.TrimSpace(string(b))
		}
	}
	return s.write(device, "brightness", value)
}

// trigger takes the LED away from whatever the kernel lights it for. An LED
// without triggers is ours already.
func (s *sysfs) trigger(device string, blink bool) error {
	want := "none"
	if blink && s.offers(device, "timer") {
		want = "timer"
	}
	err := s.write(device, "trigger", want)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// offers reports whether the kernel has a trigger. The file lists them, with the
// one in use in brackets.
func (s *sysfs) offers(device, trigger string) bool {
	b, err := os.ReadFile(s.file(device, "trigger"))
	list := strings.FieldsFunc(string(b), func(r rune) bool { return strings.ContainsRune(" \n[]", r) })
	return err == nil && slices.Contains(list, trigger)
}

// write writes an attribute, and never makes a file.
func (s *sysfs) write(device, name, value string) error {
	f, err := os.OpenFile(s.file(device, name), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value + "\n")
	return errors.Join(err, f.Close())
}

// memory has the LEDs of the simulated board.
type memory struct {
	mu  sync.Mutex // guards lit
	lit map[string]bool
}

func (m *memory) there(string) bool { return true }

func (m *memory) set(device string, on, _ bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lit[device] = on
	return nil
}
