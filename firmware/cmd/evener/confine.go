// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// The users that the console may have when root starts the box.
const (
	consoleUser = "evener-console"
	noUser      = "nobody"
)

// consoleAccount returns the user that the console is to run as, nil for that of
// the supervisor: only root can choose. "" is consoleUser, or noUser where there is
// no such user.
func consoleAccount(name string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		if name != "" {
			return nil, usageError{fmt.Errorf("--console-user %s: only root can start the console as another user; leave the flag out", name)}
		}
		return nil, nil
	}
	names := []string{name}
	if name == "" {
		names = []string{consoleUser, noUser}
	}
	for _, n := range names {
		u, err := user.Lookup(n)
		if errors.As(err, new(user.UnknownUserError)) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look up the user %s: %w", n, err)
		}
		return credentialOf(u)
	}
	if name == "" {
		return nil, fmt.Errorf("the console needs a user without rights: make %s, or name one with --console-user", consoleUser)
	}
	return nil, usageError{fmt.Errorf("--console-user: there is no user %q", name)}
}

func credentialOf(u *user.User) (*syscall.Credential, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err, err2); err != nil {
		return nil, fmt.Errorf("user %s: %w", u.Username, err)
	}
	if uid == 0 {
		return nil, usageError{fmt.Errorf("--console-user: the console must not run as %s, which has all rights", u.Username)}
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// maxConsoleFiles is the limit of open descriptors of the console: its clients,
// its connections with the engine, and some more.
const maxConsoleFiles = 2048

// nameProcess gives this process the name of the program: it was started by the number
// of a descriptor.
func nameProcess(log *slog.Logger) {
	if err := os.WriteFile("/proc/self/comm", []byte("evener"), 0); err != nil {
		log.Warn("process not named", "err", err)
	}
}

// confine takes from this process what the console does not need: it can open no
// file from here on but those below dir, and neither connect nor listen over plain
// TCP by itself. A kernel without Landlock cannot do all of it; the log says so.
func confine(dir string, log *slog.Logger) error {
	_ = time.Now().Local().String() // reads the time zone while that can be
	nameProcess(log)
	for _, l := range []struct {
		what  int
		limit uint64
	}{{unix.RLIMIT_NOFILE, maxConsoleFiles}, {unix.RLIMIT_CORE, 0}} {
		var now unix.Rlimit
		if err := unix.Getrlimit(l.what, &now); err != nil {
			return fmt.Errorf("read a limit of this process: %w", err)
		}
		limit := min(l.limit, now.Max)
		if err := unix.Setrlimit(l.what, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("lower a limit of this process: %w", err)
		}
	}
	var rules []landlock.Rule
	if dir != "" {
		rules = append(rules, landlock.RODirs(dir))
	}
	if err := landlock.V6.BestEffort().Restrict(rules...); err != nil {
		log.Warn("console not confined", "err", err)
		return nil
	}
	if f, err := os.Open("/"); err == nil {
		f.Close()
		log.Warn("console not confined", "err", "the kernel has no Landlock: the console may open what its user may")
	} else if !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("confine the console: %w", err)
	} else {
		log.Info("console confined")
	}
	return nil
}

// Rights to files (Landlock).
const (
	mayRead  = ll.AccessFSReadFile | ll.AccessFSReadDir
	mayWrite = mayRead | ll.AccessFSWriteFile | ll.AccessFSTruncate
	mayMake  = mayWrite | ll.AccessFSMakeReg | ll.AccessFSMakeDir | ll.AccessFSMakeSym | ll.AccessFSMakeSock |
		ll.AccessFSRemoveFile | ll.AccessFSRemoveDir | ll.AccessFSRefer
)

// confineEngine takes from the engine of an appliance what it needs of no file: it starts
// no program, makes and uses no device, and writes below the folders that are its own,
// into the settings of the network and to /dev/null. What it reads is not bounded: the
// configuration names files, and its user may read little that is secret.
func confineEngine(state string, log *slog.Logger) error {
	nameProcess(log)
	if v, err := ll.LandlockGetABIVersion(); err != nil || v < 1 {
		log.Warn("engine not confined", "err", "the kernel has no Landlock: the engine may open what its user may")
		return nil
	}
	own := []string{state, engineNet, os.TempDir()}
	for _, name := range []string{"audit", "captures", "events", "persist"} {
		own = append(own, filepath.Join(state, name)) // links to the data partition
	}
	err := landlock.V5.BestEffort().RestrictPaths(
		landlock.PathAccess(mayRead, "/"),
		landlock.PathAccess(mayMake, append(own, engineLog)...).IgnoreIfMissing(),
		landlock.PathAccess(mayWrite, "/proc/sys/net"),
		landlock.PathAccess(mayWrite&^ll.AccessFSReadDir, os.DevNull))
	if err != nil {
		return fmt.Errorf("confine the engine: %w", err)
	}
	rights, err := rightsOfSelf()
	if err != nil {
		return err
	}
	log.Info("engine confined", rights...)
	return nil
}

// rightsOfSelf reads what this process may, as pairs of key and value.
func rightsOfSelf() (pairs []any, err error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil, err
	}
	keys := map[string]string{"Uid": "uid", "CapEff": "rights", "CapBnd": "ever", "NoNewPrivs": "no_new_privs"}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if key, f := keys[name], strings.Fields(value); key != "" && len(f) > 0 {
			pairs = append(pairs, key, f[0])
		}
	}
	return pairs, nil
}
