// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"evener/board"
	"evener/firmware/manage"
	"evener/firmware/supervise"
	"evener/ha/wire"
)

// haUser is the user of the process that moves addresses, where root starts the box and
// there is such a user.
const haUser = "evener-ha"

// haSpec says how the supervisor runs the process that moves addresses. On a simulated
// LAN it needs no rights.
func haSpec(b board.Board, c runConfig, log *slog.Logger) (supervise.Role, error) {
	r := supervise.Role{
		Name: manage.HARole, Args: []string{"role", manage.HARole, "--state", c.state, "--board", b.Name},
		Env:        []string{"GOMAXPROCS=2"},
		MayControl: true, // it asks whether a successor waits
		MayDial:    []string{"engine"},
		NoNewPrivs: true,
		StopFirst:  true, // another box is to serve before the engine ceases to
		Heartbeat:  haBeat, DrainTimeout: 2 * haLeave, StopTimeout: engineStop + 3*haLeave,
		ReleaseTimeout: 2*haLeave + haShakes,
	}
	if c.lan != "" {
		r.Args = append(r.Args, "--lan", c.lan)
		return r, nil
	}
	if os.Getuid() != 0 {
		return r, nil
	}
	u, err := user.Lookup(haUser)
	if errors.As(err, new(user.UnknownUserError)) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("look up the user %s: %w", haUser, err)
	}
	account, err := credentialOf(u)
	if err != nil {
		return r, err
	}
	if dir := barred(filepath.Dir(c.state), account); dir != "" {
		log.Warn("failover groups run as root: "+haUser+" may not pass a folder above the state", "folder", dir)
		return r, nil
	}
	r.Credential = account
	r.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_SYS_NICE}
	if mayHandOff() {
		r.AmbientCaps = append(r.AmbientCaps, unix.CAP_BPF)
	}
	return r, giveHA(c.state, r.Credential)
}

// barred returns the first folder on the way to dir that an account may not pass, "" if
// it may pass all.
func barred(dir string, a *syscall.Credential) string {
	for ; ; dir = filepath.Dir(dir) {
		var st unix.Stat_t
		pass := uint32(0o001)
		switch err := unix.Stat(dir, &st); {
		case err != nil:
			return dir
		case st.Uid == a.Uid:
			pass = 0o100
		case st.Gid == a.Gid:
			pass = 0o010
		}
		if st.Mode&pass == 0 {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// giveHA makes the role's folder its own, and lets it pass the folder of the state,
// of which it can read nothing else.
func giveHA(state string, to *syscall.Credential) error {
	if err := os.MkdirAll(haDir(state), 0o700); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(haDir(state), "*"))
	if err != nil {
		return err
	}
	for _, name := range append(files, haDir(state)) {
		if err := os.Lchown(name, int(to.Uid), int(to.Gid)); err != nil {
			return err
		}
	}
	if err := os.Chown(state, -1, int(to.Gid)); err != nil {
		return err
	}
	return os.Chmod(state, 0o710)
}

// A haCleaner takes away the addresses that a process of the role has left: a box that
// is dead must not answer for them.
type haCleaner struct {
	state string
	log   *slog.Logger
	ended chan struct{} // holds a token when a process has ended
}

func newHACleaner(state string, log *slog.Logger) *haCleaner {
	return &haCleaner{state: state, log: log, ended: make(chan struct{}, 1)}
}

// watch hears of what happens to the roles. It does not block.
func (c *haCleaner) watch(e supervise.Event) {
	if e.Role != manage.HARole || e.Kind != supervise.Exited {
		return
	}
	select {
	case c.ended <- struct{}{}:
	default:
	}
}

// start cleans up after each end of a process until the function that it returns is
// called, and once more then.
func (c *haCleaner) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-c.ended:
				guarded(c.log, "addresses of failover groups", func() { c.clean(ctx) })
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
		c.clean(context.Background())
	}
}

// haInheritance is how long what a process has handed over waits for its successor.
const haInheritance = 3 * time.Second

// clean takes away what no process answers for. What was handed over belongs to the
// successor, if one comes.
func (c *haCleaner) clean(ctx context.Context) {
	if st, err := os.Stat(haHandover(c.state)); err == nil && ctx.Err() == nil {
		select {
		case <-time.After(min(haInheritance, haInheritance-time.Since(st.ModTime()))):
		case <-ctx.Done():
		}
	}
	_, taken := os.Stat(haJournal(c.state))
	_, kept := os.Stat(haKept(c.state))
	if taken != nil && kept != nil {
		return // there is nothing
	}
	lock, err := lockHA(c.state, 0)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return // another process answers for them
	}
	if err != nil {
		c.log.Error("addresses of failover groups not released", "err", err)
		return
	}
	defer lock.Close()
	c.cleanKept()
	if err := wire.Clean(haJournal(c.state)); err != nil {
		c.log.Error("addresses of failover groups not released", "err", err)
		return
	}
	c.log.Info("addresses of failover groups released: the process that had them is gone")
}
