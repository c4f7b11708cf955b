// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"maps"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/store"
)

// A ResourceType is a block that programs keep as a resource of its own.
type ResourceType string

// Words lists the types.
func (ResourceType) Words() []string {
	return []string{"server", "pool", "cluster", "responder", "certificate", "trust", "acme", "syslog", "mail", "alert"}
}

// A PartType is a block within another that can be kept alone.
type PartType string

// Words lists the types.
func (PartType) Words() []string { return []string{"member", "rule", "test"} }

type resourceKey struct {
	Type ResourceType `json:"type"`
	Name string       `json:"name" doc:"label of the block"`
}

type partKey struct {
	resourceKey
	Part  PartType `json:"part" doc:"member of a pool, rule or test of a cluster"`
	Label string   `json:"label" doc:"of the block within: of a member the server's name"`
}

func (k resourceKey) path() config.Path {
	return config.Path{{Block: string(k.Type), Label: k.Name}}
}

func (k partKey) path() config.Path {
	return append(k.resourceKey.path(), config.Step{Block: string(k.Part), Label: k.Label})
}

type resourceRead struct {
	resourceKey
	On string `json:"on,omitempty" doc:"running or candidate; running"`
}

type partRead struct {
	partKey
	On string `json:"on,omitempty" doc:"running or candidate; running"`
}

// A writeOrder says how a resource is written.
type writeOrder struct {
	Base      uint64 `json:"base,omitempty" doc:"revision that the write is based on; it must be given, and run"`
	DryRun    bool   `json:"dry_run,omitempty" doc:"say what would change, and change nothing"`
	Candidate bool   `json:"candidate,omitempty" doc:"change your candidate, and serve nothing yet"`
	Seconds   int    `json:"confirm_s,omitempty" doc:"take it back unless it is confirmed within these seconds, 30 to 3600"`
	Comment   string `json:"comment,omitempty" doc:"why"`
	Force     bool   `json:"force,omitempty" doc:"even if tests of rules fail, or the network of the box changes without a confirm"`
}

type values map[string]json.RawMessage

type resourceWrite struct {
	resourceKey
	writeOrder
	Values values `json:"values" doc:"attributes and blocks within, by name; null removes one"`
}

type partWrite struct {
	partKey
	writeOrder
	Before string `json:"before,omitempty" doc:"label of the sibling that it is to stand before; empty: where it is, or last"`
	Values values `json:"values" doc:"attributes and blocks within, by name; null removes one"`
}

type resourceDelete struct {
	resourceKey
	writeOrder
}

type partDelete struct {
	partKey
	writeOrder
}

// A Resource is one block as it is written, without defaults.
type Resource struct {
	Path     string                     `json:"path" doc:"such as pool/shop"`
	Values   map[string]json.RawMessage `json:"values" doc:"attributes by name, and the blocks within: an object, or a list of objects with their labels"`
	On       string                     `json:"on" doc:"running or candidate"`
	Revision uint64                     `json:"revision" doc:"that it is, or was made on"`
}

func (b *Box) addResources(reg *api.Registry) {
	write := func(name, purpose, audit string) api.Method {
		return api.Method{Name: name, Purpose: purpose, Role: api.Editor, Effect: api.Commit, Audit: audit}
	}
	api.Add(reg, api.Method{Name: "resource.get", Purpose: "Shows one block as a program may write it.", Role: api.Viewer},
		func(_ context.Context, c api.Call, p resourceRead) (Resource, error) {
			return b.readBlock(c, p.path(), p.On)
		})
	api.Add(reg, write("resource.put", "Makes one block, or gives it exactly these values, and serves that.", "put {type}/{name}: {comment} (dry run: {dry_run})"),
		func(_ context.Context, c api.Call, p resourceWrite) (Put, error) {
			return b.writeBlock(c, p.writeOrder, putBlock(p.path(), p.Values))
		})
	api.Add(reg, write("resource.patch", "Merges values into one block (RFC 7396), and serves that.", "patch {type}/{name}: {comment} (dry run: {dry_run})"),
		func(_ context.Context, c api.Call, p resourceWrite) (Put, error) {
			return b.writeBlock(c, p.writeOrder, patchBlock(p.path(), p.Values))
		})
	api.Add(reg, write("resource.delete", "Removes one block, and serves that.", "delete {type}/{name}: {comment} (dry run: {dry_run})"),
		func(_ context.Context, c api.Call, p resourceDelete) (Put, error) {
			return b.writeBlock(c, p.writeOrder, deleteBlock(p.path()))
		})
	api.Add(reg, api.Method{Name: "part.get", Purpose: "Shows one block within another as a program may write it.", Role: api.Viewer},
		func(_ context.Context, c api.Call, p partRead) (Resource, error) {
			return b.readBlock(c, p.path(), p.On)
		})
	const part = " {type}/{name}/{part}/{label}: {comment} (dry run: {dry_run})"
	api.Add(reg, write("part.put", "Makes one block within another, or gives it exactly these values, and serves that.", "put"+part),
		func(_ context.Context, c api.Call, p partWrite) (Put, error) {
			return b.writeBlock(c, p.writeOrder, moveBlock(p.path(), p.Before, putBlock(p.path(), p.Values)))
		})
	api.Add(reg, write("part.patch", "Merges values into one block within another (RFC 7396), and serves that.", "patch"+part),
		func(_ context.Context, c api.Call, p partWrite) (Put, error) {
			return b.writeBlock(c, p.writeOrder, moveBlock(p.path(), p.Before, patchBlock(p.path(), p.Values)))
		})
	api.Add(reg, write("part.delete", "Removes one block within another, and serves that.", "delete"+part),
		func(_ context.Context, c api.Call, p partDelete) (Put, error) {
			return b.writeBlock(c, p.writeOrder, deleteBlock(p.path()))
		})
}

