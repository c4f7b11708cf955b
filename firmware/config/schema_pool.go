// SPDX-License-Identifier: Apache-2.0

package config

// Probe types by what they can be told.
var (
	probeTypes     = []string{"icmp", "tcp", "tls", "http", "grpc", "acv", "agent", "simple"}
	connecting     = []string{"tcp", "tls", "http", "grpc", "acv", "agent", "simple"}
	answering      = []string{"tls", "http", "grpc", "acv", "agent", "simple"}
	loadProbes     = []string{"agent", "simple"}
	expectProbes   = []string{"http", "acv"}
	sendingProbes  = []string{"acv", "agent", "simple"}
	onlyHTTPProbe  = []string{"http"}
	onlyGRPCProbe  = []string{"grpc"}
	hostProbes     = []string{"http", "grpc"}
	secureProbes   = []string{"tls", "tcp", "http", "grpc", "acv"}
	plainOrTLS     = []string{"tcp", "http", "grpc", "acv"}
	onlySimple     = []string{"simple"}
	policies       = []string{"round_robin", "static_weight", "least_connections", "fastest_response", "adaptive", "server_agent", "custom", "random2", "source_hash", "uri_hash"}
	responsiveness = []string{"slowest", "slow", "medium", "fast", "fastest"}
)

var poolBlocks = []Block{
	{
		Name: "server", Label: "name", field: "Servers", label: "Name",
		Purpose: "A machine's address that pools take members from.",
		Keywords: []Keyword{
			description,
			labels,
			{Name: "address", Kind: KindAddress, Required: true, check: checkServerAddress,
				Purpose: "The IP address and port that the server listens on."},
		},
	},
	{
		Name: "pool", Label: "name", By: "policy", field: "Pools", label: "Name",
		Purpose: "A set of members that can serve the same requests.",
		Keywords: []Keyword{
			description,
			labels,
			{Name: "policy", Kind: KindString, OneOf: policies, Default: "round_robin",
				Purpose: "How a member is chosen for a new client."},
			{Name: "protocol", Kind: KindString, OneOf: []string{"http", "h2", "h2c"}, Default: "http",
				Purpose: "What the members speak to http and https clusters."},
			{Name: "proxy_protocol", Kind: KindString, OneOf: []string{"off", "v1", "v2"}, Default: "off",
				Purpose: "Whether connections to members begin with a header of the PROXY protocol, and which."},
			{Name: "proxy_tlvs", Kind: KindStrings, OneOf: proxyTLVs, Default: "authority, ssl",
				Purpose: "What a header of version 2 tells beside the addresses."},
			{Name: "responsiveness", Kind: KindString, OneOf: responsiveness, Default: "medium",
				Purpose: "How quickly the measuring policies follow what they measure."},
			{Name: "slow_start", Kind: KindDuration, Min: "0s", Max: "1h", Default: "0s",
				Purpose: "How long a member that came back takes to reach its full weight."},
			{Name: "queue", Kind: KindInt, Min: "0", Max: "1000000", Default: "1024",
				Purpose: "How many exchanges wait when every member is full; 0 is none."},
			{Name: "idle", Kind: KindInt, Min: "0", Max: "65536", Default: "64",
				Purpose: "How many idle connections each loop keeps to each member."},
		},
	},
	{
		Name: "custom", In: []string{"pool"}, Max: 1, Only: []string{"custom"}, field: "Custom",
		Purpose: "How much each measurement counts in the policy \"custom\".",
		Keywords: []Keyword{
			{Name: "delay", Kind: KindInt, Min: "0", Max: "100", Default: "0",
				Purpose: "The share of the time to the first byte of the answer."},
			{Name: "connections", Kind: KindInt, Min: "0", Max: "100", Default: "0",
				Purpose: "The share of the open connections."},
			{Name: "agent", Kind: KindInt, Min: "0", Max: "100", Default: "0",
				Purpose: "The share of what agent and simple probes report."},
		},
	},
	poolTLS,
	{
		Name: "member", In: []string{"pool"}, Label: "server", field: "Members", label: "Server", ref: "server",
		Purpose: "A server in a pool.",
		Keywords: []Keyword{
			{Name: "weight", Kind: KindInt, Min: "0", Max: "200", Default: "100",
				Purpose: "The member's share of new clients; 0 is none."},
			{Name: "max_connections", Kind: KindInt, Min: "0", Max: "1000000", Default: "0",
				Purpose: "How many connections the member takes at once; 0 is any number."},
			{Name: "hot_spare", Kind: KindBool, Default: "false",
				Purpose: "Use the member only when no other is up."},
			{Name: "dont_persist", Kind: KindBool, Default: "false",
				Purpose: "Do not keep clients on this member."},
			{Name: "dont_probe", Kind: KindBool, Default: "false",
				Purpose: "Do not probe the member; it counts as up."},
			{Name: "tcp_mux", Kind: KindBool, Default: "true",
				Purpose: "Use the member's connections for several clients in turn."},
			{Name: "probe_port", Kind: KindInt, Min: "0", Max: "65535", Default: "0",
				Purpose: "The port that probes ask; 0 is the server's."},
		},
	},
	{
		Name: "probe", In: []string{"pool"}, Label: "type", Labels: probeTypes, By: "type", field: "Probes", label: "Type",
		Purpose:  "A question that every member of the pool is asked.",
		Keywords: probeKeywords,
	},
}

