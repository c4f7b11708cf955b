// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"evener/firmware/api"
	"evener/firmware/config"
)

// carries reports whether an object with labels is one that scope allows.
func carries(labels, scope map[string]string) bool {
	for name, want := range scope {
		if got, ok := labels[name]; !ok || got != want {
			return false
		}
	}
	return true
}

// labelsOf returns the labels of an object of cfg; ok is false if there is none of
// that kind and name, or if such objects have no labels.
func labelsOf(cfg *config.Config, kind, name string) (labels map[string]string, ok bool) {
	if cfg == nil {
		return nil, false
	}
	switch kind {
	case "server":
		if s := cfg.Server(name); s != nil {
			return s.Labels, true
		}
	case "pool":
		if p := cfg.Pool(name); p != nil {
			return p.Labels, true
		}
	case "cluster":
		if c := cfg.Cluster(name); c != nil {
			return c.Labels, true
		}
	}
	return nil, false
}

// outside tells that an object is not the caller's to change.
func outside(c api.Call, object string) error {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(c.Scope)) {
		words = append(words, name+"="+c.Scope[name])
	}
	e := api.Errorf(api.CodeForbidden, "auth.scope", "%s is outside of what %s may change: objects with the labels %s",
		object, c.Author, strings.Join(words, ", "))
	e.Args = map[string]any{"object": object, "labels": c.Scope}
	return e
}

// mayTouch refuses a runtime method on an object that does not carry the labels of
// the caller's scope. One that is not there is for the method to report.
func (b *Box) mayTouch(c api.Call, kind, name string) error {
	if len(c.Scope) == 0 {
		return nil
	}
	labels, ok := labelsOf(b.cfg.Balancer.Config(), kind, name)
	if !ok || !carries(labels, c.Scope) {
		return outside(c, kind+"/"+name)
	}
	return nil
}

// unscoped refuses what concerns no object with labels to a caller with a scope.
func unscoped(c api.Call, object string) error {
	if len(c.Scope) == 0 {
		return nil
	}
	return outside(c, object)
}

// mayCommit refuses to go from one text to another if a block that differs is
// outside of the caller's scope, before or after.
func mayCommit(c api.Call, from, to []byte) error {
	if len(c.Scope) == 0 {
		return nil
	}
	x, bad := config.Objects(from)
	if bad.HasErrors() {
		return validation(bad)
	}
	y, bad := config.Objects(to)
	if bad.HasErrors() {
		return validation(bad)
	}
	before, _ := Check("running", from)
	after, found := Check("candidate", to)
	if after == nil {
		return validation(found)
	}
	seen := make(map[config.Step]bool)
	for _, o := range slices.Concat(x.Blocks, y.Blocks) {
		if seen[o.Step] || x.Find(o.Path).Same(y.Find(o.Path)) {
			continue
		}
		seen[o.Step] = true
		if err := mayChange(c, o.Step, x.Find(o.Path) != nil, before, y.Find(o.Path) != nil, after); err != nil {
			return err
		}
	}
	return nil
}

// mayChange decides about one block, which is there before, after or both.
func mayChange(c api.Call, s config.Step, was bool, before *config.Config, is bool, after *config.Config) error {
	object := config.Path{s}.Short()
	for _, side := range []struct {
		there bool
		cfg   *config.Config
	}{{was, before}, {is, after}} {
		labels, ok := labelsOf(side.cfg, s.Block, s.Label)
		if side.there && (!ok || !carries(labels, c.Scope)) {
			return outside(c, object)
		}
	}
	return nil
}

// mayCommitRevision is mayCommit for what revision n has changed.
func (b *Box) mayCommitRevision(c api.Call, n uint64) error {
	if len(c.Scope) == 0 {
		return nil
	}
	rev, err := b.cfg.Store.Revision(n)
	if err != nil {
		return apiError(err)
	}
	from, err := b.cfg.Store.Text(rev.Parent)
	if err != nil {
		return apiError(fmt.Errorf("what revision %d changed cannot be told: %w", n, err))
	}
	to, err := b.cfg.Store.Text(n)
	if err != nil {
		return apiError(err)
	}
	return mayCommit(c, from, to)
}
