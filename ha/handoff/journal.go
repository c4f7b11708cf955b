// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
)

// A journal is what Keep has changed, or was about to change.
type journal struct {
	Addresses []netip.Addr `json:"addresses"`
	Settings  []setting    `json:"settings"`
}

// A setting is one of the kernel's, changed.
type setting struct {
	Name   string `json:"name"`
	Before string `json:"before"`
	Set    string `json:"set"`
}

// readJournal reads the journal; without a file it is empty, and so is an empty file,
// which only a power cut can leave: see write.
func readJournal(file string) (journal, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(b) == 0 {
		return journal{}, nil
	}
	if err != nil {
		return journal{}, err
	}
	j, err := parseJournal(b)
	if err != nil {
		return journal{}, fmt.Errorf("%s: %w", file, err)
	}
	return j, nil
}

// parseJournal takes nothing that Keep could not have written: its settings are
// written to the kernel.
func parseJournal(b []byte) (journal, error) {
	var j journal
	if err := json.Unmarshal(b, &j); err != nil {
		return journal{}, err
	}
	for i, a := range j.Addresses {
		if err := checkAddress(a); err != nil {
			return journal{}, err
		}
		j.Addresses[i] = a.Unmap()
	}
	for _, s := range j.Settings {
		if !s.known() {
			return journal{}, fmt.Errorf("setting %q = %q, before %q, is none that is changed here", s.Name, s.Set, s.Before)
		}
	}
	return j, nil
}

// known says whether s is one that Keep changes.
func (s setting) known() bool {
	for _, a := range arpSettings {
		if s.Name == a.name && s.Set == a.want && len(s.Before) == 1 && s.Before >= "0" && s.Before <= "9" {
			return true
		}
	}
	return false
}

// write puts j into the file; an empty one is no file. It does not wait for the disk:
// what j is about is the kernel's, and gone with it after a power cut. A busy disk
// takes longer than other boxes wait for an advertisement.
func (j journal) write(file string) error {
	if len(j.Addresses) == 0 && len(j.Settings) == 0 {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	b, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".handoff-*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
