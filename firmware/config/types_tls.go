// SPDX-License-Identifier: Apache-2.0

package config

import "github.com/hashicorp/hcl/v2"

// Source says where a certificate comes from.
type Source string

// The sources.
const (
	Imported   Source = "imported" // the default
	SelfSigned Source = "self_signed"
	FromACME   Source = "acme"
)

// A Certificate names a key pair that the store keeps; neither the certificate
// nor its key stand in the configuration.
type Certificate struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Source      Source    `json:"source"`
	Names       []string  `json:"names"`          // self_signed, acme
	ACME        string    `json:"acme,omitempty"` // acme: the CA
	Range       hcl.Range `json:"-"`
}

// An ACME is a CA that certificates are got from by themselves.
type ACME struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Directory   string    `json:"directory"`
	AgreeTOS    bool      `json:"agree_tos"`
	Email       []string  `json:"email"`
	Challenges  []string  `json:"challenges"` // "http-01", "tls-alpn-01"; none: both
	EABKeyID    string    `json:"eab_key_id,omitempty"`
	CA          []string  `json:"ca"` // trusts; none: the system's
	Range       hcl.Range `json:"-"`
}

// A Trust names CAs and revocation lists that the store keeps.
type Trust struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Range       hcl.Range `json:"-"`
}

// ClusterTLS is how the clients of an https cluster shake hands.
type ClusterTLS struct {
	Certificates   []string `json:"certificates"` // the first is the default; none: BoxCertificate
	StrictSNI      bool     `json:"strict_sni"`
	Profile        string   `json:"profile"`               // intermediate (default), modern, custom
	MinVersion     string   `json:"min_version,omitempty"` // custom
	MaxVersion     string   `json:"max_version,omitempty"` // custom
	Ciphers        []string `json:"ciphers"`               // custom
	Curves         []string `json:"curves"`                // custom
	HTTP2          bool     `json:"http2"`                 // true
	SessionTickets bool     `json:"session_tickets"`       // true
	ClientAuth     string   `json:"client_auth"`           // none (default), request, require
	ClientCA       []string `json:"client_ca"`             // trusts
	ClientDepth    int      `json:"client_depth"`          // 2
	CRL            []string `json:"crl"`                   // trusts
	ExpiredCRL     string   `json:"expired_crl"`           // fail (default), ignore

	// Request fields that tell servers of the client's certificate; empty: none.
	VerifiedHeader    string `json:"verified_header,omitempty"`
	SubjectHeader     string `json:"subject_header,omitempty"`
	FingerprintHeader string `json:"fingerprint_header,omitempty"`
	CertificateHeader string `json:"certificate_header,omitempty"`

	Range hcl.Range `json:"-"`
}

// PoolTLS is how the members of a pool are spoken to.
type PoolTLS struct {
	Verify      bool      `json:"verify"`                // true
	CA          []string  `json:"ca"`                    // trusts; none: the system's
	ServerName  string    `json:"server_name,omitempty"` // empty: the member's address
	Certificate string    `json:"certificate,omitempty"` // what the box shows
	MinVersion  string    `json:"min_version"`           // 1.2
	Range       hcl.Range `json:"-"`
}
