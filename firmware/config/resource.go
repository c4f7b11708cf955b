// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// A block as JSON has its attributes as they are written, without defaults, and the
// blocks within: one that may stand only once and has no label as an object, others as
// the list of them in their order, each with its label under the name that the
// language has for it. A condition is the text that it is. What is read so can be
// written again, and changes nothing.

// JSON returns o as JSON, without its own label.
func (o *Object) JSON() (map[string]json.RawMessage, error) {
	b := o.schema()
	if b == nil {
		return nil, fmt.Errorf("%s is no block of the language", o.Path)
	}
	out := make(map[string]json.RawMessage)
	for name, a := range o.body.Attributes {
		k := b.keyword(name)
		if k == nil {
			return nil, fmt.Errorf("%s: %s is no keyword", o.Path, name)
		}
		v, err := o.attrJSON(name, k, a)
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	lists := make(map[string][]map[string]json.RawMessage)
	for _, in := range o.Blocks {
		c := in.schema()
		if c == nil {
			return nil, fmt.Errorf("%s is no block of the language", in.Path)
		}
		v, err := in.JSON()
		if err != nil {
			return nil, err
		}
		if c.single() {
			out[c.Name] = rawJSON(v)
			continue
		}
		if c.Label != "" {
			one, two, _ := strings.Cut(in.Step.Label, labelGap)
			v[c.Label] = rawJSON(one)
			if c.Second != "" {
				v[c.Second] = rawJSON(two)
			}
		}
		lists[c.Name] = append(lists[c.Name], v)
	}
	for name, list := range lists {
		out[name] = rawJSON(list)
	}
	return out, nil
}

// single reports whether there is one such block in a place at most, without a
// label.
func (b *Block) single() bool { return b.Label == "" && b.Max == 1 }

// rawJSON is for what is always JSON.
func rawJSON(v any) json.RawMessage {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // maps, lists and texts
	}
	return bytes.TrimSpace(out.Bytes())
}

func (o *Object) attrJSON(name string, k *Keyword, a *hclsyntax.Attribute) (json.RawMessage, error) {
	if k.Kind == KindCondition {
		return rawJSON(o.Attrs[name]), nil
	}
	v, diags := a.Expr.Value(&hcl.EvalContext{})
	if diags.HasErrors() || !v.IsWhollyKnown() {
		return nil, fmt.Errorf("%s: %s is no plain value", o.Path, name)
	}
	return ctyjson.SimpleJSONValue{Value: v}.MarshalJSON()
}

// Put gives the block at path exactly the attributes and blocks of values, and makes
// it if there is none. What is the same already stays as it was written, with its
// comments; so does the rest of the text. The text may be wrong afterwards: that is
// for Parse to say.
func Put(src []byte, path Path, values map[string]json.RawMessage) ([]byte, Diagnostics) {
	p := &putter{src: src}
	if err := p.put(path, values); err != nil {
		e := &editor{original: src}
		return e.done(err)
	}
	return p.src, nil
}

// A putter holds a text between edits.
type putter struct{ src []byte }

// take keeps the text of an edit.
func (p *putter) take(src []byte, bad Diagnostics) error {
	if bad.HasErrors() {
		return bad
	}
	p.src = src
	return nil
}

// object returns the block at path, nil if there is none.
func (p *putter) object(path Path) (*Object, error) {
	root, bad := Objects(p.src)
	if bad.HasErrors() {
		return nil, bad
	}
	return root.Find(path), nil
}

func (p *putter) put(path Path, values map[string]json.RawMessage) error {
	b := blockIn(path.ends())
	if b == nil {
		return fail(path, "no such block stands there")
	}
	attrs, blocks, err := b.sort(path, values)
	if err != nil {
		return err
	}
	o, err := p.object(path)
	if err != nil {
		return err
	}
	if o == nil {
		text, err := blockText(path, b, attrs, blocks)
		if err != nil {
			return err
		}
		return p.take(InsertBlock(p.src, path[:len(path)-1], nil, text))
	}
	if err := p.putAttrs(o, b, attrs); err != nil {
		return err
	}
	for _, c := range blocksIn(b.Name) {
		if err := p.putBlocks(path, c, blocks[c.Name]); err != nil {
			return err
		}
	}
	return nil
}

// putAttrs sets the attributes that differ and removes those that are not wanted.
func (p *putter) putAttrs(o *Object, b *Block, attrs map[string]string) error {
	parent, block := o.Path.ends()
	for _, name := range slices.Sorted(maps.Keys(o.Attrs)) {
		if attrs[name] != "" {
			continue
		}
		if err := p.take(Edit(p.src, o.Path, name, "")); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		if a := o.body.Attributes[name]; a != nil {
			if was, err := o.attrJSON(name, b.keyword(name), a); err == nil {
				if text, err := ValueText(parent, block, name, was); err == nil && text == attrs[name] {
					continue
				}
			}
		}
		if err := p.take(Edit(p.src, o.Path, name, attrs[name])); err != nil {
			return err
		}
	}
	return nil
}

