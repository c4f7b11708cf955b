// SPDX-License-Identifier: Apache-2.0

package early

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"evener/image/kmod"
)

const (
	closed   = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	readOnly = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV
)

// mountBase mounts what every program needs.
func (p *Program) mountBase() error {
	for _, m := range []struct {
		source, target, fstype string
		flags                  uintptr
		data                   string
	}{
		{"proc", "/proc", "proc", closed, ""},
		{"sysfs", "/sys", "sysfs", closed, ""},
		{"devtmpfs", "/dev", "devtmpfs", unix.MS_NOSUID | unix.MS_NOEXEC, "mode=0755"},
		{"run", "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=0755,size=16m"},
	} {
		if err := os.MkdirAll(p.path(m.target), 0o755); err != nil {
			return err
		}
		err := p.System.Mount(m.source, p.path(m.target), m.fstype, m.flags, m.data)
		if err != nil && !errors.Is(err, unix.EBUSY) { // the kernel has mounted it by itself
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	return nil
}

// plug loads the modules of the devices that are there. A driver brings devices of
// its own, so that it looks again until nothing new comes. What cannot be loaded is
// said: the disk may be there all the same.
func (p *Program) plug(mods Modules) {
	seen := map[string]bool{}
	for range 8 {
		if !p.sweep(mods, seen) {
			return
		}
	}
}

func (p *Program) sweep(mods Modules, seen map[string]bool) (news bool) {
	for _, alias := range kmod.Modaliases(p.Root) {
		if seen[alias] {
			continue
		}
		seen[alias], news = true, true
		if err := mods.For(alias); err != nil {
			p.say("evener: %v", err)
		}
	}
	return news
}

// uptime returns the seconds since the kernel's start.
func (p *Program) uptime() string {
	text, err := os.ReadFile(p.path("/proc/uptime"))
	if err != nil {
		return ""
	}
	s, _, _ := strings.Cut(string(text), " ")
	return s
}
