// SPDX-License-Identifier: Apache-2.0

package config

var globalBlocks = []Block{
	{
		Name: "engine", Max: 1, field: "Engine",
		Purpose: "What concerns the whole data plane.",
		Keywords: []Keyword{
			{Name: "loops", Kind: KindInt, Min: "0", Max: "256", Default: "0",
				Purpose: "How many event loops carry the traffic; 0 is one per CPU."},
			{Name: "max_connections", Kind: KindInt, Min: "0", Max: "10000000", Default: "0",
				Purpose: "How many client connections all clusters together accept; 0 is what the limit of file descriptors allows."},
			{Name: "drain_timeout", Kind: KindDuration, Min: "0s", Max: "1d", Default: "30s",
				Purpose: "How long running exchanges may take to finish at a restart or upgrade."},
		},
	},
	{
		Name: "metrics", Max: 1, Local: true, field: "Metrics",
		Purpose: "Serves the statistics as Prometheus text. Without the block they are not served.",
		Keywords: []Keyword{
			{Name: "listen", Kind: KindAddress, Default: "127.0.0.1:9100", check: checkListen,
				Purpose: "The address that the statistics are served on."},
			{Name: "token", Kind: KindString, check: checkToken, Unset: "no token is asked for, which is allowed on loopback only",
				Purpose: "The bearer token that a client must send."},
		},
	},
	{
		Name: "access_log", Max: 1, Local: true, field: "AccessLog",
		Purpose: "Writes a line for each exchange. Without the block none is written.",
		Keywords: []Keyword{
			{Name: "path", Kind: KindString, Required: true, check: checkLogPath,
				Purpose: "The file that lines are appended to, or \"stderr\"."},
			{Name: "format", Kind: KindString, OneOf: []string{"json", "combined"}, Default: "json",
				Purpose: "What a line looks like."},
			{Name: "fields", Kind: KindStrings, check: checkFieldName, Unset: "every field with json; the line alone with combined",
				Purpose: "The fields of a line, in this order."},
		},
	},
}

var responderBlocks = []Block{{
	Name: "responder", Label: "name", field: "Responders", label: "Name",
	Purpose: "Answers in place of a server: a text, a file or a redirect.",
	Keywords: []Keyword{
		description,
		{Name: "status", Kind: KindInt, Min: "200", Max: "599", Default: "503",
			Purpose: "The status of the answer; 302 if redirect is given and status is not."},
		{Name: "body", Kind: KindString, Unset: "an empty body",
			Purpose: "The text that is sent."},
		{Name: "file", Kind: KindString, check: checkFile, Unset: "an empty body",
			Purpose: "The file that is sent; it is read at commit and may be 1MiB long."},
		{Name: "content_type", Kind: KindString, Default: "text/html; charset=utf-8", check: checkMediaType,
			Purpose: "The Content-Type of body or file."},
		{Name: "redirect", Kind: KindString, check: checkRedirect, Unset: "no redirect",
			Purpose: "The URL that the client is sent to, with $0 to $9, $host, $path and $query."},
		{Name: "match", Kind: KindRegex, Unset: "$0 to $9 cannot be used",
			Purpose: "An expression over the URL of the request whose captures redirect uses."},
	},
}}

// description is the same in every block that has one.
var description = Keyword{Name: "description", Kind: KindString, check: checkDescription, Unset: "none",
	Purpose: "A line for people; it is shown beside the name."}
