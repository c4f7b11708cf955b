// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"fmt"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/store"
)

// veiled are the secrets that a text holds, and what stands where they are not
// shown: values that the language takes, so that what is checked of the text stays
// as it is.
var veiled = []struct{ block, attr, hidden string }{
	{"metrics", "token", hiddenToken},
	{"panel", "pin", "00000000"},
}

const hiddenToken = "token-is-hidden"

// veil returns a text as c may see it: who may not write it does not read the
// secrets in it.
func veil(c api.Call, text []byte) ([]byte, error) {
	if c.Role >= api.Editor {
		return text, nil
	}
	root, bad := config.Objects(text)
	if bad.HasErrors() {
		return nil, api.Errorf(api.CodeForbidden, "auth.role", "the text has mistakes and may hold secrets: to see it needs the role editor")
	}
	for _, o := range root.Blocks {
		for _, v := range veiled {
			if _, has := o.Attrs[v.attr]; o.Step.Block != v.block || !has {
				continue
			}
			if text, bad = config.Edit(text, o.Path, v.attr, `"`+v.hidden+`"`); bad.HasErrors() {
				return nil, bad
			}
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
