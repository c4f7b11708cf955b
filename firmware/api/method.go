// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"reflect"
	"time"
)

// A Method is one management operation. Params and Result are set by [Add].
type Method struct {
	Name    string // dotted, lower case, such as server.drain
	Purpose string // one sentence for help and documents
	Role    Role   // the weakest that may call it; must be set unless Open
	Open    bool   // may be called without a session, such as auth.login
	Sudo    bool   // needs a caller who has just given the password (Call.Sudo)
	Effect  Effect // Read

	// Audit is the line that the audit log shows, with parameters in braces:
	// "drain {pool}/{member}". Required unless Effect is Read;
	// a method that only reads is recorded too if it has one.
	Audit string

	Timeout    time.Duration // 30s; the method's context ends then
	Idempotent bool          // calling twice is as good as once: a client may repeat it
	CLI        *CLI          // nil: not a command of its own
	REST       *REST         // nil: not a resource of the HTTP API

	Params reflect.Type // a struct
	Result reflect.Type

	bound  bool // works on the connection that calls it
	long   bool // its results are long: a connection has one made at a time
	params *Schema
	result func() *Schema
	invoke func(context.Context, Call, json.RawMessage) (any, error)
}

// A CLI says how the command line spells a method.
type CLI struct {
	Command []string // such as "server", "drain"
	Args    []string // the parameters that are given by position, in order; a last "name..." takes the rest
}

// A Call is who asks, and by which way.
type Call struct {
	Author string // user name; the author of revisions and audit lines
	Origin string // cli, api, console, web, panel or serial
	Role   Role
	Remote string // address or process of the caller, for the audit log
	Agent  string // the caller's program, such as its User-Agent; may be empty

	// Session is the id of the session or API token, which is no secret. It is
	// empty on the Unix socket.
	Session string

	// Scope narrows what the caller may change to objects with these labels;
	// empty is everything. The methods enforce it.
	Scope map[string]string

	Sudo bool   // the password was given in the last minutes; true on the Unix socket
	Lang string // BCP 47 tag of the language that the caller reads, or empty
}

// ParamsSchema returns the JSON Schema of the parameters.
func (m *Method) ParamsSchema() *Schema { return m.params }

// ResultSchema returns the JSON Schema of the result.
func (m *Method) ResultSchema() *Schema { return m.result() }
