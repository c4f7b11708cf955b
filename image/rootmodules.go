// SPDX-License-Identifier: Apache-2.0

package image

import (
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"evener/image/kmod"
)

// moduleList says which of Debian's modules are taken; its head explains it.
//
//go:embed modules.txt
var moduleList string

// The systems that hold modules.
const (
	inRoot   = "root"
	inInitrd = "initrd" // of a slot
	inRescue = "rescue" // the initrd of the rescue system
)

// A moduleRule is one line of the list.
type moduleRule struct {
	line  int
	drop  bool
	what  string   // a module's name, a file or a folder (with a slash at its end)
	archs []string // none: all
	also  []string // inInitrd, inRescue
}

func parseModuleRules(text string) ([]moduleRule, error) {
	var rules []moduleRule
	n := 0
	for row := range strings.Lines(text) {
		n++
		row, _, _ = strings.Cut(row, "#")
		words := strings.Fields(row)
		if len(words) == 0 {
			continue
		}
		r := moduleRule{line: n}
		r.what, r.drop = strings.CutPrefix(words[0], "-")
		for _, w := range words[1:] {
			switch {
			case w == "amd64" || w == "arm64":
				r.archs = append(r.archs, w)
			case w == inInitrd && !r.drop:
				r.also = append(r.also, inInitrd, inRescue)
			case w == inRescue && !r.drop:
				r.also = append(r.also, inRescue)
			default:
				return nil, fmt.Errorf("line %d: %q is none of amd64, arm64, initrd, rescue, of which the last two stand only where modules are taken", n, w)
			}
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// fits tells whether the rule is about the module. Modules of the kernel's own
// tree lie in the folder kernel.
func (r moduleRule) fits(m kmod.Module) bool {
	file, _ := strings.CutPrefix(m.File, "kernel/")
	switch {
	case strings.HasSuffix(r.what, "/"):
		return strings.HasPrefix(file, r.what)
	case strings.Contains(r.what, "/"):
		return file == r.what
	default:
		return m.Name == kmod.Canonical(r.what)
	}
}

// selectModules returns the modules of the index that a system on arch takes by
// the rules: a subset with all that they need. With strict, a rule that fits no
// module, not even one that is built in, is an error: a name written wrong.
func selectModules(x *kmod.Index, rules []moduleRule, arch, system string, strict bool) (*kmod.Index, error) {
	chosen := map[string]bool{}
	for _, r := range rules {
		if len(r.archs) > 0 && !slices.Contains(r.archs, arch) {
			continue
		}
		found := false
		for _, m := range x.Modules() {
			if !r.fits(m) {
				continue
			}
			found = true
			if r.drop {
				delete(chosen, m.Name)
			} else if system == inRoot || slices.Contains(r.also, system) {
				chosen[m.Name] = true
			}
		}
		if !found && strict && !strings.HasSuffix(r.what, "/") && !r.drop {
			return nil, fmt.Errorf("modules.txt:%d: kernel %s for %s has no module %s", r.line, x.Version, arch, path.Base(r.what))
		}
	}
	var names []string
	for name := range chosen {
		names = append(names, name)
	}
	slices.Sort(names)
	return x.Subset(names...)
}
