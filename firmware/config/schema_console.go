// SPDX-License-Identifier: Apache-2.0

package config

var consoleBlocks = []Block{{
	Name: "console", Max: 1, Local: true, field: "Console",
	Purpose: "The console: administration with a browser, over HTTPS. Without the block it is there too, with the defaults.",
	Keywords: []Keyword{
		{Name: "listen", Kind: KindAddresses, Default: "127.0.0.1:9443", check: checkListen,
			Purpose: "The addresses of the console, 8 at most; [] turns it off."},
		{Name: "allow", Kind: KindNetworks, Default: "0.0.0.0/0, ::/0",
			Purpose: "The networks whose clients may reach the console; others are turned away."},
		{Name: "allowed_origins", Kind: KindStrings, check: checkOrigin, Unset: "the addresses of the console alone",
			Purpose: "Further names under which browsers may open the console, such as that of a proxy before it."},
		{Name: "trusted_proxies", Kind: KindNetworks, Unset: "none",
			Purpose: "The proxies before the console whose X-Forwarded-For says who the client is."},
		{Name: "certificate", Kind: KindString, Ref: "certificate", Unset: "one that the box makes by itself",
			Purpose: "The certificate that the console shows."},
		{Name: "idle_timeout", Kind: KindDuration, Min: "1m", Max: "1d", Default: "30m",
			Purpose: "How long a session may do nothing before it ends."},
	},
}}
