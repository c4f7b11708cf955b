// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Modules loads kernel modules. For loads what a device asks for by its modalias;
// one that no module is for is no error. Wanted lists what those that are there ask for.
type Modules interface {
	For(modalias string) error
	Wanted(root string) []string
}

// Devices sees to it that every device has its driver and the names by which the
// firmware looks for it.
type Devices struct {
	root    string
	modules Modules
	log     *slog.Logger

	mu    sync.Mutex // guards what follows
	seen  map[string]bool
	later []string // modaliases of processors, until Later
	all   bool     // Later was called
}

// NewDevices looks after the devices below root, which is / but in tests.
func NewDevices(root string, m Modules, log *slog.Logger) *Devices {
	return &Devices{root: root, modules: m, log: log, seen: map[string]bool{}}
}

// ColdPlug loads the modules of the devices that are there. Drivers bring devices of
// their own, a bus those that are on it; it looks again until nothing new comes.
func (d *Devices) ColdPlug() {
	for range 8 {
		if !d.sweep() {
			return
		}
	}
}

// sweep looks at the devices once and reports whether any asked for something new.
func (d *Devices) sweep() (news bool) {
	for _, alias := range d.modules.Wanted(d.root) {
		if d.wants(alias) {
			news = true
		}
	}
	return news
}

// slowDriver is from how long on the loading of a driver is told.
const slowDriver = 250 * time.Millisecond

// wants loads what a device asks for, once, and reports whether it was new.
func (d *Devices) wants(modalias string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if modalias == "" || d.seen[modalias] {
		return false
	}
	d.seen[modalias] = true
	if strings.HasPrefix(modalias, "cpu:") && !d.all {
		d.later = append(d.later, modalias)
		return false
	}
	d.load(modalias)
	return true
}

// load loads what a modalias asks for. d.mu is held.
func (d *Devices) load(modalias string) {
	began := time.Now()
	defer func() {
		if took := time.Since(began); took > slowDriver {
			d.log.Info("driver was slow", "modalias", modalias, "took", took.Round(time.Millisecond))
		}
	}()
	if err := d.modules.For(modalias); err != nil {
		d.log.Warn("driver not loaded", "modalias", modalias, "err", err)
	}
}

// Later loads what ColdPlug leaves for when there is time: the modules for features
// of the processor, which are two dozen and of which no traffic waits for one. From then
// on nothing is left for later.
func (d *Devices) Later() {
	d.mu.Lock()
	list := d.later
	d.later, d.all = nil, true
	d.mu.Unlock()
	for _, modalias := range list {
		d.mu.Lock()
		d.load(modalias)
		d.mu.Unlock()
	}
}

// Run loads the modules of devices that come, and names them, until ctx ends. It
// opens the kernel's messages before it looks at what is there, so that it misses
// nothing. ready is called when it has looked.
func (d *Devices) Run(ctx context.Context, ready func()) error {
	u, err := ListenUevents()
	d.everything()
	ready()
	if err != nil {
		return err
	}
	defer u.Close()
	return u.Run(ctx, d.take, d.everything)
}

// everything looks after every device that is there.
func (d *Devices) everything() {
	d.ColdPlug()
	if err := d.LinkSerial(); err != nil {
		d.log.Warn("serial lines not named", "err", err)
	}
}

// take does what a message asks for.
func (d *Devices) take(e Uevent) {
	if e.Action != "add" && e.Action != "remove" && e.Action != "bind" {
		return
	}
	if e.Action == "add" {
		d.wants(e.Env["MODALIAS"])
	}
	if e.Env["SUBSYSTEM"] == "tty" {
		if err := d.LinkSerial(); err != nil {
			d.log.Warn("serial lines not named", "err", err)
		}
	}
}

const byID = "dev/serial/by-id"

// LinkSerial names the serial lines on USB after what the devices say of themselves,
// as boards name them: /dev/serial/by-id/usb-MAKER_PRODUCT_SERIAL-ifNN-port0.
func (d *Devices) LinkSerial() error {
	ttys, err := filepath.Glob(filepath.Join(d.root, "sys/class/tty/*"))
	if err != nil {
		return err
	}
	want := map[string]string{}
	for _, tty := range ttys {
		if name := usbName(tty); name != "" {
			want[name] = "../../" + filepath.Base(tty)
		}
	}
	dir := filepath.Join(d.root, byID)
	have, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) && len(want) == 0 {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var errs []error
	for _, e := range have {
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && to == want[e.Name()] {
			delete(want, e.Name())
			continue
		}
		errs = append(errs, os.Remove(filepath.Join(dir, e.Name())))
	}
	for name, to := range want {
		errs = append(errs, os.Symlink(to, filepath.Join(dir, name)))
	}
	return errors.Join(errs...)
}

// usbName returns the name of a serial line on USB, "" for others. tty is its folder
// in /sys/class/tty.
func usbName(tty string) string {
	dir, err := filepath.EvalSymlinks(filepath.Join(tty, "device"))
	if err != nil {
		return ""
	}
	port := ""
	if n := strings.TrimSpace(read(filepath.Join(dir, "port_number"))); n != "" {
		port = "-port" + n
	}
	iface := ""
	for range 8 {
		if n := strings.TrimSpace(read(filepath.Join(dir, "bInterfaceNumber"))); n != "" {
			iface = "-if" + n
		}
		if product := strings.TrimSpace(read(filepath.Join(dir, "product"))); product != "" && iface != "" {
			name := fmt.Sprintf("usb-%s_%s", strings.TrimSpace(read(filepath.Join(dir, "manufacturer"))), product)
			if serial := strings.TrimSpace(read(filepath.Join(dir, "serial"))); serial != "" {
				name += "_" + serial
			}
			return plain(name) + iface + port
		}
		dir = filepath.Dir(dir)
	}
	return ""
}

// plain leaves of a name what is safe in that of a file.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("#+-.:=@_", r) {
			return r
		}
		return '_'
	}, s)
}

func read(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(text)
}