// blockAt finds the block at path in a text.
func blockAt(text []byte, path config.Path) (*config.Object, error) {
	root, bad := config.Objects(text)
	if bad.HasErrors() {
		return nil, validation(bad)
	}
	o := root.Find(path)
	if o == nil {
		return nil, api.Errorf(api.CodeNotFound, "not_found", "there is no %s", path)
	}
	return o, nil
}

func (b *Box) readBlock(c api.Call, path config.Path, on string) (Resource, error) {
	if on == "" {
		on = "running"
	}
	from, err := b.source(c, on)
	if err != nil {
		return Resource{}, err
	}
	o, err := blockAt(from.text, path)
	if err != nil {
		return Resource{}, err
	}
	out := Resource{Path: path.Short(), On: from.on, Revision: from.base}
	if out.Values, err = o.JSON(); err != nil {
		return Resource{}, editError(err)
	}
	return out, nil
}

// An editing makes a new text.
type editing func(text []byte) ([]byte, error)

func putBlock(path config.Path, v values) editing {
	return func(text []byte) ([]byte, error) { return edited(config.Put(text, path, v)) }
}

func patchBlock(path config.Path, v values) editing {
	return func(text []byte) ([]byte, error) {
		o, err := blockAt(text, path)
		if err != nil {
			return nil, err
		}
		now, err := o.JSON()
		if err != nil {
			return nil, err
		}
		return edited(config.Put(text, path, merged(now, v)))
	}
}

func deleteBlock(path config.Path) editing {
	return func(text []byte) ([]byte, error) {
		if _, err := blockAt(text, path); err != nil {
			return nil, err
		}
		return edited(config.RemoveBlock(text, path))
	}
}

// moveBlock puts what edit has written before a sibling of that label, if one is
// named.
func moveBlock(path config.Path, before string, edit editing) editing {
	return func(text []byte) ([]byte, error) {
		text, err := edit(text)
		if err != nil || before == "" {
			return text, err
		}
		return edited(config.MoveBlock(text, path, &config.Step{Block: path[len(path)-1].Block, Label: before}))
	}
}

func edited(text []byte, bad config.Diagnostics) ([]byte, error) {
	if bad.HasErrors() {
		return nil, bad
	}
	return text, nil
}

// merged returns now with a patch merged into it (RFC 7396).
func merged(now, patch map[string]json.RawMessage) map[string]json.RawMessage {
	out := maps.Clone(now)
	for name, v := range patch {
		var is, to map[string]json.RawMessage
		switch {
		case string(v) == "null":
			delete(out, name)
		case json.Unmarshal(v, &to) == nil:
			_ = json.Unmarshal(out[name], &is) // what is no object is replaced
			if is == nil {
				is = map[string]json.RawMessage{}
			}
			text, err := json.Marshal(merged(is, to))
			if err == nil {
				out[name] = text
			}
		default:
			out[name] = v
		}
	}
	return out
}

// writeBlock serves the running text as edit changes it, makes that a candidate, or
// tells what it would change. What changes nothing makes no revision.
func (b *Box) writeBlock(c api.Call, p writeOrder, edit editing) (Put, error) {
	confirm, err := confirmTime(0, p.Seconds)
	if err != nil {
		return Put{}, err
	}
	if p.Base == 0 {
		return Put{}, api.Errorf(api.CodeParams, "http.if_match",
			"say which revision the write is based on: If-Match with the ETag of what you have read, such as \"12\", or base")
	}
	if p.Candidate {
		return b.writeDraft(c, p, edit)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	running := b.cfg.Store.Running()
	if p.Base != running.Number {
		return Put{}, b.conflictError(&store.ConflictError{Base: p.Base, Running: running})
	}
	served, err := b.cfg.Store.Text(running.Number)
	if err != nil {
		return Put{}, apiError(err)
	}
	text, err := edit(served)
	if err != nil {
		return Put{}, editError(err)
	}
	found, err := b.checked(text)
	if err != nil {
		return Put{}, err
	}
	out := Put{Committed: Committed{Revision: running, Pending: b.pending(), Problems: Problems(found)}}
	if out.Changes, err = compare(served, text); err != nil {
		return Put{}, err
	}
	if p.DryRun || string(text) == string(served) {
		return out, nil
	}
	out.Committed, err = b.serveNew(c, text, confirm > 0, p.Force, func() (store.Revision, error) {
		return b.cfg.Store.CommitText(text, store.CommitOptions{Author: c.Author, Origin: origin(c),
			Comment: p.Comment, Base: p.Base, Confirm: confirm})
	})
	return out, err
}

// writeDraft is writeBlock for the caller's candidate.
func (b *Box) writeDraft(c api.Call, p writeOrder, edit editing) (Put, error) {
	b.drafts.Lock()
	defer b.drafts.Unlock()
	was, base, err := b.editable(c, stamp{Base: p.Base})
	if err != nil {
		return Put{}, err
	}
	text, err := edit(was)
	if err != nil {
		return Put{}, editError(err)
	}
	out := Put{Committed: Committed{Revision: b.cfg.Store.Running(), Pending: b.pending()}, Changes: []config.Change{}}
	if out.Changes, err = compare(was, text); err != nil || p.DryRun {
		return out, err
	}
	d, err := b.keepDraft(c, text, base)
	out.Draft = &d
	return out, err
}
