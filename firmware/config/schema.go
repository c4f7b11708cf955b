// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strconv"
	"strings"
)

// A Block describes one block of the language.
type Block struct {
	Name     string    `json:"name"`             // "member"
	In       []string  `json:"in,omitempty"`     // blocks that it stands in; none: at the top
	Label    string    `json:"label,omitempty"`  // what the quoted word after the name is: "name", "server", "type"; empty: there is none
	Labels   []string  `json:"labels,omitempty"` // the words allowed there; none: any
	Second   string    `json:"second,omitempty"` // what a second quoted word is; empty: there is none
	Max      int       `json:"max,omitempty"`    // how many may stand in one place; 0: any number
	By       string    `json:"by,omitempty"`     // what the Only of Keywords, and of blocks within, speak of: a keyword or the label
	Only     []string  `json:"only,omitempty"`   // allowed for these values of the enclosing block's By; none: for all
	Local    bool      `json:"local,omitempty"`  // at the top: each box's own, never mirrored to its peers
	Purpose  string    `json:"purpose"`
	Title    string    `json:"title,omitempty"` // in the manual, where another block has the name too
	Keywords []Keyword `json:"keywords"`

	field string // of the enclosing struct
	label string // field for the label
	ref   string // block that the label names

	second string // field for the second label
}

// A Keyword describes one attribute of a block.
type Keyword struct {
	Name       string            `json:"name"`
	Kind       Kind              `json:"kind"`
	Min        string            `json:"min,omitempty"` // smallest value, as written
	Max        string            `json:"max,omitempty"` // largest
	OneOf      []string          `json:"one_of,omitempty"`
	Ref        string            `json:"ref,omitempty"`         // block that the value names
	Default    string            `json:"default,omitempty"`     // as written, without quotes, of a list with commas; empty: there is none
	DefaultFor map[string]string `json:"default_for,omitempty"` // where it differs: value of the block's By → default
	Unset      string            `json:"unset,omitempty"`       // what holds when it is not given and has no default
	Required   bool              `json:"required,omitempty"`
	Only       []string          `json:"only,omitempty"` // applies for these values of the block's By; none: for all
	Purpose    string            `json:"purpose"`

	check func(string) error // of a string, or of each string of a list
}

// A Kind is what a keyword's value looks like; it is worded for people.
type Kind string

// The kinds.
const (
	KindString    Kind = "string"
	KindBool      Kind = "true or false"
	KindInt       Kind = "whole number"
	KindFloat     Kind = "number"
	KindDuration  Kind = "duration"
	KindSize      Kind = "size"
	KindAddress   Kind = "address"
	KindListen    Kind = "list of addresses"
	KindAddresses Kind = "list of single addresses"
	KindNetworks  Kind = "list of networks"
	KindPrefixes  Kind = "list of addresses with the length of their network"
	KindIPs       Kind = "list of IP addresses"
	KindStrings   Kind = "list of strings"
	KindInts      Kind = "list of whole numbers"
	KindRegex     Kind = "regular expression"
	KindCondition Kind = "condition"
	KindMap       Kind = "map of strings"
)

// Schema returns the table of the language: every block with its keywords, the
// enclosing blocks before those within them. The caller must not change it.
func Schema() []Block { return language }

// language is the table, written in schema_*.go.
var language = slices.Concat(globalBlocks, networkBlocks, portBlocks, consoleBlocks, panelBlocks, serialBlocks, upgradeBlocks, haBlocks, certificateBlocks, poolBlocks, clusterBlocks, testBlocks, responderBlocks, alertBlocks)

// blockIn returns the block called name that stands in parent ("": the top).
func blockIn(parent, name string) *Block {
	for i := range language {
		if b := &language[i]; b.Name == name && b.standsIn(parent) {
			return b
		}
	}
	return nil
}

// blocksIn returns the blocks that stand in parent, in the order of the table.
func blocksIn(parent string) []*Block {
	var out []*Block
	for i := range language {
		if b := &language[i]; b.standsIn(parent) {
			out = append(out, b)
		}
	}
	return out
}

func (b *Block) standsIn(parent string) bool {
	if parent == "" {
		return len(b.In) == 0
	}
	return slices.Contains(b.In, parent)
}

// title returns what the manual calls the block.
func (b *Block) title() string {
	if b.Title != "" {
		return b.Title
	}
	return b.Name
}

// keyword returns the keyword called name, or nil.
func (b *Block) keyword(name string) *Keyword {
	for i := range b.Keywords {
		if b.Keywords[i].Name == name {
			return &b.Keywords[i]
		}
	}
	return nil
}

// applies reports whether what is allowed only for some values of a selector is
// allowed for sel. An unknown selector allows all: its own mistake is reported.
func applies(only []string, sel string) bool {
	return len(only) == 0 || sel == "" || slices.Contains(only, sel)
}

// defaultFor returns the default for the selector's value.
func (k *Keyword) defaultFor(sel string) string {
	if d, ok := k.DefaultFor[sel]; ok {
		return d
	}
	return k.Default
}

// quoted reports whether values of this kind stand in quotes.
func (k Kind) quoted() bool {
	switch k {
	case KindString, KindDuration, KindSize, KindAddress, KindRegex:
		return true
	}
	return false
}

// DefaultText returns a default of k as it stands in a configuration.
func (k *Keyword) DefaultText(value string) string {
	if e := k.Kind.element(); e != "" {
		items := listed(value)
		for i, item := range items {
			if e != KindInt {
				items[i] = strconv.Quote(item)
			}
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	if k.Kind.quoted() {
		return strconv.Quote(value)
	}
	return value
}
