// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"fmt"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/store"
)

// hiddenToken stands where a secret of the text is not shown. It is one that the
// language takes, so that what is checked of the text stays as it is.
const hiddenToken = "token-is-hidden"

// veil returns a text as c may see it: who may not write it does not read the
// token of the metrics in it, the one secret that a text holds.
func veil(c api.Call, text []byte) ([]byte, error) {
	if c.Role >= api.Editor {
		return text, nil
	}
	root, bad := config.Objects(text)
	if bad.HasErrors() {
		return nil, api.Errorf(api.CodeForbidden, "auth.role", "the text has mistakes and may hold secrets: to see it needs the role editor")
	}
	for _, o := range root.Blocks {
		if _, has := o.Attrs["token"]; o.Step.Block != "metrics" || !has {
			continue
		}
		if text, bad = config.Edit(text, o.Path, "token", `"`+hiddenToken+`"`); bad.HasErrors() {
			return nil, bad
		}
	}
	return text, nil
}

// veiledDiff is Store.Diff for who does not see secrets.
func (b *Box) veiledDiff(c api.Call, from, to uint64) (Diff, error) {
	var texts [2]string
	for i, n := range []uint64{from, to} {
		text, err := b.cfg.Store.Text(n)
		if err != nil {
			return Diff{}, apiError(err)
		}
		if text, err = veil(c, text); err != nil {
			return Diff{}, err
		}
		texts[i] = string(text)
	}
	return Diff{Text: store.Unified(fmt.Sprintf("revision %d", from), fmt.Sprintf("revision %d", to), texts[0], texts[1])}, nil
}
