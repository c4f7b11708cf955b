// SPDX-License-Identifier: Apache-2.0

package auth

import "fmt"

// A Role is how much a user may do; each contains the ones before it. The zero
// Role may do nothing.
type Role uint8

// The roles, from the weakest. The numbers are those of package api.
const (
	Viewer   Role = iota + 1 // sees everything but secrets
	Operator                 // runtime: drain, enable, weight
	Editor                   // the configuration
	Admin                    // users and the box itself
)

var roleNames = [...]string{"nobody", "viewer", "operator", "editor", "admin"}

// String returns the role's name.
func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return fmt.Sprintf("Role(%d)", uint8(r))
}

// MarshalText returns r's name.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText sets r to the role that b names.
func (r *Role) UnmarshalText(b []byte) error {
	for i, n := range roleNames[1:] {
		if string(b) == n {
			*r = Role(i + 1)
			return nil
		}
	}
	return errorf(Invalid, "role must be viewer, operator, editor or admin, not %q", b)
}

func (r Role) check() error {
	if r < Viewer || r > Admin {
		return errorf(Invalid, "role must be viewer, operator, editor or admin")
	}
	return nil
}
