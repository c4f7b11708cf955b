// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// A Panel is what the display and the keys on the front of the box do. Without
// its block the defaults hold.
type Panel struct {
	Mode      PanelMode `json:"mode"`           // full
	PIN       string    `json:"-" config:"pin"` // digits; empty: the menu opens without
	Language  string    `json:"language"`       // en
	Rotate    Duration  `json:"rotate"`         // 5s
	Backlight int       `json:"backlight"`      // percent, 100
	Contrast  int       `json:"contrast"`       // percent; 0: as the display has it
	Idle      Duration  `json:"idle"`           // 1m

	Range hcl.Range `json:"-"`
}

// A PanelMode says what a panel may be used for.
type PanelMode string

// The modes.
const (
	PanelFull     PanelMode = "full"
	PanelReadOnly PanelMode = "read-only" // the status alone
	PanelOff      PanelMode = "off"       // dark; keys do nothing
)

// Limits of a PIN, in digits.
const (
	MinPIN = 4
	MaxPIN = 8
)

// checkPIN checks what opens the menu of the panel.
func checkPIN(s string) error {
	if len(s) < MinPIN || len(s) > MaxPIN || strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		return errors.New("must be 4 to 8 digits")
	}
	return nil
}
