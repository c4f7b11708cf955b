// SPDX-License-Identifier: Apache-2.0

package early

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"evener/image/slot"
	"evener/image/slottest"
)

// A fakeSystem is a kernel that notes what it is asked for. A root that it mounts has
// a program.
type fakeSystem struct {
	did   []string
	empty bool  // the root has no program
	bad   error // of mounting the root
}

func (f *fakeSystem) note(format string, args ...any) {
	f.did = append(f.did, fmt.Sprintf(format, args...))
}

func (f *fakeSystem) Mount(source, target, fstype string, _ uintptr, _ string) error {
	if fstype == "devtmpfs" {
		return unix.EBUSY // as if the kernel had mounted it
	}
	f.note("mount %s", fstype)
	if fstype != "squashfs" || f.empty {
		return nil
	}
	if f.bad != nil {
		return f.bad
	}
	return errors.Join(os.MkdirAll(filepath.Join(target, "sbin"), 0o755), os.WriteFile(filepath.Join(target, "sbin/evener"), nil, 0o755))
}

func (f *fakeSystem) Enter(dir string, moved []string) error {
	f.note("enter %s with %s", dir, strings.Join(moved, " "))
	return nil
}

// errExec is what Exec returns: no program comes after a test.
var errExec = errors.New("the next program runs")

func (f *fakeSystem) Exec(path string, args, env []string) error {
	f.note("exec %s as %s", path, strings.Join(args, " "))
	for _, e := range env {
		if strings.HasPrefix(e, WatchdogEnv) {
			f.note("%s", e)
		}
	}
	return errExec
}

func (f *fakeSystem) Reboot() error { f.note("reboot"); return nil }

type fakeModules struct {
	loaded []string
	late   func(alias string) // a driver that brings devices
}

func (m *fakeModules) For(alias string) error {
	m.loaded = append(m.loaded, alias)
	if m.late != nil {
		m.late(alias)
	}
	return nil
}

func (m *fakeModules) Load(names ...string) error { m.loaded = append(m.loaded, names...); return nil }

type fakeDog struct{ fed chan struct{} }

func (d *fakeDog) Feed() error {
	select {
	case d.fed <- struct{}{}:
	default:
	}
	return nil
}

func (d *fakeDog) Descriptor() int { return 7 }

// A bench is a machine with a disk whose slot A holds payload.
type bench struct {
	t       *testing.T
	root    string
	sys     *fakeSystem
	mods    *fakeModules
	dog     *fakeDog
	console bytes.Buffer
	program Program
}

var manifest, payload = slottest.Manifest("1.4.0", 4<<20+123)

func newBench(t *testing.T, s slot.State) *bench {
	t.Helper()
	b := &bench{t: t, root: t.TempDir(), sys: &fakeSystem{}, mods: &fakeModules{}, dog: &fakeDog{fed: make(chan struct{}, 1)}}
	disk := slottest.New(t, s)
	disk.Put(t, slot.A, slottest.Header(t, manifest), payload)
	b.write("dev/vda3", string(payload)+"the rest of the partition")
	if err := disk.Save(filepath.Join(b.root, "dev/vda")); err != nil {
		t.Fatal(err)
	}
	for n, name := range []string{"vda3", "vda4"} {
		b.write("sys/class/block/vda/"+name+"/partition", fmt.Sprintln(n+3))
	}
	b.device("0", "pci:virtio")
	b.write("proc/cmdline", "quiet evener.slot=A evener.try=2 evener.part="+b.partOf(slot.A)+"\n")
	b.write("proc/uptime", "1.25 0.50\n")
	b.write("etc/evener/keys", slottest.Keys(1).String())
	b.program = Program{Root: b.root, System: b.sys, Console: &b.console, Pause: time.Millisecond,
		Modules:  func() (Modules, error) { return b.mods, nil },
		Watchdog: func(string) (Watchdog, error) { return b.dog, nil }}
	return b
}