// A wanted is a block within another as it is to be.
type wanted struct {
	step   Step
	values map[string]json.RawMessage
}

// putBlocks makes the blocks of type c in the one at path those that are wanted, in
// that order.
func (p *putter) putBlocks(path Path, c *Block, want []wanted) error {
	o, err := p.object(path)
	if err != nil {
		return err
	}
	for _, in := range slices.Backward(o.Blocks) { // from the last, so that the others keep their numbers
		gone := !slices.ContainsFunc(want, func(w wanted) bool { return w.step == in.Step })
		if in.Step.Block == c.Name && gone {
			if err := p.take(RemoveBlock(p.src, in.Path)); err != nil {
				return err
			}
		}
	}
	for _, w := range want {
		if err := p.put(append(slices.Clone(path), w.step), w.values); err != nil {
			return err
		}
	}
	for i, w := range want {
		if o, err = p.object(path); err != nil {
			return err
		}
		var now []Step
		for _, in := range o.Blocks {
			if in.Step.Block == c.Name {
				now = append(now, in.Step)
			}
		}
		if i >= len(now) || now[i] == w.step {
			continue
		}
		if err := p.take(MoveBlock(p.src, append(slices.Clone(path), w.step), &now[i])); err != nil {
			return err
		}
	}
	return nil
}

// sort tells attributes, as text in the language, from blocks within.
func (b *Block) sort(path Path, values map[string]json.RawMessage) (attrs map[string]string, blocks map[string][]wanted, err error) {
	attrs, blocks = make(map[string]string), make(map[string][]wanted)
	parent, _ := path.ends()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		if string(bytes.TrimSpace(v)) == "null" {
			continue
		}
		if b.keyword(name) != nil {
			if attrs[name], err = ValueText(parent, b.Name, name, v); err != nil {
				return nil, nil, fail(path, "%v", err)
			}
			continue
		}
		c := blockIn(b.Name, name)
		if c == nil {
			return nil, nil, fail(path, "%s", unknownAttribute(scope{block: b}, name))
		}
		if blocks[name], err = c.read(path, v); err != nil {
			return nil, nil, err
		}
	}
	return attrs, blocks, nil
}

// read takes blocks of type c from JSON.
func (b *Block) read(path Path, v json.RawMessage) ([]wanted, error) {
	if b.single() {
		var one map[string]json.RawMessage
		if err := json.Unmarshal(v, &one); err != nil {
			return nil, fail(path, "%s must be an object", b.Name)
		}
		return []wanted{{Step{Block: b.Name}, one}}, nil
	}
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(v, &list); err != nil {
		return nil, fail(path, "%s must be a list of objects", b.Name)
	}
	out := make([]wanted, 0, len(list))
	count := make(map[Step]int)
	for i, in := range list {
		s := Step{Block: b.Name}
		if b.Label != "" {
			var err error
			if s.Label, in, err = b.takeLabels(in); err != nil {
				return nil, fail(path, "%s %d: %v", b.Name, i+1, err)
			}
		}
		n := count[s]
		count[s]++
		s.Index = n
		out = append(out, wanted{s, in})
	}
	return out, nil
}

// takeLabels returns the label of a block in JSON, as a Step has it, and the rest.
func (b *Block) takeLabels(in map[string]json.RawMessage) (string, map[string]json.RawMessage, error) {
	in = maps.Clone(in)
	var labels []string
	for _, name := range []string{b.Label, b.Second} {
		if name == "" {
			continue
		}
		var label string
		if err := json.Unmarshal(in[name], &label); err != nil || label == "" || strings.Contains(label, labelGap) {
			return "", nil, fmt.Errorf("%s must be a text: the label of the block", name)
		}
		labels = append(labels, label)
		delete(in, name)
	}
	return strings.Join(labels, labelGap), in, nil
}

// blockText returns a whole new block for path.
func blockText(path Path, b *Block, attrs map[string]string, blocks map[string][]wanted) (string, error) {
	text := strings.TrimSuffix(NewBlock(b.Name, path[len(path)-1].Label, attrs), "}\n")
	for _, c := range blocksIn(b.Name) {
		for _, w := range blocks[c.Name] {
			at := append(slices.Clone(path), w.step)
			in, within, err := c.sort(at, w.values)
			if err != nil {
				return "", err
			}
			block, err := blockText(at, c, in, within)
			if err != nil {
				return "", err
			}
			text += "\n" + block
		}
	}
	return text + "}\n", nil
}
