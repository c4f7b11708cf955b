// SPDX-License-Identifier: Apache-2.0

package kmod

import (
	"fmt"
	"slices"
)

// A step is one module of an order of loading.
type step struct {
	module Module
	soft   bool // wanted only by softdep: its failure stops nobody
}

// Order returns the files to load, below the folder of modules, so that the
// modules of these names (or of these aliases) work: each after those it needs.
// What is built into the kernel has no file and is left out. It is an error to
// name a module the index does not have.
func (x *Index) Order(names ...string) ([]string, error) {
	steps, err := x.steps(names)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, s := range steps {
		files = append(files, s.module.File)
	}
	return files, nil
}

func (x *Index) steps(names []string) ([]step, error) {
	o := orderer{index: x, state: map[int]int{}}
	for _, name := range names {
		modules := x.resolve(name)
		if len(modules) == 0 {
			return nil, fmt.Errorf("no module %q in the index of kernel %s", name, x.Version)
		}
		for _, m := range modules {
			if err := o.add(m, false); err != nil {
				return nil, err
			}
		}
	}
	return o.steps, nil
}

// resolve returns the modules of a name: the one that has it, or those with an
// alias it fits.
func (x *Index) resolve(name string) []int {
	if i, ok := x.find(Canonical(name)); ok {
		return []int{i}
	}
	var modules []int
	for _, n := range x.For(name) {
		i, _ := x.find(n)
		modules = append(modules, i)
	}
	return modules
}

// An orderer walks the modules depth first.
type orderer struct {
	index *Index
	state map[int]int // open or done, by module
	steps []step
}

const (
	open = 1 + iota
	done
)

func (o *orderer) add(i int, soft bool) error {
	m := o.index.modules[i]
	switch o.state[i] {
	case open:
		if soft {
			return nil // modules that ask softly for each other: the first wins
		}
		return fmt.Errorf("module %s needs itself, through others", m.Name)
	case done:
		o.harden(i, soft)
		return nil
	}
	o.state[i] = open
	if err := o.soft(m.Pre); err != nil {
		return err
	}
	for _, name := range m.Depends {
		d, ok := o.index.find(name)
		if !ok {
			return fmt.Errorf("module %s needs %s, which the index does not have", m.Name, name)
		}
		if err := o.add(d, soft); err != nil {
			return err
		}
	}
	o.state[i] = done
	if m.File != "" {
		o.steps = append(o.steps, step{module: m, soft: soft})
	}
	return o.soft(m.Post)
}

// harden marks what was wanted softly, and what it needs, as really needed.
func (o *orderer) harden(i int, soft bool) {
	if soft {
		return
	}
	m := o.index.modules[i]
	at := slices.IndexFunc(o.steps, func(s step) bool { return s.module.Name == m.Name })
	if at < 0 || !o.steps[at].soft {
		return
	}
	o.steps[at].soft = false
	for _, name := range m.Depends {
		if d, ok := o.index.find(name); ok {
			o.harden(d, false)
		}
	}
}

// soft adds the modules of a softdep, as far as there are any.
func (o *orderer) soft(names []string) error {
	for _, name := range names {
		for _, m := range o.index.resolve(name) {
			if err := o.add(m, true); err != nil {
				return err
			}
		}
	}
	return nil
}
