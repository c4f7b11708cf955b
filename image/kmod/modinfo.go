// SPDX-License-Identifier: Apache-2.0

package kmod

import (
	"debug/elf"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxModInfo bounds the section .modinfo. The largest of a real kernel, of a
// driver with thousands of devices, has about 100 KiB.
const maxModInfo = 4 << 20

// An Info is what a module says about itself in its section .modinfo, which the
// kernel's build writes from the macros MODULE_... of its source.
type Info struct {
	Name     string   // with underscores; empty in modules of very old kernels
	Version  string   // the kernel it was built for: the first word of vermagic
	License  string   // such as "GPL v2"
	Depends  []string // modules whose symbols it uses
	Aliases  []string // patterns of the devices and names it serves
	Pre      []string // softdep, before it
	Post     []string // softdep, after it
	Firmware []string // files it may ask for, below /lib/firmware
}

// ReadModInfo reads the section .modinfo of a module, an ELF file.
func ReadModInfo(r io.ReaderAt) (Info, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return Info{}, fmt.Errorf("no kernel module: %v", err)
	}
	s := f.Section(".modinfo")
	if s == nil {
		return Info{}, fmt.Errorf("no kernel module: it has no section .modinfo")
	}
	if s.Size > maxModInfo {
		return Info{}, fmt.Errorf("no kernel module: section .modinfo has %d bytes, at most %d are allowed", s.Size, maxModInfo)
	}
	data, err := s.Data()
	if err != nil {
		return Info{}, fmt.Errorf("read section .modinfo: %v", err)
	}
	in := parseModInfo(string(data))
	return in, in.check()
}

// check refuses names that no module can have: its file would have to be called so.
func (in *Info) check() error {
	for _, name := range slices.Concat([]string{in.Name}, in.Depends, in.Pre, in.Post) {
		if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == ',' || r == '/' }) {
			return fmt.Errorf("no kernel module: section .modinfo has the name %q", name)
		}
	}
	return nil
}

// parseModInfo splits the entries "key=value", which end with a zero byte.
func parseModInfo(text string) Info {
	var in Info
	for entry := range strings.SplitSeq(text, "\x00") {
		key, value, ok := strings.Cut(entry, "=")
		if !ok || value == "" {
			continue
		}
		switch key {
		case "name":
			in.Name = Canonical(value)
		case "vermagic":
			in.Version, _, _ = strings.Cut(value, " ")
		case "license":
			in.License = value
		case "depends":
			for name := range strings.SplitSeq(value, ",") {
				if name != "" {
					in.Depends = append(in.Depends, Canonical(name))
				}
			}
		case "alias":
			in.Aliases = append(in.Aliases, value)
		case "softdep":
			in.softdep(value)
		case "firmware":
			in.Firmware = append(in.Firmware, value)
		}
	}
	return in
}

// softdep adds the names of one entry such as "pre: crc32c post: dm_log".
func (in *Info) softdep(value string) {
	var list *[]string
	for word := range strings.FieldsSeq(value) {
		switch {
		case word == "pre:":
			list = &in.Pre
		case word == "post:":
			list = &in.Post
		case list != nil:
			*list = append(*list, Canonical(word))
		}
	}
}
