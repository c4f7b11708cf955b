// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/store"
)

// parsePath reads a path; "" is the top.
func parsePath(s string) (config.Path, error) {
	if s == "" {
		return nil, nil
	}
	path, err := config.ParsePath(s)
	if err != nil {
		return nil, api.Errorf(api.CodeParams, "params.path", "%v", err)
	}
	return path, nil
}

// sibling reads Before, which stands where the block of a move does, or in the
// block that an insert names.
func (e *EditOp) sibling(path config.Path) (*config.Step, error) {
	if e.Before == "" {
		return nil, nil
	}
	if e.Op == "move" && len(path) > 0 {
		path = path[:len(path)-1]
	}
	full := e.Before
	if len(path) > 0 {
		full = path.Short() + "/" + full
	}
	at, err := config.ParsePath(full)
	if err != nil || len(at) != len(path)+1 {
		return nil, api.Errorf(api.CodeParams, "params.before", "before names a sibling, such as rule/api, not %q", e.Before)
	}
	return &at[len(at)-1], nil
}

// patch sets and removes attributes of the block at path.
func (e *EditOp) patch(text []byte, path config.Path) ([]byte, error) {
	if len(path) == 0 {
		return nil, api.Errorf(api.CodeParams, "params.path", "path is missing: which block is changed")
	}
	values, err := e.values(path)
	if err != nil {
		return nil, err
	}
	root, bad := config.Objects(text)
	if bad.HasErrors() {
		return nil, bad
	}
	var has map[string]string
	if o := root.Find(path); o != nil {
		has = o.Attrs
	}
	for _, name := range e.Unset {
		values[name] = ""
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if _, given := has[name]; values[name] == "" && !given {
			continue
		}
		if text, bad = config.Edit(text, path, name, values[name]); bad.HasErrors() {
			return nil, bad
		}
	}
	return text, nil
}

// values returns the texts of Set and HCL for the block at path.
func (e *EditOp) values(path config.Path) (map[string]string, error) {
	parent := ""
	if len(path) > 1 {
		parent = path[len(path)-2].Block
	}
	out := maps.Clone(e.HCL)
	if out == nil {
		out = make(map[string]string)
	}
	for name, value := range e.Set {
		text, err := config.ValueText(parent, path[len(path)-1].Block, name, value)
		if err != nil {
			return nil, err
		}
		if _, twice := out[name]; twice {
			return nil, api.Errorf(api.CodeParams, "params.set", "%s is in set and in hcl", name)
		}
		out[name] = text
	}
	return out, nil
}

// block returns the text of the block that is inserted at path.
func (e *EditOp) block(path config.Path) (string, error) {
	if e.Type == "" {
		return "", api.Errorf(api.CodeParams, "params.type", "type or text is missing: which block is inserted")
	}
	values, err := e.values(append(slices.Clone(path), config.Step{Block: e.Type, Label: e.Label}))
	if err != nil {
		return "", err
	}
	maps.DeleteFunc(values, func(_, text string) bool { return text == "" })
	return config.NewBlock(e.Type, e.Label, values), nil
}

type objectParams struct {
	Path string `json:"path,omitempty" doc:"of the block, such as pool/shop; empty: the whole configuration"`
	On   string `json:"on,omitempty" doc:"running or candidate; empty: your candidate if you have one"`
}

// An ObjectText is one block as it is written and as it is understood.
type ObjectText struct {
	Path    string            `json:"path"`
	Text    string            `json:"text" doc:"with the comments directly above"`
	Attrs   map[string]string `json:"attrs" doc:"the block's own attributes as they are written, each on one line"`
	Values  json.RawMessage   `json:"values" doc:"checked values; null while the text has mistakes"`
	Blocks  []string          `json:"blocks" doc:"paths of the blocks directly within, in their order"`
	Line    int               `json:"line"`
	On      string            `json:"on" doc:"running or candidate"`
	Base    uint64            `json:"base" doc:"revision that it is, or was made on"`
	Version string            `json:"version,omitempty" doc:"of the candidate"`
}

