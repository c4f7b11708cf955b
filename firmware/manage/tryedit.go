// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"fmt"

	"evener/firmware/api"
)

// Tried tells what edits would make of your candidate.
type Tried struct {
	Problems []api.Problem `json:"problems" doc:"mistakes and warnings that the candidate would have"`
	Text     string        `json:"text" doc:"the whole candidate as it would be, in HCL"`
}

func (b *Box) addTry(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "config.try", Purpose: "Tells what a list of edits would make of your candidate, and keeps nothing.",
		Role: api.Editor}, b.tryEdits)
}

// tryEdits lets a form show mistakes while somebody types, before anything is
// kept.
func (b *Box) tryEdits(_ context.Context, c api.Call, p editParams) (Tried, error) {
	text, _, err := b.editable(c, p.stamp)
	if err != nil {
		return Tried{}, err
	}
	for i, e := range p.Edits {
		if text, err = e.apply(text); err != nil {
			err := editError(err)
			err.Path = fmt.Sprintf("/edits/%d", i)
			return Tried{}, err
		}
	}
	return Tried{Problems: problemsOf(b.found(text)), Text: string(text)}, nil
}
