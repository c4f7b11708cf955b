// SPDX-License-Identifier: Apache-2.0

package config

// What changes messages on their way, and says whose they are.

var onlyPlain = []string{"http"}

// proxyTLVs are what a header of the PROXY protocol may tell beside the addresses.
var proxyTLVs = []string{"authority", "ssl", "cert_cn", "alpn", "unique_id", "crc32c"}

// alterKeywords change the messages of a cluster.
var alterKeywords = []Keyword{
	{Name: "forwarded", Kind: KindBool, Default: "false", Only: onlyHTTP,
		Purpose: "Tell the server the client's address and host in Forwarded."},
	{Name: "redirect_https", Kind: KindInt, Min: "0", Max: "308", Default: "0", Only: onlyPlain,
		Purpose: "Send every client to https, with this status; 0 serves requests."},
	{Name: "redirect_https_port", Kind: KindInt, Min: "1", Max: "65535", Default: "443", Only: onlyPlain,
		Purpose: "The port that redirect_https sends clients to."},
	{Name: "no_header_rewrite", Kind: KindBool, Default: "false", Only: onlyHTTPS,
		Purpose: "Leave http in Location, Content-Location and Refresh of answers, though clients speak https."},
	{Name: "hsts", Kind: KindDuration, Min: "0s", Max: "3650d", Default: "0s", Only: onlyHTTPS,
		Purpose: "How long browsers are to come by https only, in Strict-Transport-Security; 0s says nothing."},
	{Name: "hsts_subdomains", Kind: KindBool, Default: "false", Only: onlyHTTPS,
		Purpose: "Let hsts hold for all hosts below this one too."},
	{Name: "hsts_preload", Kind: KindBool, Default: "false", Only: onlyHTTPS,
		Purpose: "Ask for a place on the list that browsers are delivered with."},
	{Name: "request_headers", Kind: KindStrings, Only: onlyHTTP, check: checkOperation, Unset: "none",
		Purpose: "Operations on the fields of requests, in their order."},
	{Name: "answer_headers", Kind: KindStrings, Only: onlyHTTP, check: checkOperation, Unset: "none",
		Purpose: "Operations on the fields of answers, in their order."},
}

// proxyKeywords are about the PROXY protocol.
var proxyKeywords = []Keyword{
	{Name: "proxy_protocol", Kind: KindString, OneOf: []string{"off", "require"}, Default: "off", Only: onlyStream,
		Purpose: "Whether connections begin with a header of the PROXY protocol, which says who the client is."},
	{Name: "proxy_from", Kind: KindNetworks, Only: onlyStream, Unset: "none",
		Purpose: "Who may say by that header who the client is."},
}

// rewriteBlock rewrites targets.
var rewriteBlock = Block{
	Name: "rewrite", In: []string{"cluster", "rule"}, Max: 1, Only: onlyHTTP, field: "Rewrite",
	Purpose: "Changes the path that servers are asked for.",
	Keywords: []Keyword{
		{Name: "prefix", Kind: KindString, Unset: "regex says what is rewritten",
			Purpose: "The beginning of the paths that are rewritten, in whole segments."},
		{Name: "regex", Kind: KindRegex, Unset: "prefix says what is rewritten",
			Purpose: "What is rewritten of a path, as a regular expression."},
		{Name: "to", Kind: KindString, Required: true,
			Purpose: "What takes its place; it may have variables of the request, and $0 to $9 for what regex captured."},
		{Name: "query", Kind: KindBool, Default: "false",
			Purpose: "Let regex see the path and the query, and to write both."},
		{Name: "ignore_case", Kind: KindBool, Default: "false",
			Purpose: "Compare without regard to the case of letters."},
	},
}

// compressBlock compresses answers.
var compressBlock = Block{
	Name: "compress", In: []string{"cluster", "rule"}, Max: 1, Only: onlyHTTP, field: "Compress",
	Purpose: "Compresses answers for clients that take it.",
	Keywords: []Keyword{
		{Name: "codings", Kind: KindStrings, check: checkCoding, Unset: `["zstd", "br", "gzip"]`,
			Purpose: "How answers may be compressed, the best first."},
		{Name: "types", Kind: KindStrings, Unset: "text, and what is not compressed in itself",
			Purpose: "The media types that are compressed."},
		{Name: "min_size", Kind: KindSize, Min: "1B", Max: "16MiB", Default: "1KiB",
			Purpose: "The shortest content that is compressed."},
		{Name: "gzip_level", Kind: KindInt, Min: "1", Max: "6", Default: "4",
			Purpose: "How hard gzip tries."},
		{Name: "brotli_level", Kind: KindInt, Min: "2", Max: "5", Default: "4",
			Purpose: "How hard br tries."},
		{Name: "zstd_level", Kind: KindInt, Min: "1", Max: "2", Default: "1",
			Purpose: "How hard zstd tries."},
		{Name: "disabled", Kind: KindBool, Default: "false",
			Purpose: "Compress nothing."},
	},
}
