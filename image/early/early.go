// SPDX-License-Identifier: Apache-2.0

// Package early is the first program after the kernel: it runs from the initramfs, and
// leads from there into the root of the slot that the boot loader has chosen, if that
// is what was signed. It does no more than that, so that it can stay small; process 1
// of the appliance (package pid1) does the rest.
//
//	mount /proc /sys /dev /run
//	open the watchdog and feed it
//	load the modules of the devices that are there, and those for the root
//	wait for the disk with the slot's partition
//	check the signature and the SHA-256 of all of the slot      bad: see below
//	mount it, free the memory of the initramfs, make it the root
//	exec /sbin/evener init
//
// # A bad slot
//
// It is marked in the boot state, so that the other one is started, and the reason is
// kept in the slot (slot.Fault). Where none is left, the rescue system is started. What
// is wrong is said on the console in plain words, for ten seconds. Something that may
// be no fault of the slot, such as a disk that does not appear, marks nothing: the boot
// loader counts its tries.
//
// # The watchdog
//
// The descriptor of the watchdog is kept over the exec, as the variable
// EVENER_WATCHDOG says, with the timeout [WatchdogTimeout]. It is fed for at most
// [maxFeeding]: a start that takes longer has hung.
//
// # Rescue
//
// With evener.rescue=1 it executes /sbin/evener rescue from the initramfs itself; no
// disk is looked for, and no watchdog opened, since a person sits there.
package early

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// A System is what of the kernel the program needs besides files.
type System interface {
	Mount(source, target, fstype string, flags uintptr, data string) error
	// Exec replaces the program. It returns only if that fails.
	Exec(path string, args, env []string) error
	// Enter makes the file system at dir, below the root, the root; the file systems
	// in moved go with it, and the initramfs's files are removed.
	Enter(dir string, moved []string) error
	Reboot() error
}

// Modules loads kernel modules.
type Modules interface {
	For(modalias string) error
	Load(names ...string) error
}

// A Program is the whole run. Zero fields take the default beside them, so that tests
// can replace them.
type Program struct {
	Root    string        // "/"; all paths are below it
	System  System        // required
	Console io.Writer     // required: where people read
	Pause   time.Duration // 10s, during which a person reads what is wrong

	// Modules opens the loader, once /proc is there. Required.
	Modules func() (Modules, error)
	// Watchdog arms the watchdog at a path. Required.
	Watchdog func(path string) (Watchdog, error)

	dog  *feeder
	boot Boot
}

// BootFile is where what is known of the start lies for the programs of the box.
const BootFile = "/run/evener/boot.json"

// Boot is what is known of the start.
type Boot struct {
	Slot     string `json:"slot"`               // "A" or "B"
	Part     string `json:"part"`               // PARTUUID of its partition
	Disk     string `json:"disk"`               // such as /dev/vda
	Try      int    `json:"try"`                // 1 to 3; 0: the slot is good, or was asked for
	Recovery bool   `json:"recovery,omitempty"` // neither slot could be tried any more
	Reset    bool   `json:"reset,omitempty"`    // the boot loader asks for a factory reset
	Version  string `json:"version"`            // of the slot, by its manifest
	Created  string `json:"created"`            // when it was built, RFC 3339
	Key      string `json:"key"`                // that signed it
	Checked  string `json:"checked"`            // how long the check took
	Began    string `json:"began"`              // seconds from the kernel's start to this program's
	Entered  string `json:"entered"`            // and to its end
}

// ReadBoot reads what this program has left below root. It returns an error that is
// os.ErrNotExist on a machine that was not started by it.
func ReadBoot(root string) (Boot, error) {
	text, err := os.ReadFile(filepath.Join(root, BootFile))
	if err != nil {
		return Boot{}, err
	}
	var b Boot
	if err := json.Unmarshal(text, &b); err != nil {
		return Boot{}, fmt.Errorf("read %s: %w", BootFile, err)
	}
	return b, nil
}

// errBadSlot is in an error that is the slot's own fault.
var errBadSlot = errors.New("the slot cannot be trusted")

// Run leads into the root of the slot. It returns only after an error, and after the
// machine was asked to start again; then there is nothing left to do.
func (p *Program) Run(ctx context.Context) error {
	p.defaults()
	err := p.run(ctx)
	p.say("")
	p.say("evener: this start has failed: %v", err)
	if errors.Is(err, errBadSlot) {
		p.say("%s", p.giveUp(err))
	}
	p.say("evener: the machine starts again in %v", p.Pause)
	select {
	case <-ctx.Done():
	case <-time.After(p.Pause):
	}
	return errors.Join(err, p.System.Reboot())
}

func (p *Program) defaults() {
	if p.Root == "" {
		p.Root = "/"
	}
	if p.Pause == 0 {
		p.Pause = 10 * time.Second
	}
}

func (p *Program) say(format string, args ...any) {
	fmt.Fprintf(p.Console, format+"\r\n", args...)
}

func (p *Program) path(name string) string { return filepath.Join(p.Root, name) }

func (p *Program) run(ctx context.Context) error {
	if err := p.mountBase(); err != nil {
		return err
	}
	p.boot.Began = p.uptime()
	text, err := os.ReadFile(p.path("/proc/cmdline"))
	if err != nil {
		return fmt.Errorf("read the kernel's command line: %w", err)
	}
	cmd, err := ParseCmdline(string(text))
	if err != nil {
		return err
	}
	mods, err := p.Modules()
	if err != nil {
		return err
	}
	if cmd.Rescue {
		p.plug(mods)
		return p.System.Exec("/sbin/evener", []string{"evener", "rescue"}, p.environment())
	}
	p.plug(mods)
	p.guard()
	defer p.dog.stop()
	if err := mods.Load("squashfs"); err != nil {
		return err
	}
	device, err := p.slot(ctx, cmd, mods)
	if err != nil {
		return err
	}
	return p.enter(device)
}

// enter makes the slot on device the root and starts its process 1.
func (p *Program) enter(device string) error {
	const root = "/newroot"
	if err := os.MkdirAll(p.path(root), 0o755); err != nil {
		return err
	}
	if err := p.System.Mount(device, p.path(root), "squashfs", readOnly, ""); err != nil {
		return fmt.Errorf("%w: mount its root: %w", errBadSlot, err)
	}
	if _, err := os.Stat(p.path(root + "/sbin/evener")); err != nil {
		return fmt.Errorf("%w: it has no program: %w", errBadSlot, err)
	}
	p.boot.Entered = p.uptime()
	if err := p.note(); err != nil {
		return err
	}
	if err := p.System.Enter(root, []string{"/proc", "/sys", "/dev", "/run"}); err != nil {
		return fmt.Errorf("make the slot the root: %w", err)
	}
	p.dog.stop() // the next program feeds
	return p.System.Exec("/sbin/evener", []string{"evener", "init"}, p.environment())
}

// note leaves what is known of the start.
func (p *Program) note() error {
	text, err := json.MarshalIndent(p.boot, "", "  ")
	if err != nil {
		return err
	}
	name := p.path(BootFile)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}

// environment is that of the program that comes next.
func (p *Program) environment() []string {
	env := []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", "TERM=vt102"}
	if p.dog != nil && p.dog.dog != nil {
		env = append(env, fmt.Sprintf("%s=%d", WatchdogEnv, p.dog.dog.Descriptor()))
	}
	return env
}
