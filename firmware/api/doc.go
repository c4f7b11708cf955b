// SPDX-License-Identifier: Apache-2.0

// Package api is the registry of management methods and their JSON-RPC 2.0
// form. Every operation that a person or a script can ask of the box is one
// [Method] with its types, the role it needs, its effect and its audit text;
// what is not registered cannot be called.
//
// The package knows the envelope (one JSON object per line) and who may call
// what. It does not know HTML, hardware, the configuration or what a method
// does: its owners register their methods with [Add], and cmd/evener connects
// the registry to sockets. [Serve] takes any net.Listener; only [Listen],
// [Dial] and [PeerCred] know that it is a Unix socket.
//
// # The line protocol
//
// A request is one line, at most 1 MiB, with an id (a string or an integer) and
// named parameters:
//
//	{"jsonrpc":"2.0","id":7,"method":"server.drain","params":{"pool":"app"}}
//
// The answer is one line with the same id. Calls of one connection run side by
// side and may be answered in any order. The one notification is $/cancel; a
// request without an id, a batch, positional parameters, an unknown or repeated
// member are refused with an error that says so, under the id null where the
// request's own is not known or not usable.
package api
