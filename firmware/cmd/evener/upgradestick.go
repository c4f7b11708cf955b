// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"evener/firmware/upgrade"
)

// stickTypes are the file systems that a USB stick may have.
var stickTypes = []string{"vfat", "exfat", "ext4", "iso9660"}

// simSticks takes a folder of the state for a stick.
func simSticks(state string) upgrade.Sticks {
	return func(_ context.Context, each func(string, fs.FS) error) error {
		dir := filepath.Join(state, "usb")
		if _, err := os.Stat(dir); err != nil {
			return fmt.Errorf("no stick is plugged in: on the simulated board that is the folder %s", dir)
		}
		return each("usb", os.DirFS(dir))
	}
}

// mountSticks shows the file systems of removable disks: those that somebody has
// mounted as they are, the others mounted for the moment, without the right to write.
func mountSticks(ctx context.Context, each func(string, fs.FS) error) error {
	dirs := mountedDisks()
	devices := removable("/sys")
	if len(dirs)+len(devices) == 0 {
		return errors.New("no USB stick is plugged in")
	}
	var problems []error
	for _, dir := range dirs {
		if err := each(filepath.Base(dir), os.DirFS(dir)); err != nil {
			return err
		}
	}
	shown := len(dirs)
	for _, dev := range devices {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := mountStick(dev, func(dir string) error {
			shown++
			return each(dev, os.DirFS(dir))
		})
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", dev, err))
		}
	}
	if shown == 0 {
		return errors.Join(problems...)
	}
	return nil
}

// removable lists the partitions of removable disks, such as sdb1, and the disks that
// have none.
func removable(sys string) (out []string) {
	flags, _ := filepath.Glob(filepath.Join(sys, "block", "*", "removable"))
	for _, f := range flags {
		text, err := os.ReadFile(f)
		if err != nil || strings.TrimSpace(string(text)) != "1" {
			continue
		}
		disk := filepath.Dir(f)
		parts, _ := filepath.Glob(filepath.Join(disk, "*", "partition"))
		for _, p := range parts {
			out = append(out, filepath.Base(filepath.Dir(p)))
		}
		size, err := os.ReadFile(filepath.Join(disk, "size"))
		if len(parts) == 0 && err == nil && strings.TrimSpace(string(size)) != "0" { // else it is an empty drive
			out = append(out, filepath.Base(disk))
		}
	}
	slices.Sort(out)
	return out
}

// mountStick mounts a device for as long as use runs. What use has opened stays
// readable afterwards.
func mountStick(dev string, use func(dir string) error) error {
	dir, err := os.MkdirTemp("", "evener-stick-")
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	if err := mountReadOnly(dev, dir); err != nil {
		return err
	}
	err = use(dir)
	return errors.Join(err, unix.Unmount(dir, unix.MNT_DETACH))
}

// mountReadOnly mounts a device at dir, whichever of the known file systems it has.
func mountReadOnly(dev, dir string) error {
	for _, kind := range stickTypes {
		flags := uintptr(unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
		switch err := unix.Mount("/dev/"+dev, dir, kind, flags, ""); {
		case err == nil:
			return nil
		case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
			return errors.New("the box has no right to mount it")
		}
	}
	return errors.New("it has no file system that is known: " + strings.Join(stickTypes, ", "))
}

// askConsole asks the console for its first page. Who answers is not asked: it is this
// box, at its own address.
func askConsole(ctx context.Context, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = map[bool]string{true: "127.0.0.1", false: "::1"}[ip.To4() != nil]
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+net.JoinHostPort(host, port)+"/", nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode >= 500 {
		return fmt.Errorf("it says %s", resp.Status)
	}
	return nil
}
