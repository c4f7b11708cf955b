// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// A Space is a network namespace with a name, as ip(8) knows it.
type Space struct {
	Name   string // in /run/netns
	short  string // within the lab
	handle netns.NsHandle
}

// NewSpace makes a namespace whose loopback is up, for who needs no whole lab. Name is
// its name in /run/netns.
func NewSpace(name string) (*Space, error) {
	s := &Space{Name: name, short: name}
	err := onThread(func() (err error) {
		if s.handle, err = netns.NewNamed(name); err != nil {
			return err
		}
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(lo)
	})
	if err != nil {
		return nil, fmt.Errorf("make the network namespace %s: %w", name, err)
	}
	return s, nil
}

// Do runs f in the namespace. Sockets that f opens and processes that it starts
// belong to it; goroutines that f starts do not.
func (s *Space) Do(f func() error) error {
	return onThread(func() error {
		if err := netns.Set(s.handle); err != nil {
			return fmt.Errorf("enter the network namespace %s: %w", s.Name, err)
		}
		return f()
	})
}

// Start starts a command in the namespace.
func (s *Space) Start(cmd *exec.Cmd) error { return s.Do(cmd.Start) }

// Run runs a command in the namespace and returns what it said.
func (s *Space) Run(name string, args ...string) (string, error) { return s.run("", name, args...) }

// feed runs a command in the namespace with a text on its standard input.
func (s *Space) feed(text, name string, args ...string) error {
	_, err := s.run(text, name, args...)
	return err
}

func (s *Space) run(stdin, name string, args ...string) (string, error) {
	var out strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := s.Start(cmd); err != nil {
		return "", err
	}
	if err := cmd.Wait(); err != nil {
		return out.String(), fmt.Errorf("%s %s in %s: %w: %s", name, strings.Join(args, " "), s.Name, err, strings.TrimSpace(out.String()))
	}
	return out.String(), nil
}

// set writes a kernel setting of the namespace, such as net/ipv4/ip_forward.
func (s *Space) set(name, value string) error {
	return s.Do(func() error { return os.WriteFile("/proc/sys/"+name, []byte(value), 0o644) })
}

// pids returns the processes that belong to the namespace, other than this one.
func (s *Space) pids() (out []int, err error) {
	want, err := os.Stat(filepath.Join("/run/netns", s.Name))
	if err != nil {
		return nil, err
	}
	all, err := filepath.Glob("/proc/[0-9]*/ns/net")
	for _, f := range all {
		got, err := os.Stat(f)
		if err != nil || !os.SameFile(want, got) { // gone meanwhile
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(f, "/")[2]); err == nil && pid != os.Getpid() {
			out = append(out, pid)
		}
	}
	return out, err
}

// Close gives the namespace up. It ends when the last process in it has.
func (s *Space) Close() error {
	return errors.Join(s.handle.Close(), netns.DeleteNamed(s.Name))
}

// onThread runs f on a thread that ends after it, whatever f did to it.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked
		done <- f()
	}()
	return <-done
}
