// SPDX-License-Identifier: Apache-2.0

package config

import "slices"

// Protocols and methods of persistence by what they can be told.
var (
	protocols      = []string{"http", "https", "tcp", "udp"}
	onlyHTTP       = []string{"http", "https"}
	onlyHTTPS      = []string{"https"}
	onlyTCP        = []string{"tcp"}
	onlyStream     = []string{"http", "https", "tcp"}
	persistMethods = []string{"cookie", "source", "none"}
	onlyCookie     = []string{"cookie"}
	onlySource     = []string{"source"}
)

var clusterBlocks = []Block{
	{
		Name: "cluster", Label: "name", By: "protocol", field: "Clusters", label: "Name",
		Purpose:  "A virtual address that clients connect to.",
		Keywords: slices.Concat(clusterKeywords, proxyKeywords, flagKeywords, httpKeywords, alterKeywords),
	},
	{
		Name: "persist", In: []string{"cluster", "rule"}, Label: "method", Labels: persistMethods, Max: 2, By: "method",
		field: "Persist", label: "Method",
		Purpose: "Keeps a client on the member that it came to first. The second block is asked when the first knows nothing.",
		Keywords: []Keyword{
			{Name: "scheme", Kind: KindString, OneOf: []string{"token", "0", "1", "2"}, Default: "token", Only: onlyCookie,
				Purpose: "What the cookie holds: an opaque token, or the addresses as Equalizer wrote them."},
			{Name: "name", Kind: KindString, Only: onlyCookie, check: checkCookieName, Unset: "EVENER_ and eight digits that differ from pool to pool",
				Purpose: "The cookie's name; schemes 0 to 2 have their own."},
			{Name: "age", Kind: KindDuration, Min: "0s", Max: "400d", Default: "0s", Only: onlyCookie,
				Purpose: "How long the client keeps the cookie; 0s is until the browser is closed."},
			{Name: "path", Kind: KindString, Default: "/", Only: onlyCookie, check: checkCookiePath,
				Purpose: "The path below which the client sends the cookie."},
			{Name: "domain", Kind: KindString, Only: onlyCookie, check: checkDomain, Unset: "the host that was asked",
				Purpose: "The domain whose hosts get the cookie."},
			{Name: "generation", Kind: KindInt, Min: "0", Max: "65535", Default: "0", Only: onlyCookie,
				Purpose: "A number in the cookie; cookies with another one are void."},
			{Name: "always", Kind: KindBool, Default: "false", Only: onlyCookie,
				Purpose: "Set the cookie in every answer."},
			{Name: "secure", Kind: KindBool, Only: onlyCookie, Unset: "true in https clusters, else false",
				Purpose: "Let the client send the cookie over TLS only."},
			{Name: "timeout", Kind: KindDuration, Min: "1s", Max: "1073741823s", Default: "10m", Only: onlySource,
				Purpose: "How long a client is remembered after its last connection has closed."},
			{Name: "netmask4", Kind: KindInt, Min: "0", Max: "32", Default: "32", Only: onlySource,
				Purpose: "How many leading bits of an IPv4 address make a client."},
			{Name: "netmask6", Kind: KindInt, Min: "0", Max: "128", Default: "128", Only: onlySource,
				Purpose: "How many leading bits of an IPv6 address make a client."},
			{Name: "inter_cluster", Kind: KindBool, Default: "false", Only: onlySource,
				Purpose: "Share what is remembered with the other clusters of the same kind."},
		},
	},
	{
		Name: "rule", In: []string{"cluster"}, Label: "name", Only: onlyHTTP, field: "Rules", label: "Name",
		Purpose: "Treats the requests for which a condition is true differently. The first rule that is true wins.",
		Keywords: slices.Concat([]Keyword{
			description,
			{Name: "when", Kind: KindCondition, Required: true,
				Purpose: "The condition, made of the functions in rules.md with &&, || and !."},
			{Name: "pool", Kind: KindString, Ref: "pool", Unset: "the cluster's; none if responder is given",
				Purpose: "The pool that serves the request."},
			{Name: "responder", Kind: KindString, Ref: "responder", Unset: "the cluster's",
				Purpose: "What answers when no member of the pool is available, or always if only responder is given."},
			{Name: "policy", Kind: KindString, OneOf: policies, Unset: "the pool's",
				Purpose: "How a member is chosen for the requests of this rule."},
			{Name: "disabled", Kind: KindBool, Default: "false",
				Purpose: "Skip this rule."},
		}, inherited(flagKeywords), []Keyword{
			{Name: "request_headers", Kind: KindStrings, check: checkOperation, Unset: "the cluster's only",
				Purpose: "Operations on the fields of requests, after those of the cluster."},
			{Name: "answer_headers", Kind: KindStrings, check: checkOperation, Unset: "the cluster's only",
				Purpose: "Operations on the fields of answers, after those of the cluster."},
		}),
	},
	rewriteBlock,
	compressBlock,
	{
		Name: "sni", In: []string{"cluster"}, Label: "pattern", Only: onlyTCP, field: "SNI", label: "Pattern",
		Purpose: "Sends the TLS connections for a server name to a pool, untouched.",
		Keywords: []Keyword{
			{Name: "pool", Kind: KindString, Ref: "pool", Required: true,
				Purpose: "The pool that serves the connection."},
		},
	},
	clusterTLS,
	{
		Name: "timeouts", In: []string{"cluster"}, Max: 1, By: "protocol", field: "Timeouts",
		Purpose:  "How long the phases of a connection or exchange may take.",
		Keywords: timeoutKeywords,
	},
	{
		Name: "limits", In: []string{"cluster"}, Max: 1, By: "protocol", field: "Limits",
		Purpose:  "What a client may send.",
		Keywords: limitKeywords,
	},
}

