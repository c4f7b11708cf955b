// SPDX-License-Identifier: Apache-2.0

package kmod

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// magic begins the first line of an index; the kernel's version follows.
const magic = "evener-modules 1 "

// An Index knows the modules of one kernel. It does not change once it is made,
// so any number of goroutines may ask it.
type Index struct {
	Version string // of the kernel, as uname -r tells it

	modules []Module // by name
	aliases []alias  // by what stands before the first wildcard, then pattern, then module
}

// An alias is one pattern of one module.
type alias struct {
	pattern string
	fixed   int   // bytes before its first wildcard
	module  int32 // in modules
}

// compareAliases is the order of aliases, by which For finds them.
func compareAliases(a, b alias) int {
	return cmp.Or(
		strings.Compare(a.pattern[:a.fixed], b.pattern[:b.fixed]),
		strings.Compare(a.pattern, b.pattern),
		cmp.Compare(a.module, b.module))
}

// Modules returns what the index holds, by name, including what is built into
// the kernel. The caller leaves it as it is.
func (x *Index) Modules() []Module { return x.modules }

// Module returns the module of that name.
func (x *Index) Module(name string) (Module, bool) {
	i, ok := x.find(Canonical(name))
	if !ok {
		return Module{}, false
	}
	return x.modules[i], true
}

func (x *Index) find(name string) (int, bool) {
	return slices.BinarySearchFunc(x.modules, name, func(m Module, name string) int {
		return strings.Compare(m.Name, name)
	})
}

// For returns the names of the modules that serve a device's modalias, or a
// name the kernel asks for such as "nft-chain-2-nat", in the order of the index.
func (x *Index) For(modalias string) []string {
	s := Canonical(strings.TrimSpace(modalias))
	var found []int32
	for n := 0; n <= len(s); n++ {
		prefix := s[:n]
		i, ok := slices.BinarySearchFunc(x.aliases, prefix, func(a alias, prefix string) int {
			return strings.Compare(a.pattern[:a.fixed], prefix)
		})
		if !ok {
			continue
		}
		for ; i < len(x.aliases) && x.aliases[i].fixed == n && x.aliases[i].pattern[:n] == prefix; i++ {
			if a := x.aliases[i]; !slices.Contains(found, a.module) && Match(a.pattern, s) {
				found = append(found, a.module)
			}
		}
	}
	slices.Sort(found)
	var names []string
	for _, m := range found {
		names = append(names, x.modules[m].Name)
	}
	return names
}

// Encode returns the index as text: a line with the kernel's version, a line
// for each module (name, file, depends, pre, post, with tabs between them and
// commas within), an empty line, and a line for each alias (pattern, module).
func (x *Index) Encode() []byte {
	var b bytes.Buffer
	b.WriteString(magic + x.Version + "\n")
	for _, m := range x.modules {
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%s\n", m.Name, m.File,
			strings.Join(m.Depends, ","), strings.Join(m.Pre, ","), strings.Join(m.Post, ","))
	}
	b.WriteByte('\n')
	for _, a := range x.aliases {
		b.WriteString(a.pattern + "\t" + x.modules[a.module].Name + "\n")
	}
	return b.Bytes()
}

// Parse reads what Encode wrote. It refuses what is not in order, since For
// would not find it.
func Parse(data []byte) (*Index, error) {
	first, rest, _ := strings.Cut(string(data), "\n")
	version, ok := strings.CutPrefix(first, magic)
	if !ok || version == "" {
		return nil, fmt.Errorf("line 1: this is no index of modules: it should begin with %q and the kernel's version", magic)
	}
	if !strings.HasSuffix(rest, "\n") {
		return nil, fmt.Errorf("the index of modules is cut off: its last line does not end")
	}
	x := &Index{Version: version}
	modules, aliases, ok := strings.Cut("\n"+rest, "\n\n")
	if !ok {
		return nil, fmt.Errorf("the index of modules is cut off: no empty line after the modules")
	}
	line, err := x.parseModules(strings.TrimPrefix(modules, "\n"))
	if err != nil {
		return nil, err
	}
	if err := x.parseAliases(aliases, line+2); err != nil {
		return nil, err
	}
	return x, nil
}

// parseModules reads the lines of the modules and returns the number of the
// last one in the file.
func (x *Index) parseModules(text string) (last int, err error) {
	last = 1
	if text == "" {
		return last, nil
	}
	x.modules = make([]Module, 0, strings.Count(text, "\n")+1)
	for row := range strings.SplitSeq(text, "\n") {
		last++
		m, ok := parseModule(row)
		if !ok {
			return last, fmt.Errorf("line %d: a module has a name and four lists, with tabs between them", last)
		}
		if n := len(x.modules); n > 0 && x.modules[n-1].Name >= m.Name {
			return last, fmt.Errorf("line %d: module %q should stand before %q", last, m.Name, x.modules[n-1].Name)
		}
		x.modules = append(x.modules, m)
	}
	return last, nil
}

func parseModule(row string) (Module, bool) {
	var field [5]string
	for i := range field {
		var more bool
		field[i], row, more = strings.Cut(row, "\t")
		if more != (i < len(field)-1) {
			return Module{}, false
		}
	}
	m := Module{Name: field[0], File: field[1], Depends: list(field[2]), Pre: list(field[3]), Post: list(field[4])}
	return m, m.Name != "" && m.Name == Canonical(m.Name)
}

func list(field string) []string {
	if field == "" {
		return nil
	}
	return strings.Split(field, ",")
}

func (x *Index) parseAliases(text string, line int) error {
	x.aliases = make([]alias, 0, strings.Count(text, "\n"))
	for text != "" {
		var row string
		row, text, _ = strings.Cut(text, "\n")
		pattern, name, ok := strings.Cut(row, "\t")
		if !ok || pattern == "" {
			return fmt.Errorf("line %d: an alias is a pattern, a tab and the module's name", line)
		}
		i, ok := x.find(name)
		if !ok {
			return fmt.Errorf("line %d: alias %q is of a module %q that the index does not have", line, pattern, name)
		}
		a := alias{pattern: pattern, fixed: literal(pattern), module: int32(i)}
		if n := len(x.aliases); n > 0 && compareAliases(x.aliases[n-1], a) >= 0 {
			return fmt.Errorf("line %d: alias %q should stand before %q", line, pattern, x.aliases[n-1].pattern)
		}
		x.aliases = append(x.aliases, a)
		line++
	}
	return nil
}
