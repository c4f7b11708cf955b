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

// change commits one edit of the configuration, by way of the panel's own
// candidate. What an earlier change has left of that is thrown away.
func change(ctx context.Context, engine caller, edit map[string]any, comment string, confirm time.Duration, made *committed) error {
	_ = engine.Call(ctx, "config.discard", struct{}{}, nil) // there is none, as a rule
	if err := engine.Call(ctx, "config.edit", map[string]any{"edits": []any{edit}}, nil); err != nil {
		return err
	}
	params := map[string]any{"comment": comment}
	if confirm > 0 {
		params["confirm"] = confirm.String()
	}
	err := engine.Call(ctx, "config.commit", params, made)
	if err != nil {
		_ = engine.Call(ctx, "config.discard", struct{}{}, nil) // the first error is the one to tell
	}
	return err
}

func itoa(n int) string { return strconv.Itoa(n) }