var clusterKeywords = []Keyword{
	description,
	labels,
	{Name: "protocol", Kind: KindString, OneOf: protocols, Required: true,
		Purpose: "What clients speak."},
	{Name: "listen", Kind: KindListen, Required: true,
		Purpose: "The addresses that clients connect to."},
	{Name: "pool", Kind: KindString, Ref: "pool", Unset: "responder answers, or an sni block must match",
		Purpose: "The pool that serves what no rule or sni block takes."},
	{Name: "responder", Kind: KindString, Ref: "responder", Only: onlyHTTP, Unset: "a plain answer with status 503",
		Purpose: "What answers when no member is available, or always if there is no pool."},
	{Name: "disabled", Kind: KindBool, Default: "false",
		Purpose: "Do not listen."},
	{Name: "retries", Kind: KindInt, Min: "0", Max: "10", Default: "2", Only: onlyStream,
		Purpose: "How many more members are tried when one cannot be reached."},
}

// flagKeywords are the switches that a rule may override.
var flagKeywords = []Keyword{
	{Name: "abort_server", Kind: KindBool, Default: "false", Only: onlyStream,
		Purpose: "Reset the server's connection when the client goes away, instead of waiting for the answer."},
	{Name: "once_only", Kind: KindBool, Default: "false", Only: onlyHTTP,
		Purpose: "Match only the first request of a connection; the others go the same way."},
	{Name: "ignore_case", Kind: KindBool, Default: "true", Only: onlyHTTP,
		Purpose: "Compare paths, queries and field values without regard to case."},
	{Name: "client_ip", Kind: KindBool, Default: "false", Only: onlyHTTP,
		Purpose: "Tell the server the client's address in X-Forwarded-For and -Proto."},
	{Name: "tcp_mux", Kind: KindBool, Default: "true", Only: onlyHTTP,
		Purpose: "Use connections to servers for several clients in turn."},
}

// inherited returns keywords whose default is the enclosing block's value.
func inherited(from []Keyword) []Keyword {
	out := slices.Clone(from)
	for i := range out {
		out[i].Default, out[i].Unset, out[i].Only = "", "the cluster's", nil
	}
	return out
}

