// SPDX-License-Identifier: Apache-2.0

package config

import "github.com/hashicorp/hcl/v2"

// A Serial is what somebody at the serial console may do. Without its block the
// defaults hold.
type Serial struct {
	PasswordReset    PasswordReset `json:"password_reset"`    // allowed
	MaintenanceShell bool          `json:"maintenance_shell"` // false
	Idle             Duration      `json:"idle"`              // 10m

	Range hcl.Range `json:"-"`
}

// A PasswordReset says whether who is at the serial console may give an
// administrator a new password.
type PasswordReset string

// The choices.
const (
	ResetAllowed PasswordReset = "allowed"
	ResetRefused PasswordReset = "refused" // who has lost all passwords resets the box
)
