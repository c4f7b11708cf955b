// SPDX-License-Identifier: Apache-2.0

package config

import "io"

// Write prints each diagnostic with its source line and a caret.
func (d Diagnostics) Write(w io.Writer, src []byte) error { return nil }

// Format returns src in canonical form.
func Format(src []byte) ([]byte, Diagnostics) { return src, nil }

// JSON returns the checked values.
func (c *Config) JSON() ([]byte, error) { return nil, nil }

// Text returns the configuration as canonical HCL.
func (c *Config) Text(defaults bool) []byte { return nil }

// A Block describes one block of the language.
type Block struct{ Name string }

// Schema returns the table of the language.
func Schema() []Block { return nil }

// A Step names one block within another.
type Step struct {
	Block string // its type: "pool"
	Label string // its label; empty if it has none
	Index int    // which of several with the same type and label, from 0
}

// A Path leads from the top of a configuration to a block.
type Path []Step

// Edit sets attribute attr of the block at path to the HCL text value, or
// removes it when value is empty.
func Edit(src []byte, path Path, attr, value string) ([]byte, Diagnostics) { return src, nil }

// InsertBlock puts the block text into parent, before the sibling named.
func InsertBlock(src []byte, parent Path, before *Step, text string) ([]byte, Diagnostics) {
	return src, nil
}

// RemoveBlock removes the block at path.
func RemoveBlock(src []byte, path Path) ([]byte, Diagnostics) { return src, nil }

// MoveBlock moves the block at path before another of the same parent.
func MoveBlock(src []byte, path Path, before *Step) ([]byte, Diagnostics) { return src, nil }
