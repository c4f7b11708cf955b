// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"net/netip"
	"time"

	"evener/firmware/api"
	"evener/firmware/stats"
)

type connectionParams struct {
	Cluster string `json:"cluster,omitempty" doc:"empty: of all clusters"`
	Client  string `json:"client,omitempty" doc:"address; empty: of all clients"`
	Limit   int    `json:"limit,omitempty" doc:"connections at most, up to 1000; 100"`
}

// Connections lists open connections of clients.
type Connections struct {
	Connections []Connection `json:"connections" doc:"the oldest first"`
	Open        int          `json:"open" doc:"connections and flows of all clusters and clients"`
}

// A Connection is a client's connection, or a udp flow, at one moment.
type Connection struct {
	Client     string       `json:"client"`
	Cluster    string       `json:"cluster"`
	Generation uint64       `json:"generation,omitempty" doc:"0: idle"`
	Pool       string       `json:"pool,omitempty"`
	Member     string       `json:"member,omitempty" doc:"of the pool; empty: none is chosen"`
	State      string       `json:"state" doc:"idle, head, queued, connecting, active, tunnel or closing"`
	Age        api.Duration `json:"age" doc:"since it was accepted"`
	Requests   int          `json:"requests,omitempty" doc:"of an http connection: begun so far"`
	Request    string       `json:"request,omitempty" doc:"of an http connection: method and target of the one that runs"`
	BytesIn    uint64       `json:"bytes_in" doc:"of an http connection: contents of the running exchange"`
	BytesOut   uint64       `json:"bytes_out" doc:"of an http connection: contents of the running exchange"`
}

func (b *Box) addConnections(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "connection.list", Purpose: "Lists open connections of clients and udp flows, the oldest first.",
		Role: api.Viewer}, b.connections)
}

func (b *Box) connections(_ context.Context, _ api.Call, p connectionParams) (Connections, error) {
	var client netip.Addr
	if p.Client != "" {
		var err error
		if client, err = netip.ParseAddr(p.Client); err != nil {
			return Connections{}, api.Errorf(api.CodeParams, "params.client", "client must be an address such as 192.0.2.1, not %q", p.Client)
		}
	}
	if p.Limit <= 0 {
		p.Limit = 100
	}
	list, open, err := b.cfg.Balancer.OpenConnections(min(p.Limit, 1000), p.Cluster, client)
	out := Connections{Connections: []Connection{}, Open: open}
	for _, c := range list {
		out.Connections = append(out.Connections, connectionOf(c))
	}
	return out, apiError(err)
}

func connectionOf(c stats.Conn) Connection {
	return Connection{Client: c.Client.String(), Cluster: c.Cluster, Generation: c.Generation, Pool: c.Pool, Member: c.Member,
		State: string(c.State), Age: api.Duration(c.Age.Round(time.Millisecond)), Requests: c.Requests, Request: c.Request,
		BytesIn: c.In, BytesOut: c.Out}
}
