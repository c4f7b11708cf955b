// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"

	"evener/firmware/api"
	"evener/firmware/manage"
)

// maxConsoleConns is how many connections the console may have with the engine: one
// for each WebSocket, and some for calls over plain HTTP and its own.
const maxConsoleConns = 128

// serveConsole answers what the console passes on. Who calls is found out for every
// request, by the token that the browser has sent.
func (e *engine) serveConsole(ctx context.Context, methods *api.Registry) error {
	return api.Serve(ctx, e.link.Accepted(), methods, e.log, api.ServerConfig{
		Identify:     identifyRole,
		Authenticate: manage.Authenticate(e.auth),
		Used:         manage.Used(e.auth),
		Ended:        manage.Ended(e.auth),
		MaxConns:     maxConsoleConns,
	})
}

// identifyRole says who has dialled the engine: the console or the process that moves
// addresses, each of which is nobody by itself. The supervisor lets no other role do so.
func identifyRole(nc net.Conn) (api.Call, error) {
	for _, role := range []string{manage.ConsoleRole, manage.HARole} {
		if a := nc.RemoteAddr(); a.Network() == "role" && a.String() == "role:"+role {
			return api.Call{Origin: role, Role: api.Nobody}, nil
		}
	}
	return api.Call{}, fmt.Errorf("%v may not call the engine", nc.RemoteAddr())
}
