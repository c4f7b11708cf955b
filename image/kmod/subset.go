// SPDX-License-Identifier: Apache-2.0

package kmod

// Subset returns an index with the modules of these names, all that they need or
// softly ask for, and what is built into the kernel.
func (x *Index) Subset(names ...string) (*Index, error) {
	steps, err := x.steps(names)
	if err != nil {
		return nil, err
	}
	keep := map[string]bool{}
	for _, s := range steps {
		keep[s.module.Name] = true
	}
	sub := &Index{Version: x.Version}
	number := map[int32]int32{} // of a module, there and here
	for i, m := range x.modules {
		if m.File == "" || keep[m.Name] {
			number[int32(i)] = int32(len(sub.modules))
			sub.modules = append(sub.modules, m)
		}
	}
	for _, a := range x.aliases {
		if n, ok := number[a.module]; ok {
			a.module = n
			sub.aliases = append(sub.aliases, a)
		}
	}
	return sub, nil
}
