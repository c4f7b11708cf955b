// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// installLimit is how long a disk or a slot may take to be written.
const installLimit = time.Hour

// long calls a method of the supervisor that writes much.
func (s *session) long(method string, params, result any) error {
	return s.wait(installLimit, func(ctx context.Context) error {
		return s.cfg.Supervisor.Call(ctx, method, nonNil(params), result)
	})
}

// A diskShown is one disk of the result of install.disks.
type diskShown struct {
	Name string `json:"name"`
	Path string `json:"path"`
	Line string `json:"line"`
	Used string `json:"used"`
}

type disksShown struct {
	From  string      `json:"from"` // disk that the box was started from
	USB   bool        `json:"usb"`  // it is one that is plugged in
	Disks []diskShown `json:"disks"`
}

// others reports whether the machine has a disk besides the one that it runs from.
func (l disksShown) others() bool {
	return slices.ContainsFunc(l.Disks, func(d diskShown) bool { return d.Path != l.From })
}

// offerInstall asks whether a box that was started from a USB disk is to be
// installed. It reports whether it was.
func (s *session) offerInstall() error {
	var list disksShown
	if err := s.supervisor("install.disks", nil, &list); err != nil || !list.USB || !list.others() {
		return s.overOnly(err)
	}
	s.say("\nThis box runs from the USB disk %s.", list.From)
	ok, err := s.yes("Install it on a disk of the machine?", true)
	if err != nil || !ok {
		return err
	}
	return s.installDisk()
}

// overOnly drops an error that is not the end of the dialogue.
func (s *session) overOnly(err error) error {
	if s.over(err) {
		return err
	}
	return nil
}

// installDisk writes the version that runs onto another disk.
func (s *session) installDisk() error {
	var list disksShown
	if err := s.supervisor("install.disks", nil, &list); err != nil {
		return s.told(err)
	}
	s.say("A new box is made on the disk: this version, and nothing of what was set here.")
	var free []diskShown
	for _, d := range list.Disks {
		if d.Used != "" {
			s.say("    %s", d.Line)
			s.say("      not for writing: %s", d.Used)
			continue
		}
		free = append(free, d)
		s.say("%3d %s", len(free), d.Line)
	}
	if len(free) == 0 {
		s.say("There is no other disk that could be written.")
		return nil
	}
	n, err := s.choose("Which", len(free))
	if err != nil || n == 0 {
		return err
	}
	d := free[n-1]
	s.say("Everything on %s will be lost.", d.Path)
	ok, err := s.typed(d.Name, fmt.Sprintf("write %s", d.Path))
	if err != nil || !ok {
		return err
	}
	s.say("It is written and read back; this takes some minutes.")
	s.log.Warn("installation on another disk asked for at the serial console", "disk", d.Path, "user", s.user)
	var done struct {
		Version string `json:"version"`
	}
	if err := s.long("install.write", map[string]any{"disk": d.Path, "name": d.Name, "line": d.Line}, &done); err != nil {
		return s.told(err)
	}
	s.say("%s has version %s. Switch the box off (Reboot or power off), take the USB disk out, and switch it on.", d.Path, done.Version)
	return nil
}
