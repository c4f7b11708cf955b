// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"context"
	"strconv"
	"time"
)

// A committed is the result of config.commit.
type committed struct {
	Pending *pending `json:"pending"`
}

// blockEdit is the edit of config.edit that gives the block at the top its values.
// nil takes one away.
func blockEdit(block string, given bool, values map[string]any) map[string]any {
	if given {
		return map[string]any{"op": "patch", "path": block, "set": values}
	}
	set := make(map[string]any)
	for name, v := range values {
		if v != nil {
			set[name] = v
		}
	}
	return map[string]any{"op": "insert", "type": block, "set": set}
}

// A changing is one edit of the configuration that is committed.
type changing struct {
	edit    map[string]any
	base    uint64 // the revision that the edit is made on
	comment string
	confirm time.Duration // 0: it holds at once
}

// make commits c by way of the panel's own candidate. What an earlier change has
// left of that is thrown away.
func (c changing) make(ctx context.Context, engine caller, made *committed) error {
	discard := func() error { return engine.Call(ctx, "config.discard", struct{}{}, nil) }
	if engine.Call(ctx, "config.candidate", struct{}{}, nil) == nil {
		if err := discard(); err != nil {
			return err
		}
	}
	if err := engine.Call(ctx, "config.edit", map[string]any{"base": c.base, "edits": []any{c.edit}}, nil); err != nil {
		return err
	}
	params := map[string]any{"comment": c.comment}
	if c.confirm > 0 {
		params["confirm"] = c.confirm.String()
	}
	err := engine.Call(ctx, "config.commit", params, made)
	if err != nil {
		_ = discard() // the first error is the one to tell
	}
	return err
}

// revision returns the one that runs, as far as is known.
func (s *state) revision() uint64 {
	if s.news.status == nil {
		return 0
	}
	return s.news.status.Revision
}

func itoa(n int) string { return strconv.Itoa(n) }
