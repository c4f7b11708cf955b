// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"evener/firmware/phrase"
)

// wireError is an Error as JSON-RPC 2.0 section 5.1 lays it out.
type wireError struct {
	Code    int        `json:"code"`
	Message string     `json:"message"`
	Data    *errorData `json:"data,omitempty"`
}

type errorData struct {
	Kind     string         `json:"kind,omitempty"`
	Path     string         `json:"path,omitempty"`
	Hint     string         `json:"hint,omitempty"`
	Args     map[string]any `json:"args,omitempty"`
	Problems []Problem      `json:"problems,omitempty"`
	Said     phrase.Words   `json:"said,omitempty"` // of the message
}

// MarshalJSON returns e as the error member of an answer.
func (e *Error) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireError{Code: e.Code, Message: e.Message, Data: &errorData{
		Kind: e.Kind, Path: e.Path, Hint: e.Hint, Args: e.Args, Problems: e.Problems,
		Said: phrase.Fields("message", e.Message),
	}})
}

// UnmarshalJSON sets e to the error member of an answer.
func (e *Error) UnmarshalJSON(b []byte) error {
	var w wireError
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*e = Error{Code: w.Code, Message: w.Message}
	if d := w.Data; d != nil {
		e.Kind, e.Path, e.Hint, e.Args, e.Problems = d.Kind, d.Path, d.Hint, d.Args, d.Problems
	}
	return nil
}

// A request is one decoded line from a client.
type request struct {
	id     string // the JSON of the id, such as 7 or "a"; "" is a notification
	method string
	params json.RawMessage // an object, or nil
	meta   meta
}

// maxID is the longest id, in bytes of JSON.
const maxID = 64

// decodeRequest reads one line. The request that comes with an error has the id
// to answer under, if there was a usable one.
func decodeRequest(line []byte) (request, *Error) {
	var r request
	line = bytes.TrimSpace(line)
	switch {
	case len(line) == 0:
		return r, Errorf(CodeParse, "json.syntax", "the line is empty")
	case !utf8.Valid(line):
		return r, Errorf(CodeParse, "json.utf8", "the line is not UTF-8")
	case !json.Valid(line):
		return r, Errorf(CodeParse, "json.syntax", "the line is no JSON: one request is one line")
	case line[0] == '[':
		return r, badRequest("batches are not served: send one request per line")
	case line[0] != '{':
		return r, badRequest("a request is a JSON object")
	}
	members, err := readEnvelope(line)
	if err != nil {
		return r, badRequest("%v", err)
	}
	if id, ok := members["id"]; ok {
		if !usableID(id) {
			return r, badRequest("id must be an integer or a string of at most %d bytes, not %.*s", maxID, maxID, id)
		}
		r.id = string(id)
	}
	return r, r.fill(members)
}

// fill sets everything but the id.
func (r *request) fill(members map[string]json.RawMessage) *Error {
	for name := range members {
		switch name {
		case "jsonrpc", "id", "method", "params", "meta":
		default:
			return badRequest("a request has no member %q%s", name,
				meant(name, []string{"jsonrpc", "id", "method", "params", "meta"}))
		}
	}
	if string(members["jsonrpc"]) != `"2.0"` {
		return badRequest(`"jsonrpc" must be "2.0"`)
	}
	if err := json.Unmarshal(members["method"], &r.method); err != nil || r.method == "" {
		return badRequest(`"method" must be the name of a method`)
	}
	if p, ok := members["params"]; ok {
		if p[0] != '{' {
			return badRequest("params must be an object: parameters are given by name")
		}
		r.params = p
	}
	if m, ok := members["meta"]; ok {
		var err error
		if r.meta, err = decodeMeta(m); err != nil {
			return badRequest("%v", err)
		}
	}
	return nil
}

// readEnvelope splits the JSON object in line, which is valid, into its members.
func readEnvelope(line []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	members := make(map[string]json.RawMessage)
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, errors.New("a member has no name")
		}
		if _, ok := members[name]; ok {
			return nil, fmt.Errorf("member %q stands twice", name)
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		members[name] = v
	}
	return members, nil
}

// usableID says whether id, which is valid JSON, is a string or an integer that
// every client can give back unchanged.
func usableID(id json.RawMessage) bool {
	if len(id) > maxID {
		return false
	}
	if id[0] == '"' {
		return true
	}
	var n int64
	return json.Unmarshal(id, &n) == nil && string(id) != "null"
}

func badRequest(format string, args ...any) *Error {
	return Errorf(CodeRequest, "request.invalid", format, args...)
}

// appendAnswer appends the line that answers the request called id ("" is null).
func appendAnswer(b []byte, id string, result json.RawMessage, e *Error) []byte {
	if id == "" {
		id = "null"
	}
	b = append(b, `{"jsonrpc":"2.0","id":`...)
	b = append(b, id...)
	if e == nil {
		b = append(b, `,"result":`...)
		return append(append(b, result...), '}', '\n')
	}
	msg, err := json.Marshal(e)
	if err != nil { // an Args value that has no JSON
		msg = []byte(`{"code":-32603,"message":"the error of this call could not be written"}`)
	}
	b = append(b, `,"error":`...)
	return append(append(b, msg...), '}', '\n')
}
