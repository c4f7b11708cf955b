// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"

	"evener/firmware/durable"
)

// A record is what we have set, so that it is known after a restart, and what was
// there before, so that it can come back. It is written before the change that it
// tells of.
type record struct {
	Boot      string `json:"boot"`
	Addresses []ours `json:"addresses,omitempty"`

	VLANs   []tagged  `json:"vlans,omitempty"`
	Bonds   []string  `json:"bonds,omitempty"`   // by name, as they are made anew when their mode changes
	Members []int     `json:"members,omitempty"` // indexes of what we have put into bonds
	MTUs    []setting `json:"mtus,omitempty"`
	Offs    []int     `json:"offs,omitempty"` // indexes of what we have switched off

	Forward Forwarding `json:"forward,omitzero"` // what we have switched on

	Lease *Lease `json:"lease,omitempty"`

	HostName *string `json:"host_name,omitempty"` // before; nil: we have not set it
	Resolver *File   `json:"resolver,omitempty"`
	Zone     *File   `json:"zone,omitempty"`

	// What we have set of these, so that what others have changed since is left alone.
	SetHostName string `json:"set_host_name,omitempty"`
	SetResolver File   `json:"set_resolver,omitzero"`
	SetZone     File   `json:"set_zone,omitzero"`
}

// Ours is an address that we have set.
type ours struct {
	Interface string       `json:"interface"` // its name then
	Index     int          `json:"index"`
	Address   netip.Prefix `json:"address"`
}

// A setting is a number of an interface that we have set.
type setting struct {
	Index int `json:"index"`
	Was   int `json:"was"`
	Set   int `json:"set"`
}

// maxRecord bounds the file, in bytes.
const maxRecord = 1 << 20

// loadRecord reads the record; a file that is not there is an empty one.
func loadRecord(path string) (record, error) {
	var r record
	if path == "" {
		return r, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err == nil && len(b) > maxRecord {
		err = fmt.Errorf("%s is longer than %d bytes", path, maxRecord)
	}
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		return record{}, fmt.Errorf("read what was set: %w", err)
	}
	return r, nil
}

// save writes r so that a crash leaves the old record or the new one.
func (r record) save(path string) error {
	if path == "" {
		return nil
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return durable.Replace(path, append(b, '\n'), 0o600)
}