var probeKeywords = []Keyword{
	{Name: "interval", Kind: KindDuration, Min: "1s", Max: "1h", Default: "15s",
		Purpose: "The time from one probe of a member to the next."},
	{Name: "jitter", Kind: KindInt, Min: "0", Max: "50", Default: "10",
		Purpose: "How late a probe may come at random, in per cent of the interval."},
	{Name: "timeout", Kind: KindDuration, Min: "10ms", Max: "2m", Default: "5s",
		Purpose: "How long a whole probe may take."},
	{Name: "connect_timeout", Kind: KindDuration, Min: "10ms", Max: "1m", Default: "1s", Only: connecting,
		Purpose: "How long the connection may take."},
	{Name: "data_timeout", Kind: KindDuration, Min: "10ms", Max: "1m", Default: "2s", Only: answering,
		Purpose: "How long the answer may take once the connection is there."},
	{Name: "rise", Kind: KindInt, Min: "1", Max: "100", Default: "2",
		Purpose: "How many good answers in a row mean up."},
	{Name: "fall", Kind: KindInt, Min: "1", Max: "100", Default: "3",
		Purpose: "How many bad answers in a row mean down."},
	{Name: "tries", Kind: KindInt, Min: "1", Max: "30", Default: "1",
		Purpose: "How many attempts one probe makes before it counts as bad."},
	{Name: "port", Kind: KindInt, Min: "0", Max: "65535", Default: "0", DefaultFor: map[string]string{"agent": "1510"}, Only: connecting,
		Purpose: "The port that is asked; 0 is the member's probe_port."},
	{Name: "method", Kind: KindString, OneOf: []string{"GET", "HEAD", "OPTIONS", "POST"}, Default: "GET", Only: onlyHTTPProbe,
		Purpose: "The method of the request."},
	{Name: "path", Kind: KindString, Default: "/", Only: onlyHTTPProbe, check: checkTarget,
		Purpose: "The path, and query if any, of the request."},
	{Name: "host", Kind: KindString, Only: hostProbes, check: checkHost, Unset: "over TLS the server_name if there is one, else the member's address",
		Purpose: "The Host field of the request."},
	{Name: "service", Kind: KindString, Only: onlyGRPCProbe, check: checkProbeText, Unset: "the server as a whole",
		Purpose: "The service that the server is asked of."},
	{Name: "status", Kind: KindInts, Min: "100", Max: "599", Only: onlyHTTPProbe, Unset: "200 to 399",
		Purpose: "The statuses that are good."},
	{Name: "send", Kind: KindString, Only: sendingProbes, check: checkProbeText, Unset: "nothing is sent",
		Purpose: "What is sent when the connection is there."},
	{Name: "expect", Kind: KindString, Only: expectProbes, check: checkProbeText, Unset: "not looked for",
		Purpose: "What the answer must contain."},
	{Name: "expect_regex", Kind: KindRegex, Only: expectProbes, Unset: "not looked for",
		Purpose: "An expression that the answer must match."},
	{Name: "within", Kind: KindInt, Min: "1", Max: "1048576", Default: "1024", Only: expectProbes,
		Purpose: "How many bytes of the answer expect and expect_regex see."},
	{Name: "tls", Kind: KindBool, Only: plainOrTLS, Unset: "true if the pool has a tls block, else false",
		Purpose: "Ask over TLS."},
	{Name: "server_name", Kind: KindString, Only: secureProbes, check: checkHostname, Unset: "that of the pool's tls block; without one the member's address, without SNI",
		Purpose: "The name that is sent as SNI and that the certificate must bear."},
	{Name: "verify", Kind: KindBool, Only: secureProbes, Unset: "as the pool's tls block says; without one true",
		Purpose: "Check the certificate."},
	{Name: "healthy", Kind: KindFloat, Min: "-1000000000", Max: "1000000000", Default: "0.0", Only: onlySimple,
		Purpose: "The answer that means idle."},
	{Name: "loaded", Kind: KindFloat, Min: "-1000000000", Max: "1000000000", Default: "100.0", Only: onlySimple,
		Purpose: "The answer that means fully loaded."},
	{Name: "weight", Kind: KindInt, Min: "1", Max: "100", Default: "100", Only: onlySimple,
		Purpose: "How much this probe counts among several of its type."},
	{Name: "require_response", Kind: KindBool, Default: "false", Only: loadProbes,
		Purpose: "Count silence as a bad answer."},
}
