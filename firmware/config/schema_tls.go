// SPDX-License-Identifier: Apache-2.0

package config

// What certificates and handshakes can be told apart by.
var (
	certificateSources = []string{"imported", "self_signed", "acme"}
	namedSources       = []string{"self_signed", "acme"}
	onlyACME           = []string{"acme"}
	profiles           = []string{"intermediate", "modern", "custom"}
	onlyCustom         = []string{"custom"}
	versions           = []string{"1.2", "1.3"}
	challenges         = []string{"http-01", "tls-alpn-01"}
)

var certificateBlocks = []Block{
	{
		Name: "acme", Label: "name", field: "ACME", label: "Name",
		Purpose: "A CA that certificates are got from by themselves (ACME, RFC 8555).",
		Keywords: []Keyword{
			description,
			{Name: "directory", Kind: KindString, Default: "https://acme-v02.api.letsencrypt.org/directory", check: checkDirectory,
				Purpose: "The URL of the CA's directory."},
			{Name: "agree_tos", Kind: KindBool, Required: true,
				Purpose: "That you agree to the CA's terms of service; it must be true."},
			{Name: "email", Kind: KindStrings, check: checkEmail, Unset: "the CA knows no address",
				Purpose: "Where the CA may write to."},
			{Name: "challenges", Kind: KindStrings, OneOf: challenges, Unset: "both, in turn",
				Purpose: "How the CA may convince itself that the names are ours."},
			{Name: "eab_key_id", Kind: KindString, check: checkKeyID, Unset: "the account is bound to no customer",
				Purpose: "The name of the key that binds the account to a customer of the CA."},
			{Name: "ca", Kind: KindStrings, Ref: "trust", Unset: "the CAs of the system",
				Purpose: "Who vouches for the directory's own certificate."},
		},
	},
	{
		Name: "trust", Label: "name", field: "Trusts", label: "Name",
		Purpose:  "Certificates of CAs, and their revocation lists, that were imported under this name.",
		Keywords: []Keyword{description},
	},
	{
		Name: "certificate", Label: "name", By: "source", field: "Certificates", label: "Name",
		Purpose: "A certificate with its private key, which the box keeps apart from the configuration.",
		Keywords: []Keyword{
			description,
			{Name: "source", Kind: KindString, OneOf: certificateSources, Default: "imported",
				Purpose: "Where it comes from."},
			{Name: "names", Kind: KindStrings, Only: namedSources, check: checkCertificateName, Unset: "the box's host name; acme needs them",
				Purpose: "The host names, and with self_signed the addresses, that it is for."},
			{Name: "acme", Kind: KindString, Ref: "acme", Only: onlyACME, Required: true,
				Purpose: "The CA that it is got from."},
		},
	},
}

// clusterTLS is how clients of an https cluster shake hands.
var clusterTLS = Block{
	Name: "tls", In: []string{"cluster"}, Max: 1, By: "profile", Only: onlyHTTPS, field: "TLS",
	Purpose: "How clients are spoken to by TLS.",
	Keywords: []Keyword{
		{Name: "certificates", Kind: KindStrings, Ref: "certificate", Unset: `["box"], which is self-signed unless it is defined`,
			Purpose: "The certificates that clients are shown by the name that they ask for; the first for all others."},
		{Name: "strict_sni", Kind: KindBool, Default: "false",
			Purpose: "Refuse clients that ask for no name, or one that no certificate is for."},
		{Name: "profile", Kind: KindString, OneOf: profiles, Default: "intermediate",
			Purpose: "Which versions, ciphers and key exchanges are spoken."},
		{Name: "min_version", Kind: KindString, OneOf: versions, Only: onlyCustom, Unset: `"1.2"`,
			Purpose: "The oldest version of TLS."},
		{Name: "max_version", Kind: KindString, OneOf: versions, Only: onlyCustom, Unset: `"1.3"`,
			Purpose: "The newest version of TLS."},
		{Name: "ciphers", Kind: KindStrings, Only: onlyCustom, check: checkWord, Unset: "those of intermediate",
			Purpose: "The cipher suites of TLS 1.2, by the name of IANA or OpenSSL."},
		{Name: "curves", Kind: KindStrings, Only: onlyCustom, check: checkWord, Unset: "those of intermediate",
			Purpose: "The key exchanges: X25519MLKEM768, X25519, P-256, P-384, P-521."},
		{Name: "http2", Kind: KindBool, Default: "true",
			Purpose: "Speak HTTP/2 with clients that can."},
		{Name: "session_tickets", Kind: KindBool, Default: "true",
			Purpose: "Let clients resume a session, which saves both sides the costly half of a handshake."},
		{Name: "client_auth", Kind: KindString, OneOf: []string{"none", "request", "require"}, Default: "none",
			Purpose: "Whether clients show a certificate."},
		{Name: "client_ca", Kind: KindStrings, Ref: "trust", Unset: "none; client_auth needs some",
			Purpose: "Whose certificates clients may show."},
		{Name: "client_depth", Kind: KindInt, Min: "1", Max: "9", Default: "2",
			Purpose: "How many CAs may stand above a client's certificate."},
		{Name: "crl", Kind: KindStrings, Ref: "trust", Unset: "none is looked at",
			Purpose: "Whose revocation lists are looked at."},
		{Name: "expired_crl", Kind: KindString, OneOf: []string{"fail", "ignore"}, Default: "fail",
			Purpose: "What becomes of clients whose CA's list has expired or is missing."},
		{Name: "verified_header", Kind: KindString, check: checkFieldToSet, Unset: "servers are not told",
			Purpose: "The request field that tells servers whether the client's certificate is good."},
		{Name: "subject_header", Kind: KindString, check: checkFieldToSet, Unset: "servers are not told",
			Purpose: "The request field that tells servers the subject of the client's certificate."},
		{Name: "fingerprint_header", Kind: KindString, check: checkFieldToSet, Unset: "servers are not told",
			Purpose: "The request field that tells servers the fingerprint of the client's certificate."},
		{Name: "certificate_header", Kind: KindString, check: checkFieldToSet, Unset: "servers are not told",
			Purpose: "The request field that gives servers the client's certificate."},
	},
}

// poolTLS is how the members of a pool are spoken to.
var poolTLS = Block{
	Name: "tls", Title: "pool tls", In: []string{"pool"}, Max: 1, field: "TLS",
	Purpose: "Speaks TLS to the members. Without the block they are spoken to in the clear.",
	Keywords: []Keyword{
		{Name: "verify", Kind: KindBool, Default: "true",
			Purpose: "Check the members' certificates."},
		{Name: "ca", Kind: KindStrings, Ref: "trust", Unset: "the CAs of the system",
			Purpose: "Who vouches for the members."},
		{Name: "server_name", Kind: KindString, check: checkHostname, Unset: "each member's address, without SNI",
			Purpose: "The name that is sent as SNI and that the certificates must bear."},
		{Name: "certificate", Kind: KindString, Ref: "certificate", Unset: "the box shows none",
			Purpose: "What the box shows to members that ask for a certificate."},
		{Name: "min_version", Kind: KindString, OneOf: versions, Default: "1.2",
			Purpose: "The oldest version of TLS."},
	},
}