// ConfigValues are the checked values of a configuration.
type ConfigValues struct {
	Values  json.RawMessage `json:"values"`
	On      string          `json:"on" doc:"running or candidate"`
	Base    uint64          `json:"base" doc:"revision that it is, or was made on"`
	Version string          `json:"version,omitempty" doc:"of the candidate"`
}

type onParams struct {
	On string `json:"on,omitempty" doc:"running or candidate; empty: your candidate if you have one"`
}

// A Language is what can be written in a configuration.
type Language struct {
	Blocks []config.Block `json:"blocks" doc:"those that enclose others first"`
}

func (b *Box) addObject(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "config.object", Purpose: "Shows one block, as it is written and as it is understood.",
		Role: api.Viewer}, b.object)
	api.Add(reg, api.Method{Name: "config.values", Purpose: "Shows the checked values of the configuration.",
		Role: api.Viewer}, b.values)
	api.Add(reg, api.Method{Name: "config.language", Purpose: "Lists the blocks and keywords of a configuration, with what they take and mean.",
		Role: api.Viewer}, func(context.Context, api.Call, struct{}) (Language, error) { return Language{config.Schema()}, nil })
}

// A source is the text that a method reads.
type source struct {
	text    []byte
	on      string
	base    uint64
	version string
}

// source returns the text of the running revision or of the caller's candidate.
func (b *Box) source(c api.Call, on string) (source, error) {
	switch on {
	case "", "running", "candidate":
	default:
		return source{}, api.Errorf(api.CodeParams, "params.on", "on must be running or candidate, not %q", on)
	}
	if on != "running" {
		cand, text, err := b.cfg.Store.Candidate(c.Author)
		if err == nil {
			text, err = veil(c, text)
			return source{text, "candidate", cand.Base, version(cand)}, err
		}
		if on == "candidate" || !errors.Is(err, store.ErrNoCandidate) {
			return source{}, b.candidateError(err)
		}
	}
	n := b.cfg.Store.Running().Number
	text, err := b.cfg.Store.Text(n)
	if err != nil {
		return source{}, apiError(err)
	}
	text, err = veil(c, text)
	return source{text, "running", n, ""}, err
}

func (b *Box) object(_ context.Context, c api.Call, p objectParams) (ObjectText, error) {
	path, err := parsePath(p.Path)
	if err != nil {
		return ObjectText{}, err
	}
	from, err := b.source(c, p.On)
	if err != nil {
		return ObjectText{}, err
	}
	root, bad := config.Objects(from.text)
	if bad.HasErrors() {
		return ObjectText{}, validation(bad)
	}
	o := root.Find(path)
	if o == nil {
		return ObjectText{}, api.Errorf(api.CodeNotFound, "not_found", "there is no %s in the %s configuration", path, from.on)
	}
	out := ObjectText{Path: path.Short(), Text: o.Text, Attrs: o.Attrs, Blocks: []string{}, Line: o.Line, On: from.on, Base: from.base, Version: from.version}
	for _, in := range o.Blocks {
		out.Blocks = append(out.Blocks, in.Path.Short())
	}
	if cfg, _ := Check(from.on, from.text); cfg != nil {
		if out.Values, err = cfg.Values(path); err != nil {
			return ObjectText{}, err
		}
	}
	return out, nil
}

func (b *Box) values(_ context.Context, c api.Call, p onParams) (ConfigValues, error) {
	from, err := b.source(c, p.On)
	if err != nil {
		return ConfigValues{}, err
	}
	cfg, found := Check(from.on, from.text)
	if cfg == nil {
		return ConfigValues{}, validation(found)
	}
	values, err := cfg.JSON()
	return ConfigValues{values, from.on, from.base, from.version}, err
}
