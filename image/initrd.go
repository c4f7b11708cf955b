// SPDX-License-Identifier: Apache-2.0

package image

import (
	"fmt"
	"os"
	"strings"
)

// slotInitrd returns the tree of the initrd that lies in a slot: the first
// program, the modules that find and mount the slot, the keys.
func (s Spec) slotInitrd(b *Base) (*Tree, error) {
	t := NewTree()
	if err := s.fillInitrd(t, b, inInitrd); err != nil {
		return nil, fmt.Errorf("initrd: %w", err)
	}
	return t, nil
}

// rescueInitrd returns the tree of the rescue system's initrd, which works
// without any slot: the firmware's program, what repairs file systems, and the
// modules for the ports.
func (s Spec) rescueInitrd(b *Base, root *Tree) (*Tree, error) {
	t := NewTree()
	for _, name := range root.Names() {
		if e := root.entries[name]; inRescueTree(name) && !e.mode.IsDir() {
			t.put(name, e)
		}
	}
	for _, dir := range mountPoints {
		t.Dir(dir, 0o755)
	}
	if err := s.fillInitrd(t, b, inRescue); err != nil {
		return nil, fmt.Errorf("rescue system: %w", err)
	}
	return t, nil
}

// inRescueTree tells what of the root the rescue system has too: all but the
// kernel, its modules (of which it has fewer) and the time zones.
func inRescueTree(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	switch top {
	case "sbin", "bin", "lib64", "etc":
		return true
	}
	if lib, ok := strings.CutPrefix(strings.TrimPrefix(name, "usr/"), "lib"); ok && (lib == "" || lib[0] == '/') {
		return !below(lib, "/modules")
	}
	return below(name, "usr/sbin") || below(name, "usr/bin")
}

// fillInitrd adds what every initrd has: the first program and the modules of
// that system.
func (s Spec) fillInitrd(t *Tree, b *Base, system string) error {
	for _, dir := range []string{"dev", "etc", "proc", "run", "sys", "tmp"} {
		t.Dir(dir, 0o755)
	}
	// The kernel opens it before the first program runs.
	t.Device("dev/console", 0o600, 5, 1)
	if err := checkProgram(s.Init, s.Arch); err != nil {
		return err
	}
	t.Copy("init", 0o755, s.Init)
	x, err := selectModules(b.Index, b.rules, b.Arch, system, false)
	if err != nil {
		return err
	}
	b.addModules(t, x)
	s.configuration(t, b)
	return nil
}

// writeInitrdFile writes the tree as an initrd into a file.
func (t *Tree) writeInitrdFile(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := t.writeInitrd(f); err != nil {
		f.Close()
		return fmt.Errorf("%s: %w", file, err)
	}
	return f.Close()
}
