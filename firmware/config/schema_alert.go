// SPDX-License-Identifier: Apache-2.0

package config

var onlyTLS = []string{"tls"}

var alertBlocks = []Block{
	{
		Name: "syslog", Label: "name", By: "transport", field: "Syslogs", label: "Name",
		Purpose: "A syslog server that the box sends records to, in the form of RFC 5424.",
		Keywords: []Keyword{
			description,
			{Name: "address", Kind: KindString, Required: true, check: checkHostPort,
				Purpose: "The server's host and port."},
			{Name: "transport", Kind: KindString, OneOf: []string{"udp", "tcp", "tls"}, Default: "udp",
				Purpose: "How records travel: UDP (RFC 5426), TCP with octet counting (RFC 6587), or TLS (RFC 5425)."},
			{Name: "ca", Kind: KindStrings, Ref: "trust", Only: onlyTLS, Unset: "the CAs of the system",
				Purpose: "Who vouches for the server."},
			{Name: "facility", Kind: KindString, OneOf: facilities, Default: "local0",
				Purpose: "The facility that records are sent with."},
			{Name: "send", Kind: KindStrings, OneOf: []string{"events", "audit", "log"}, Unset: "what alert blocks send here",
				Purpose: "What the server gets all of: events, the audit log, the log of the box."},
		},
	},
	{
		Name: "mail", Label: "name", field: "Mails", label: "Name",
		Purpose: "A mail server, and the people who are written to through it.",
		Keywords: []Keyword{
			description,
			{Name: "server", Kind: KindString, Required: true, check: checkHostPort,
				Purpose: "The mail server's host and port."},
			{Name: "from", Kind: KindString, Required: true, check: checkEmail,
				Purpose: "The address that e-mails come from."},
			{Name: "to", Kind: KindStrings, Required: true, check: checkEmail,
				Purpose: "The addresses that e-mails go to."},
			{Name: "security", Kind: KindString, OneOf: []string{"starttls", "tls", "none"}, Default: "starttls",
				Purpose: "How the server is spoken to: STARTTLS, TLS from the first byte, or in the clear."},
			{Name: "ca", Kind: KindStrings, Ref: "trust", Unset: "the CAs of the system",
				Purpose: "Who vouches for the server."},
			{Name: "user", Kind: KindString, check: checkMailUser, Unset: "the server is not told who the box is",
				Purpose: "The name that the box logs in with."},
			{Name: "password_secret", Kind: KindString, check: checkName, Unset: "there is no password",
				Purpose: "The name under which the box keeps the password."},
		},
	},
	{
		Name: "alert", Label: "name", field: "Alerts", label: "Name",
		Purpose: "Which events are told to whom.",
		Keywords: []Keyword{
			description,
			{Name: "objects", Kind: KindStrings, check: checkObjectPattern, Unset: "events about anything",
				Purpose: "What the events are about: paths, in which * stands for any name."},
			{Name: "kinds", Kind: KindStrings, check: checkKindPattern, Unset: "events of any kind",
				Purpose: "The kinds of events, in which * stands for anything."},
			{Name: "severity", Kind: KindString, OneOf: []string{"info", "warning", "error"}, Default: "warning",
				Purpose: "How bad an event must be at least."},
			{Name: "to", Kind: KindStrings, Required: true, check: checkName,
				Purpose: "The syslog and mail blocks that are told."},
		},
	},
}