// device adds a device that asks for a driver.
func (b *bench) device(name, alias string) {
	b.write("sys/bus/pci/devices/"+name+"/modalias", alias+"\n")
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	name = filepath.Join(b.root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// boot runs the program and returns what it has asked of the kernel.
func (b *bench) boot() []string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	if err := b.program.Run(ctx); err == nil {
		b.t.Error("the program has ended without an error")
	}
	return b.sys.did
}

func (b *bench) state() slot.State {
	b.t.Helper()
	d, err := slot.View(filepath.Join(b.root, "dev/vda"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer d.Close()
	s, err := d.Boot()
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// partOf returns the PARTUUID of a slot of the bench's disk.
func (b *bench) partOf(n slot.Name) string {
	b.t.Helper()
	d, err := slot.View(filepath.Join(b.root, "dev/vda"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer d.Close()
	p, _ := d.Partition(n.Label())
	return p.UUID
}

func TestBootEntersTheSlotThatWasSigned(t *testing.T) {
	b := newBench(t, slot.State{}.With(slot.A, false, 2))
	b.write("dev/watchdog0", "")
	did := b.boot()
	want := []string{"mount proc", "mount sysfs", "mount tmpfs", "mount squashfs", "enter /newroot with /proc /sys /dev /run",
		"exec /sbin/evener as evener init", WatchdogEnv + "=7", "reboot"}
	if !slices.Equal(did, want) {
		t.Errorf("it did\n%s\nwant\n%s", strings.Join(did, "\n"), strings.Join(want, "\n"))
	}
	got, err := ReadBoot(b.root)
	if err != nil || got.Slot != "A" || got.Disk != "/dev/vda" || got.Try != 2 || got.Version != "1.4.0" || got.Key == "" || got.Entered != "1.25" {
		t.Errorf("boot = %+v, %v", got, err)
	}
	if s := b.state(); s.Tries(slot.A) != 2 || s.Good(slot.A) {
		t.Errorf("boot state = %+v, want it left alone", s)
	}
	if want := []string{"pci:virtio", "squashfs"}; !slices.Equal(b.mods.loaded, want) {
		t.Errorf("loaded %q, want %q", b.mods.loaded, want)
	}
	select {
	case <-b.dog.fed:
	default:
		t.Error("the watchdog was not fed")
	}
}

func TestDriversBringDevices(t *testing.T) {
	b := newBench(t, slot.State{})
	b.mods.late = func(alias string) {
		if alias == "pci:virtio" {
			b.device("virtio0", "virtio:block")
		}
	}
	b.boot()
	if !slices.Contains(b.mods.loaded, "virtio:block") {
		t.Errorf("loaded %q, want virtio:block too", b.mods.loaded)
	}
}

func TestSlotThatWasChangedIsMarkedAndSaid(t *testing.T) {
	for _, tt := range []struct {
		name   string
		damage func(*bench)
		reason string
		bad    bool
	}{
		{"one bit", func(b *bench) {
			p := bytes.Clone(payload)
			p[len(p)-1] ^= 1
			b.write("dev/vda3", string(p))
		}, "its content is not what was signed", true},
		{"cut short", func(b *bench) { b.write("dev/vda3", string(payload[:len(payload)/2])) }, "its content is not what was signed", true},
		{"other key", func(b *bench) { b.write("etc/evener/keys", slottest.Keys(2).String()) }, "no signature by a trusted key", true},
		{"no file system", func(b *bench) { b.sys.bad = errors.New("invalid argument") }, "mount its root: invalid argument", true},
		{"no program", func(b *bench) { b.sys.empty = true }, "it has no program", true},
		{"no keys", func(b *bench) { b.write("etc/evener/keys", "nonsense\n") }, "keys: line 1", false},
		{"no disk", func(b *bench) {
			b.write("proc/cmdline", "evener.wait=1 evener.slot=A evener.part="+uuid)
		}, "no disk with partition " + uuid, false},
		{"no command line", func(b *bench) { b.write("proc/cmdline", "quiet") }, "no evener.part=", false},
		{"other slot's partition", func(b *bench) {
			b.write("proc/cmdline", "evener.slot=A evener.part="+b.partOf(slot.B))
		}, "which is none of it", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, slot.State{}.With(slot.B, true, 0))
			tt.damage(b)
			did := b.boot()
			if did[len(did)-1] != "reboot" || slices.Contains(did, "exec /sbin/evener as evener init") {
				t.Errorf("it did %q, want a reboot and no slot", did)
			}
			if !strings.Contains(b.console.String(), tt.reason) {
				t.Errorf("the console says\n%s\nwant %q", b.console.String(), tt.reason)
			}
			if s := b.state(); s.Usable(slot.A) == tt.bad {
				t.Errorf("boot state = %+v; slot A bad: want %v", s, tt.bad)
			}
			d, err := slot.View(filepath.Join(b.root, "dev/vda"))
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			f, kept := d.Fault(slot.A)
			if kept != tt.bad || kept && (!strings.Contains(f.Reason, tt.reason) || f.By != "early") {
				t.Errorf("fault = %+v, %v, want %q", f, kept, tt.reason)
			}
		})
	}
}

func TestRescueComesWhenNoSlotIsLeft(t *testing.T) {
	for _, tt := range []struct {
		name  string
		state slot.State
		once  string
	}{
		{"the other may be tried", slot.State{}, ""},
		{"the other is good", slot.State{}.With(slot.B, true, 0), ""},
		{"the other is bad", slot.State{}.With(slot.B, false, slot.MaxTries), slot.OnceRescue},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, tt.state)
			b.sys.empty = true
			b.boot()
			if got := b.state().Once; got != tt.once {
				t.Errorf("once = %q, want %q; the console says\n%s", got, tt.once, b.console.String())
			}
		})
	}
}

func TestRescueLooksForNoDisk(t *testing.T) {
	b := newBench(t, slot.State{})
	b.write("proc/cmdline", "evener.rescue=1\n")
	b.write("dev/watchdog0", "")
	if err := os.Remove(filepath.Join(b.root, "dev/vda")); err != nil {
		t.Fatal(err)
	}
	did := b.boot()
	if !slices.Contains(did, "exec /sbin/evener as evener rescue") || slices.Contains(did, WatchdogEnv+"=7") {
		t.Errorf("it did %q, want the rescue system, without a watchdog", did)
	}
	if !slices.Contains(b.mods.loaded, "pci:virtio") {
		t.Errorf("loaded %q: the rescue system needs drivers too", b.mods.loaded)
	}
}

func TestDiskThatComesLateIsWaitedFor(t *testing.T) {
	b := newBench(t, slot.State{})
	name := filepath.Join(b.root, "dev/vda")
	if err := os.Rename(name, name+".not"); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { _ = os.Rename(name+".not", name) })
	if did := b.boot(); !slices.Contains(did, "exec /sbin/evener as evener init") {
		t.Errorf("it did %q; the console says\n%s", did, b.console.String())
	}
}

