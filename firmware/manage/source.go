// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"

	"evener/firmware/api"
	"evener/firmware/config"
)

// A SourceText is a whole text with what a write must say that it is based on.
// Unlike config.object it is given out with mistakes in its syntax too.
type SourceText struct {
	Text    string `json:"text" doc:"configuration in HCL"`
	On      string `json:"on" doc:"running or candidate"`
	Base    uint64 `json:"base" doc:"revision that it is, or was made on"`
	Version string `json:"version,omitempty" doc:"of the candidate"`
}

// Compared tells in words what differs between two revisions.
type Compared struct {
	From    uint64          `json:"from"`
	To      uint64          `json:"to"`
	Changes []config.Change `json:"changes"`
}

// Formatted is a text in canonical form.
type Formatted struct {
	Text string `json:"text"`
}

type compareParams struct {
	From uint64 `json:"from,omitempty" doc:"0: the running revision"`
	To   uint64 `json:"to,omitempty" doc:"0: the running revision"`
}

type formatParams struct {
	Text string `json:"text" doc:"whole configuration in HCL"`
}

func (b *Box) addSource(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "config.source", Purpose: "Gives a whole text, mistakes and all, with what a write must be based on.",
		Role: api.Viewer, Effect: api.Read}, b.sourceText)
	api.Add(reg, api.Method{Name: "config.compare", Purpose: "Tells in words what differs between two revisions.",
		Role: api.Viewer, Effect: api.Read}, b.compareRevisions)
	api.Add(reg, api.Method{Name: "config.format", Purpose: "Writes a text in canonical form, and keeps nothing.",
		Role: api.Viewer, Effect: api.Read}, b.format)
}

func (b *Box) sourceText(_ context.Context, c api.Call, p onParams) (SourceText, error) {
	from, err := b.source(c, p.On)
	return SourceText{string(from.text), from.on, from.base, from.version}, err
}

func (b *Box) compareRevisions(_ context.Context, _ api.Call, p compareParams) (Compared, error) {
	running := b.cfg.Store.Running().Number
	for _, n := range []*uint64{&p.From, &p.To} {
		if *n == 0 {
			*n = running
		}
	}
	changes, err := b.changesBetween(p.From, p.To)
	if changes == nil {
		changes = []config.Change{}
	}
	return Compared{p.From, p.To, changes}, apiError(err)
}

func (b *Box) format(_ context.Context, _ api.Call, p formatParams) (Formatted, error) {
	text, bad := config.Format([]byte(p.Text))
	if bad.HasErrors() {
		return Formatted{}, validation(bad)
	}
	return Formatted{string(text)}, nil
}
