// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"evener/firmware/api"
	"evener/firmware/manage"
)

// A methodDoc is all that a program needs to know to call a method. Clients and
// documents are generated from it.
type methodDoc struct {
	Name       string       `json:"name"`
	Purpose    string       `json:"purpose"`
	Role       api.Role     `json:"role"`
	Effect     api.Effect   `json:"effect"`
	Audit      string       `json:"audit,omitempty"`
	Idempotent bool         `json:"idempotent"`
	Timeout    api.Duration `json:"timeout"`
	Params     *api.Schema  `json:"params"` // JSON Schema, draft 2020-12
	Result     *api.Schema  `json:"result"`
}

func newMethods() *cobra.Command {
	return &cobra.Command{Use: "methods", Short: "list the methods of the API; -o json with their schemas",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := methodDocs()
			return show(cmd, list, func(w io.Writer) {
				table(w, "METHOD ROLE EFFECT PURPOSE", func(add func(...any)) {
					for _, m := range list {
						add(m.Name, m.Role, m.Effect, m.Purpose)
					}
				})
			})
		}}
}

// methodDocs describes every operation of the API.
func methodDocs() (list []methodDoc) {
	for _, m := range manage.New(manage.Config{}, slog.New(slog.DiscardHandler)).Methods().Methods() {
		list = append(list, methodDoc{Name: m.Name, Purpose: m.Purpose, Role: m.Role, Effect: m.Effect, Audit: m.Audit,
			Idempotent: m.Idempotent, Timeout: api.Duration(m.Timeout), Params: m.ParamsSchema(), Result: m.ResultSchema()})
	}
	return list
}