var httpKeywords = []Keyword{
	{Name: "allow_extended_chars", Kind: KindBool, Default: "false", Only: onlyHTTP,
		Purpose: "Accept bytes of 0x80 and above in a request's target."},
	{Name: "allow_trace", Kind: KindBool, Default: "false", Only: onlyHTTP,
		Purpose: "Forward TRACE; otherwise it is answered with 405."},
	{Name: "upgrade", Kind: KindBool, Default: "true", Only: onlyHTTP,
		Purpose: "Forward upgrades to WebSocket."},
	{Name: "h2c", Kind: KindBool, Default: "false", Only: []string{"http"},
		Purpose: "Let clients speak HTTP/2 in the clear, if they begin with it."},
	{Name: "merge_slashes", Kind: KindBool, Default: "false", Only: onlyHTTP,
		Purpose: "Let rules see several slashes in a row as one."},
	{Name: "reject_encoded_slash", Kind: KindBool, Default: "false", Only: onlyHTTP,
		Purpose: "Refuse %2F and %5C in a path."},
	{Name: "reject_get_body", Kind: KindBool, Default: "false", Only: onlyHTTP,
		Purpose: "Refuse GET, HEAD and DELETE requests that have a body."},
	{Name: "underscore", Kind: KindString, OneOf: []string{"drop", "keep", "reject"}, Default: "drop", Only: onlyHTTP,
		Purpose: "What becomes of fields with \"_\" in their name."},
	{Name: "via", Kind: KindBool, Default: "true", Only: onlyHTTP,
		Purpose: "Add a Via field to requests and answers."},
	{Name: "request_id", Kind: KindBool, Default: "true", Only: onlyHTTP,
		Purpose: "Give each request an X-Request-Id."},
	{Name: "trusted", Kind: KindNetworks, Only: onlyHTTP, Unset: "none",
		Purpose: "Clients whose X-Forwarded-*, Forwarded and X-Request-Id are kept."},
}

var timeoutKeywords = []Keyword{
	{Name: "handshake", Kind: KindDuration, Min: "10ms", Max: "1h", Default: "10s", Only: onlyHTTPS,
		Purpose: "The time for a whole TLS handshake with a client."},
	{Name: "client_head", Kind: KindDuration, Min: "10ms", Max: "1h", Default: "10s", Only: onlyStream,
		Purpose: "The time for a whole request head; with sni, for the client's TLS greeting."},
	{Name: "client_body", Kind: KindDuration, Min: "10ms", Max: "1d", Default: "30s", Only: onlyHTTP,
		Purpose: "The time between two reads of a request body."},
	{Name: "client_idle", Kind: KindDuration, Min: "10ms", Max: "1d", Default: "60s", Only: onlyHTTP,
		Purpose: "The time between two requests of a connection."},
	{Name: "client_send", Kind: KindDuration, Min: "10ms", Max: "1d", Default: "30s", Only: onlyHTTP,
		Purpose: "The time between two writes to the client that make progress."},
	{Name: "queue", Kind: KindDuration, Min: "10ms", Max: "1h", Default: "5s", Only: onlyStream,
		Purpose: "The time that an exchange or a tcp connection waits for a free member."},
	{Name: "connect", Kind: KindDuration, Min: "10ms", Max: "1h", Default: "5s", Only: onlyStream,
		Purpose: "The time for a connection to a server."},
	{Name: "server_head", Kind: KindDuration, Min: "10ms", Max: "1d", Default: "60s", Only: onlyHTTP,
		Purpose: "The time until the answer's head has come."},
	{Name: "server_body", Kind: KindDuration, Min: "10ms", Max: "1d", Default: "60s", Only: onlyHTTP,
		Purpose: "The time between two reads of an answer's body."},
	{Name: "tunnel", Kind: KindDuration, Min: "10ms", Max: "14d", Default: "1h", DefaultFor: map[string]string{"udp": "30s"},
		Purpose: "The time of silence after which a tunnel, a tcp connection or a udp flow ends."},
}

var limitKeywords = []Keyword{
	{Name: "head", Kind: KindSize, Min: "512B", Max: "256KiB", Default: "16KiB", Only: onlyHTTP,
		Purpose: "The size of a request head."},
	{Name: "fields", Kind: KindInt, Min: "1", Max: "1000", Default: "100", Only: onlyHTTP,
		Purpose: "The number of fields in a head."},
	{Name: "field", Kind: KindSize, Min: "64B", Max: "256KiB", Default: "8KiB", Only: onlyHTTP,
		Purpose: "The size of one field, name and value."},
	{Name: "uri", Kind: KindSize, Min: "64B", Max: "256KiB", Default: "8KiB", Only: onlyHTTP,
		Purpose: "The size of a request's target."},
	{Name: "body", Kind: KindSize, Min: "0B", Max: "1TiB", Default: "0B", Only: onlyHTTP,
		Purpose: "The size of a request body; 0B is unlimited."},
	{Name: "requests", Kind: KindInt, Min: "0", Max: "1000000000", Default: "0", Only: onlyHTTP,
		Purpose: "The number of requests of one connection; 0 is unlimited."},
	{Name: "connections", Kind: KindInt, Min: "0", Max: "10000000", Default: "0",
		Purpose: "The number of client connections of the cluster; 0 is unlimited."},
}
