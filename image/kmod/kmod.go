// SPDX-License-Identifier: Apache-2.0

// Package kmod knows the kernel's loadable modules: what one says about itself,
// which others it needs, which devices it drives, and how it is loaded.
//
// The builder of an image reads every module once (Build) and writes an index
// beside them. The programs of the box, which start from an initrd and as the
// first process, only read that index: it holds what depmod would have written
// in several files, in one that is parsed in a millisecond or two.
//
// Names of modules are told with underscores, as the kernel does in
// /proc/modules; a caller may write hyphens.
package kmod

import (
	"strings"
)

// IndexFile is the name of the index in a kernel's folder of modules, such as
// /lib/modules/6.1.0-40-amd64.
const IndexFile = "evener.index"

// A Module is what the index knows about one module.
type Module struct {
	Name string // with underscores
	File string // below the folder of modules; empty: built into the kernel

	Depends []string // modules whose symbols it uses
	Pre     []string // modules or aliases that should be loaded before it, if there are any
	Post    []string // the same, after it
}

// Canonical returns the name of a module or an alias as the kernel compares it:
// hyphens are underscores, but not within brackets, where they are ranges.
func Canonical(name string) string {
	if !strings.Contains(name, "-") {
		return name
	}
	b := []byte(name)
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '-':
			b[i] = '_'
		case '[':
			for i < len(b) && b[i] != ']' {
				i++
			}
		}
	}
	return string(b)
}
