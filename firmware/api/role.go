// SPDX-License-Identifier: Apache-2.0

package api

import "fmt"

// A Role is how much its holder may do; each contains the ones before it. The
// zero Role may call nothing.
type Role uint8

// The roles, from the weakest.
const (
	Nobody   Role = iota
	Viewer        // everything but secrets
	Operator      // runtime: drain, enable, weight, clear
	Editor        // the configuration: candidate and commit
	Admin         // users, system, upgrade
)

var roleNames = [...]string{"nobody", "viewer", "operator", "editor", "admin"}

// String returns the name that the configuration and the API use.
func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return fmt.Sprintf("Role(%d)", uint8(r))
}

// ParseRole returns the role that s names.
func ParseRole(s string) (Role, error) {
	for i, n := range roleNames[1:] {
		if s == n {
			return Role(i + 1), nil
		}
	}
	return Nobody, fmt.Errorf("role must be viewer, operator, editor or admin, not %q", s)
}

// Words returns the names of all roles but nobody.
func (Role) Words() []string { return roleNames[1:] }

// MarshalText returns r's name.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText sets r to the role that b names.
func (r *Role) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRole(string(b))
	return err
}

// An Effect is what a method changes.
type Effect uint8

// The effects. Only Read leaves no line in the audit log.
const (
	Read      Effect = iota
	Runtime          // acts at once, no part of the configuration
	Candidate        // the caller's own draft of the configuration
	Commit           // the running configuration
	System           // the box itself: time, users, firmware, power
)

var effectNames = [...]string{"read", "runtime", "candidate", "commit", "system"}

// String returns the name that documents and audit lines use.
func (e Effect) String() string {
	if int(e) < len(effectNames) {
		return effectNames[e]
	}
	return fmt.Sprintf("Effect(%d)", uint8(e))
}

// MarshalText returns e's name.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }
