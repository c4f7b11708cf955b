// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A journal lists what a process may have changed in the kernel. It is written before
// the change, so what it lists may not have been done yet.
type journal struct {
	Version  int       `json:"version"`
	Boot     string    `json:"boot"`  // of this start of the machine; what an earlier one had is gone
	Table    string    `json:"table"` // of nftables, family netdev
	Stations []entry   `json:"stations"`
	Settings []setting `json:"settings"`
}

// An entry is of one station.
type entry struct {
	Interface string         `json:"interface"`
	Family    Family         `json:"family"`
	Virtual   string         `json:"virtual,omitempty"` // interface with the MAC
	MAC       string         `json:"mac,omitempty"`
	Addresses []netip.Prefix `json:"addresses"`
}

// A setting is a sysctl that was changed.
type setting struct {
	Name string `json:"name"` // below /proc/sys, as "net/ipv4/conf/lan1/arp_ignore"
	Was  string `json:"was"`
	Is   string `json:"is"`
}

const (
	journalVersion = 1
	journalLimit   = 4 << 20 // bytes
)

// readJournal reads a journal. One of an earlier start of the machine, or none, is
// empty. It may have been written by a process with fewer rights than the reader.
func readJournal(file string) (journal, error) {
	boot, err := bootID()
	if err != nil {
		return journal{}, err
	}
	empty := journal{Version: journalVersion, Boot: boot}
	f, err := os.OpenFile(file, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil
	}
	if err != nil {
		return journal{}, fmt.Errorf("read the journal of addresses: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, journalLimit+1))
	if err != nil {
		return journal{}, fmt.Errorf("read the journal of addresses: %w", err)
	}
	if len(bytes.Trim(text, "\x00")) == 0 {
		return empty, nil // it had not come to the disk when the power went: see write
	}
	j, err := parseJournal(text)
	if err != nil {
		return journal{}, fmt.Errorf("read the journal of addresses: %s is damaged: %w", file, err)
	}
	if j.Boot != boot {
		return empty, nil
	}
	return j, nil
}

func bootID() (string, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("tell this start of the machine from others: %w", err)
	}
	return strings.TrimSpace(string(boot)), nil
}

// parseJournal reads a journal and believes nothing that this package would not
// write.
func parseJournal(text []byte) (j journal, err error) {
	if len(text) > journalLimit {
		return j, fmt.Errorf("it has more than %d bytes", journalLimit)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&j); err != nil {
		return j, err
	}
	if j.Version != journalVersion {
		return j, fmt.Errorf("it has version %d, want %d", j.Version, journalVersion)
	}
	if j.Table != "" && !tableName.MatchString(j.Table) {
		return j, fmt.Errorf("%q is no table of ours", j.Table)
	}
	for _, e := range j.Stations {
		if err := e.check(); err != nil {
			return j, err
		}
	}
	for _, s := range j.Settings {
		if !ourSetting(s.Name) || !number.MatchString(s.Was) || !number.MatchString(s.Is) {
			return j, fmt.Errorf("%q is no setting of ours", s.Name)
		}
	}
	return j, nil
}

var (
	tableName = regexp.MustCompile(`^evener_ha_[0-9a-f]{8}$`)
	linkName  = regexp.MustCompile(`^[^/\s:]{1,15}$`)
	number    = regexp.MustCompile(`^[0-9]{1,3}$`)
)

func (e entry) check() error {
	if !linkName.MatchString(e.Interface) || e.Interface == "." || e.Interface == ".." {
		return fmt.Errorf("%q is no interface", e.Interface)
	}
	if e.Virtual != "" {
		mac, err := net.ParseMAC(e.MAC)
		if err != nil || len(mac) != 6 || e.Virtual != virtualName(e.Interface, mac) {
			return fmt.Errorf("%q is no interface with a virtual MAC", e.Virtual)
		}
	}
	if e.Family != IPv4 && e.Family != IPv6 {
		return fmt.Errorf("%d is no family", e.Family)
	}
	_, err := addresses(e.Family, e.Addresses)
	return err
}

// find returns the entry of a station, or nil.
func (j *journal) find(c Config) *entry {
	i := slices.IndexFunc(j.Stations, func(e entry) bool { return e.of(c) })
	if i < 0 {
		return nil
	}
	return &j.Stations[i]
}

// of reports whether the entry is that of a station.
func (e entry) of(c Config) bool {
	want := newEntry(c)
	return e.Interface == want.Interface && e.Family == want.Family && e.Virtual == want.Virtual && e.MAC == want.MAC
}

func newEntry(c Config) entry {
	e := entry{Interface: c.Interface, Family: c.Family}
	if c.MAC != nil {
		e.Virtual, e.MAC = virtualName(c.Interface, c.MAC), c.MAC.String()
	}
	return e
}

// journalPage is what the length of a journal's file is a multiple of, in bytes: it has
// room for some twenty stations.
const journalPage = 8 << 10

// write replaces the journal, wholly or not at all, for whoever reads it on this start
// of the machine. It does not wait for the disk: that would be on the way of every
// takeover, and with the power goes all that the journal lists. On a full disk the text
// takes the place of the old one, in the room that this has: no service may stand still
// because of somebody's log.
func (j *journal) write(file string) error {
	text, err := json.MarshalIndent(j, "", "\t")
	if err == nil {
		text = append(text, bytes.Repeat([]byte{'\n'}, journalPage-len(text)%journalPage)...)
		err = replace(file, text)
	}
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		err = overwrite(file, text, err)
	}
	if err != nil {
		return fmt.Errorf("write the journal of addresses, without which none is taken: %w", err)
	}
	return nil
}

// replace gives a file a new text at once.
func replace(file string, text []byte) error {
	f, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(file + ".new") // its part of the text takes room for nothing
		return err
	}
	return os.Rename(file+".new", file)
}

// overwrite writes text over one that was as long at least. Without such a one it
// returns full.
func overwrite(file string, text []byte, full error) error {
	f, err := os.OpenFile(file, os.O_WRONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return full
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.Size() < int64(len(text)) {
		return full
	}
	blank := bytes.Repeat([]byte{'\n'}, int(st.Size())-len(text)) // over what is left of the old text
	_, err = f.WriteAt(append(text, blank...), 0)
	return err
}
