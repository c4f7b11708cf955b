// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/api"
	"evener/firmware/upgrade"
)

// stickDir is where USB sticks are mounted for the engine.
const stickDir = "/run/evener/sticks"

// stickTime is how long they stay mounted for an engine that does not say that it has
// done. What it has opened stays readable.
const stickTime = 5 * time.Minute

// A stickKeeper mounts USB sticks for the engine, which has no right to.
type stickKeeper struct {
	dir string
	log *slog.Logger

	mu    sync.Mutex // guards what follows
	timer *time.Timer
}

type stick struct {
	Name    string `json:"name" doc:"of its device, such as sdb1"`
	Dir     string `json:"dir,omitempty" doc:"where it is mounted"`
	Problem string `json:"problem,omitempty" doc:"why it is not"`
}

type sticks struct {
	Sticks []stick `json:"sticks"`
}

// add registers the methods.
func (k *stickKeeper) add(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "stick.mount", Purpose: "Mounts the USB sticks for reading.", Role: api.Admin, Effect: api.System, Audit: "mount the USB sticks", Timeout: time.Minute},
		func(context.Context, api.Call, struct{}) (sticks, error) { return k.mount(removable("/sys")) })
	api.Add(reg, api.Method{Name: "stick.unmount", Purpose: "Unmounts them.", Role: api.Admin, Effect: api.System, Audit: "unmount the USB sticks"},
		func(context.Context, api.Call, struct{}) (struct{}, error) {
			k.mu.Lock()
			defer k.mu.Unlock()
			return struct{}{}, k.clear()
		})
}

func (k *stickKeeper) mount(devices []string) (out sticks, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.clear(); err != nil {
		return out, err
	}
	out.Sticks = []stick{}
	for _, dev := range devices {
		s := stick{Name: dev, Dir: filepath.Join(k.dir, dev)}
		err := os.MkdirAll(s.Dir, 0o755)
		if err == nil {
			err = mountReadOnly(dev, s.Dir)
		}
		if err != nil {
			s.Dir, s.Problem = "", err.Error()
		}
		out.Sticks = append(out.Sticks, s)
	}
	var late *time.Timer
	late = time.AfterFunc(stickTime, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.timer != late {
			return
		}
		if err := k.clear(); err != nil {
			k.log.Warn("USB sticks not unmounted", "err", err)
		}
	})
	k.timer = late
	return out, nil
}

// clear unmounts all. k.mu is held.
func (k *stickKeeper) clear() error {
	if k.timer != nil {
		k.timer.Stop()
		k.timer = nil
	}
	names, err := os.ReadDir(k.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var errs []error
	for _, n := range names {
		dir := filepath.Join(k.dir, n.Name())
		if err := unix.Unmount(dir, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil && !errors.Is(err, unix.EINVAL) { // not mounted
			errs = append(errs, fmt.Errorf("unmount %s: %w", dir, err))
		}
		errs = append(errs, os.Remove(dir))
	}
	return errors.Join(errs...)
}

// stickOrders has process 1 show the sticks.
func stickOrders(super caller) upgrade.Sticks {
	return func(ctx context.Context, each func(string, fs.FS) error) (err error) {
		var all sticks
		if err := super.Call(ctx, "stick.mount", struct{}{}, &all); err != nil {
			return err
		}
		defer func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			err = errors.Join(err, super.Call(ctx, "stick.unmount", struct{}{}, nil))
		}()
		return showSticks(all.Sticks, each)
	}
}

func showSticks(all []stick, each func(string, fs.FS) error) error {
	var problems []error
	for _, s := range all {
		if s.Dir == "" {
			problems = append(problems, fmt.Errorf("%s: %s", s.Name, s.Problem))
			continue
		}
		if err := each(s.Name, os.DirFS(s.Dir)); err != nil {
			return err
		}
	}
	switch {
	case len(all) == 0:
		return errors.New("no USB stick is plugged in")
	case len(problems) == len(all):
		return errors.Join(problems...)
	}
	return nil
}
