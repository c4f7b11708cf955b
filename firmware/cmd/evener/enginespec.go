// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"evener/firmware/netconf"
	"evener/firmware/supervise"
)

// engineUser is the user of an appliance's engine.
const engineUser = "evener-engine"

// engineCaps are the capabilities of the engine of an appliance. The manual says what
// each is for.
var engineCaps = []struct {
	name string
	bit  uintptr
}{
	{"NET_ADMIN", unix.CAP_NET_ADMIN},
	{"NET_RAW", unix.CAP_NET_RAW},
	{"NET_BIND_SERVICE", unix.CAP_NET_BIND_SERVICE},
	{"SYS_TIME", unix.CAP_SYS_TIME},
}

// Folders that process 1 makes for the engine, besides its state.
const (
	engineNet     = "/run/evener/net"     // name servers and time zone, to which links in /run lead
	engineLog     = "/data/evener/access" // access logs
	engineLogLink = "/var/log/evener"     // leads there
)

// restrictEngine has the engine run as the user that c names.
func restrictEngine(r *supervise.Role, c runConfig) error {
	u, err := user.Lookup(c.engine)
	if err != nil {
		return fmt.Errorf("look up the user %s: %w", c.engine, err)
	}
	if r.Credential, err = credentialOf(u); err != nil {
		return err
	}
	for _, c := range engineCaps {
		r.AmbientCaps = append(r.AmbientCaps, c.bit)
	}
	r.NoNewPrivs, r.Bound = true, true
	if err := errors.Join(giveEngine(c.state, r.Credential), makeEngineDirs(r.Credential)); err != nil {
		// A full or broken disk keeps no box from coming up: the engine says what it misses.
		c.raise("engine", fmt.Errorf("the engine may lack files that it is to have: %w", err))
	}
	return nil
}

// engineFiles are what the engine has in the folder of the state; all else there is of
// the supervisor and of others.
var engineFiles = []string{"store", "store.*", "persist", "upgrade", "network.json", ".network.json-*", "history*", "config.told",
	blackBoxFile + "*", "audit", "events", "captures", "spool"}

// giveEngine makes what the engine has in the state its own, whoever has written it: an
// older version that ran as root, or a repair. The folder itself stays root's, with the
// sticky bit: the engine makes files there, and touches none of others. No engine may
// run meanwhile. It can be cut short and done again.
func giveEngine(state string, to *syscall.Credential) error {
	top, err := os.OpenRoot(state)
	if err != nil {
		return err
	}
	defer top.Close()
	names, err := fs.ReadDir(top.FS(), ".")
	if err != nil {
		return err
	}
	var errs []error
	for _, n := range names {
		if slices.ContainsFunc(engineFiles, func(pattern string) bool { ok, _ := filepath.Match(pattern, n.Name()); return ok }) {
			errs = append(errs, giveFile(top, n.Name(), to))
		}
	}
	errs = append(errs, os.Chown(state, 0, int(to.Gid)), os.Chmod(state, 0o771|os.ModeSticky))
	return errors.Join(errs...)
}

// giveFile gives away a file of top, or a folder with all below it. A link of root's
// leads to a folder of the data partition; one of anybody else leads nowhere.
func giveFile(top *os.Root, name string, to *syscall.Credential) error {
	st, err := top.Lstat(name)
	if err != nil {
		return err
	}
	var dir *os.Root
	switch {
	case st.IsDir():
		dir, err = top.OpenRoot(name)
	case st.Mode()&fs.ModeSymlink != 0 && st.Sys().(*syscall.Stat_t).Uid == 0:
		target := filepath.Join(top.Name(), name)
		if dir, err = os.OpenRoot(target); err == nil {
			err = passable(target)
		}
	default:
		return giveOne(top, name, to)
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	return fs.WalkDir(dir.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return giveOne(dir, path, to)
	})
}

// passable lets the engine into the folder above the one that a link leads to.
func passable(link string) error {
	target, err := os.Readlink(link)
	if err != nil {
		return err
	}
	return os.Chmod(filepath.Dir(target), 0o711)
}

func giveOne(dir *os.Root, name string, to *syscall.Credential) error {
	st, err := dir.Lstat(name)
	if err != nil {
		return err
	}
	if sys := st.Sys().(*syscall.Stat_t); sys.Uid == to.Uid && sys.Gid == to.Gid {
		return nil
	}
	return dir.Lchown(name, int(to.Uid), int(to.Gid))
}

// makeEngineDirs makes the folders that the engine has outside of the state, and the
// links that lead there.
func makeEngineDirs(to *syscall.Credential) error {
	var errs []error
	for _, dir := range []string{engineNet, engineLog} {
		errs = append(errs, os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o755), os.Lchown(dir, int(to.Uid), int(to.Gid)))
	}
	errs = append(errs, os.Chmod(filepath.Dir(engineLog), 0o711), os.MkdirAll(filepath.Dir(engineLogLink), 0o755))
	for name, target := range map[string]string{"/run/resolv.conf": filepath.Join(engineNet, "resolv.conf"),
		"/run/localtime": filepath.Join(engineNet, "localtime"), engineLogLink: engineLog} {
		if err := os.Symlink(target, name); err != nil && !errors.Is(err, fs.ErrExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// system is the kernel with its files, as far as this process may change them.
func (e *engine) system() netconf.Linux {
	if !e.cfg.orders {
		return systemFiles("/etc/resolv.conf")
	}
	return netconf.Linux{Resolver: filepath.Join(engineNet, "resolv.conf"), Zone: filepath.Join(engineNet, "localtime"), Name: nameOrder(e.super())}
}
