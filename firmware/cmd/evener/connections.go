// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

func newConnections() *cobra.Command {
	var cluster, client string
	var limit int
	cmd := simple("connections", "show open connections of clients and udp flows, the oldest first", cobra.NoArgs, "connection.list",
		func(*cobra.Command, []string) (any, error) {
			if limit < 1 || limit > 1000 {
				return nil, usageError{fmt.Errorf("--limit is 1 to 1000, not %d", limit)}
			}
			return map[string]any{"cluster": cluster, "client": client, "limit": limit}, nil
		}, printOpen)
	clusterFlag(cmd, &cluster, "connections of this cluster alone")
	cmd.Flags().StringVar(&client, "client", "", "connections of this address alone")
	cmd.Flags().IntVarP(&limit, "limit", "n", 100, "connections at most, up to 1000")
	return cmd
}

func printOpen(w io.Writer, list manage.Connections) {
	table(w, "CLIENT CLUSTER MEMBER STATE AGE REQUESTS BYTES-IN BYTES-OUT REQUEST", func(add func(...any)) {
		for _, c := range list.Connections {
			member := c.Pool
			if c.Member != "" {
				member += "/" + c.Member
			}
			add(c.Client, c.Cluster, member, c.State, c.Age, c.Requests, c.BytesIn, c.BytesOut, c.Request)
		}
	})
	fmt.Fprintf(w, "(%d of %d)\n", len(list.Connections), list.Open)
}