func TestFilesOfTheInitramfsAreRemoved(t *testing.T) {
	top := t.TempDir()
	for _, name := range []string{"init", "lib/modules/x.ko", "newroot/sbin/evener", "sbin/evener"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(top, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(top, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := removeFiles(top, filepath.Join(top, "newroot")); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(top)
	if err != nil || len(list) != 1 || list[0].Name() != "newroot" {
		t.Errorf("left: %v, %v, want newroot only", list, err)
	}
	if _, err := os.Stat(filepath.Join(top, "newroot/sbin/evener")); err != nil {
		t.Errorf("the new root has lost its program: %v", err)
	}
}

func TestFeederGivesUpAHungStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dog := &countingDog{}
		f := &feeder{dog: dog, quit: make(chan struct{}), done: make(chan struct{})}
		go f.run()
		time.Sleep(maxFeeding + time.Hour)
		f.stop() // what it has counted is seen then
		f.stop()
		if want := int(maxFeeding / feedEvery); dog.n < want-1 || dog.n > want+1 {
			t.Errorf("fed %d times in %v, want about %d", dog.n, maxFeeding, want)
		}
	})
	var none *feeder
	none.stop() // there may be no watchdog
}

type countingDog struct{ n int }

func (d *countingDog) Feed() error     { d.n++; return nil }
func (d *countingDog) Descriptor() int { return 0 }
