// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maintenanceShell runs /bin/sh on a terminal of its own, between which and the
// serial console bytes are carried, until it ends, the input does, or ctx ends. Its
// session is hung up then. It closes in.
func maintenanceShell(ctx context.Context, in io.ReadCloser, out io.Writer) error {
	p, err := newPseudo()
	if err != nil {
		return err
	}
	defer p.master.Close()
	other, err := os.OpenFile(p.path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer other.Close()
	if err := control(p.master, forPeople); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh")
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb", "HOME=/", "PS1=# "}
	cmd.Dir = "/"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = other, other, other
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGHUP) }
	cmd.WaitDelay = 2 * time.Second // then it is killed
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the shell: %w", err)
	}
	other.Close()
	shown, typed := make(chan error, 1), make(chan error, 1) // faults
	go func() {
		// Ends with EIO when nobody has the other end any more.
		shown <- protected(func() error { _, _ = io.Copy(out, p.master); return nil })
	}()
	go func() {
		typed <- protected(func() error { _, _ = io.Copy(p.master, in); return nil })
		cancel() // nobody is there any more
	}()
	err = cmd.Wait()
	in.Close()
	fault := <-typed
	_ = p.master.SetReadDeadline(time.Now().Add(time.Second)) // something in the background has the other end still
	if fault = errors.Join(fault, <-shown); fault != nil {
		return fault
	}
	// What the last command returned is no matter of ours, nor who has waited for the shell.
	if ctx.Err() != nil || errors.As(err, new(*exec.ExitError)) || errors.Is(err, unix.ECHILD) {
		return nil
	}
	return err
}

// forPeople gives a terminal echo, lines and signals, and the size of the smallest one.
func forPeople(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag |= unix.ICRNL
	t.Oflag |= unix.OPOST | unix.ONLCR
	t.Lflag |= unix.ECHO | unix.ECHOE | unix.ECHOK | unix.ICANON | unix.ISIG | unix.IEXTEN
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, t); err != nil {
		return err
	}
	return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
}
