// SPDX-License-Identifier: Apache-2.0

package config

import "github.com/hashicorp/hcl/v2"

// A Test is a request whose way through the rules of its cluster is known. Tests
// are run before a commit, as package lb explains requests.
type Test struct {
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Request     string            `json:"request"` // "GET https://shop.example.com/api"
	Headers     map[string]string `json:"headers,omitempty"`
	ClientIP    string            `json:"client_ip,omitempty"` // 192.0.2.1
	Expect      *Expect           `json:"expect"`              // never nil in a checked configuration
	Range       hcl.Range         `json:"-"`
}

// Expect says what must become of a Test's request. What is nil, or a zero
// Status, is not looked at; an empty name means that there is none.
type Expect struct {
	Rule      *string   `json:"rule,omitempty"`      // that decides; "": the cluster's own settings
	Pool      *string   `json:"pool,omitempty"`      // that serves; "": none
	Responder *string   `json:"responder,omitempty"` // that answers; "": none
	Status    int       `json:"status,omitempty"`    // of the answer, where the box itself gives it
	Range     hcl.Range `json:"-"`
}
