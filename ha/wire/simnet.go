// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// Plug puts the cable of a simulated interface in, or pulls it out. Any process may;
// the box notices at once, and one that is not there yet when it comes.
func Plug(dir, node, iface string, in bool) error {
	if err := errors.Join(checkName("box", node), checkName("interface", iface)); err != nil {
		return err
	}
	file := filepath.Join(dir, node, "pulled-"+iface)
	if in {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("plug in %s of %s: %w", iface, node, err)
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("pull the cable of %s of %s: %w", iface, node, err)
	}
	f, err := os.OpenFile(file, os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("pull the cable of %s of %s: %w", iface, node, err)
	}
	return f.Close()
}

func plugged(dir, node, iface string) bool {
	_, err := os.Lstat(filepath.Join(dir, node, "pulled-"+iface))
	return err != nil
}

// A Holder is an address that boxes have on a simulated network. More than one box is
// what must not be, unless a cable is out between them.
type Holder struct {
	Interface string
	Address   netip.Addr
	Nodes     []string // that run, and are plugged in there; sorted
}

// Holders lists the addresses that boxes have taken on the simulated networks of a
// folder, those of the lowest name first.
func Holders(dir string) ([]Holder, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look for simulated boxes: %w", err)
	}
	var out []Holder
	for _, e := range list { // in the order of their names
		if !e.IsDir() || !runs(filepath.Join(dir, e.Name())) {
			continue
		}
		held, err := readHeld(filepath.Join(dir, e.Name(), "held.json"))
		if err != nil {
			return nil, err
		}
		for _, h := range held {
			if !plugged(dir, e.Name(), h.Interface) {
				continue
			}
			for _, p := range h.Addresses {
				i := slices.IndexFunc(out, func(x Holder) bool { return x.Interface == h.Interface && x.Address == p.Addr() })
				if i < 0 {
					i, out = len(out), append(out, Holder{Interface: h.Interface, Address: p.Addr()})
				}
				out[i].Nodes = append(out[i].Nodes, e.Name())
			}
		}
	}
	return out, nil
}

// runs reports whether the box of a folder runs: then its lock is held.
func runs(folder string) bool {
	f, err := os.Open(filepath.Join(folder, "lock"))
	if err != nil {
		return false
	}
	defer f.Close()
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	err = unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock)
	return err == nil && lock.Type != unix.F_UNLCK
}

// held is what one station has.
type held struct {
	Interface string         `json:"interface"`
	Addresses []netip.Prefix `json:"addresses"`
}

func readHeld(file string) (out []held, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // it has just begun
	}
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		return nil, fmt.Errorf("read what a simulated box has taken: %s: %w", file, err)
	}
	return out, nil
}

// note writes down what the stations of this box have. The caller holds s.mu, or is
// the only one.
func (s *Sim) note() error {
	list := []held{}
	for _, x := range s.stations {
		if len(x.held) > 0 {
			list = append(list, held{Interface: x.cfg.Interface, Addresses: x.held})
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	file := filepath.Join(s.cfg.Dir, s.cfg.Node, "held.json")
	if err := os.WriteFile(file+".new", append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("note the addresses taken: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("note the addresses taken: %w", err)
	}
	return nil
}
