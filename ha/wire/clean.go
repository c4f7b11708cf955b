// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Clean undoes what the journal of a process lists that runs no more: it takes its
// addresses and virtual MACs away first, then its table of nftables and its settings.
// It may be called after any end of that process, and again; without a file there is
// nothing to do. What cannot be undone stays listed, and is the error. It needs
// CAP_NET_ADMIN.
func Clean(file string) error {
	j, err := readJournal(file)
	if err != nil {
		return err
	}
	if err := cleanAll(&j); err != nil {
		return errors.Join(fmt.Errorf("clean up what %s lists: %w", file, err), j.write(file))
	}
	for _, name := range []string{file, file + ".new"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clean up: %w", err)
		}
	}
	return nil
}

// cleanAll undoes what a journal lists and leaves in it what could not be.
func cleanAll(j *journal) (err error) {
	var left []entry
	for _, e := range j.Stations {
		if x := undo(e); x != nil {
			err = errors.Join(err, x)
			left = append(left, e)
		}
	}
	j.Stations = left
	if j.Table != "" {
		if x := removeTable(j.Table); x != nil {
			err = errors.Join(err, x)
		} else {
			j.Table = ""
		}
	}
	var x error
	j.Settings, x = putBack(j.Settings)
	return errors.Join(err, x)
}

// undo takes away what a station had.
func undo(e entry) error {
	name := e.Interface
	if e.Virtual != "" {
		name = e.Virtual
	}
	link, err := netlink.LinkByName(name)
	if _, absent := errors.AsType[netlink.LinkNotFoundError](err); absent {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for %s: %w", name, err)
	}
	if e.Virtual != "" {
		// Somebody else may have given the name to something else since.
		if _, is := link.(*netlink.Macvlan); !is || link.Attrs().HardwareAddr.String() != e.MAC {
			return nil
		}
		if err := netlink.LinkDel(link); err != nil && !errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("remove %s: %w", name, err)
		}
		return nil
	}
	for _, p := range e.Addresses {
		if x := removeAddress(link, p); x != nil {
			err = errors.Join(err, fmt.Errorf("remove %v from %s: %w", p, name, x))
		}
	}
	return err
}
