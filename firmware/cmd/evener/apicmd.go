// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"evener/firmware/api"
	"evener/firmware/manage"
)

//go:generate go test . -run ^TestTypesOfTheConsoleAreCurrent$ -update

// registry is all methods and topics, of a box that does nothing.
func registry() *api.Registry {
	return manage.New(manage.Config{Version: version}, slog.New(slog.DiscardHandler)).Methods()
}

// newAPI writes what other programs are generated from.
func newAPI() *cobra.Command {
	return group("api", "describe the API for other programs",
		newDocument("openapi", "print the HTTP API as an OpenAPI 3.1 document",
			func() ([]byte, error) { return registry().OpenAPI(version) }),
		newDocument("typescript", "print the types of all methods and topics as a TypeScript module",
			func() ([]byte, error) { return registry().TypeScript(), nil }))
}

func newDocument(use, short string, document func() ([]byte, error)) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := document()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		}}
}
