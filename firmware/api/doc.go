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
// side and may be answered in any order. A batch, positional parameters, an
// unknown or repeated member are refused with an error that says so, under the id
// null where the request's own is not known or not usable. Without an id there are
// only the notifications $/cancel and those of streams.
//
// The member meta says who calls where the connection does not (the console's
// carries the calls of many people), and by its key makes a call that is sent again
// the same call.
//
// # Topics
//
// What clients can follow is a [Topic], registered with [AddState], [AddSeries] or
// [AddLog]. It is computed by one goroutine, a feed, for all subscribers with the
// same parameters, role and scope, and kept in a short ring. A subscription is a
// place in that ring. The one goroutine that writes to a connection asks its
// subscriptions for events when it has nothing more important to write, so that a
// slow client has nothing waiting, sees fewer states and ticks, and is told which
// entries of a log it missed.
//
// # Streams
//
// [OpenDownload] and [OpenUpload] carry bytes beside the calls. Their sender needs
// credit from the receiver.
package api
