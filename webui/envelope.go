// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// The codes that we answer with ourselves; see docs/manual/api.md.
const (
	codeParse        = -32700
	codeRequest      = -32600
	codeMethod       = -32601
	codeParams       = -32602
	codeInternal     = -32603
	codeUnauthorized = -32001
	codeForbidden    = -32002
	codeThrottled    = -32003
	codeTooMany      = -32004
	codeConflict     = -32010
	codeConfirm      = -32011
	codeLocked       = -32012
	codeGuard        = -32020
	codeValidation   = -32021
	codeNotFound     = -32030
	codeTooLarge     = -32040
	codeCancelled    = -32050
	codeTimeout      = -32051
)

// A fault is the error member of an answer, the engine's or ours.
type fault struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

func (f *fault) Error() string { return f.Message }

// kind returns the stable word for what went wrong, "" if there is none.
func (f *fault) kind() string {
	var d struct {
		Kind string `json:"kind"`
	}
	_ = json.Unmarshal(f.Data, &d) // no object has no kind
	return d.Kind
}

// faultf returns a fault with a formatted message.
func faultf(code int, kind, format string, args ...any) *fault {
	return &fault{code, fmt.Sprintf(format, args...), fmt.Appendf(nil, `{"kind":%q}`, kind)}
}

// errEngineAway is the fault for calls that meet no engine, or lose it.
var errEngineAway = faultf(codeLocked, "engine.restarting",
	"the engine is starting or being replaced: try again in a moment; what this call has done is unknown")

// status returns the HTTP status for the fault.
func (f *fault) status() int {
	switch f.Code {
	case codeParse, codeRequest, codeParams:
		return http.StatusBadRequest
	case codeUnauthorized:
		return http.StatusUnauthorized
	case codeForbidden:
		return http.StatusForbidden
	case codeMethod, codeNotFound:
		return http.StatusNotFound
	case codeConflict, codeConfirm, codeGuard:
		return http.StatusConflict
	case codeTooLarge:
		return http.StatusRequestEntityTooLarge
	case codeValidation:
		return http.StatusUnprocessableEntity
	case codeThrottled, codeTooMany:
		return http.StatusTooManyRequests
	case codeLocked, codeCancelled, codeTimeout:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// meta is what the engine learns about the caller beside the call.
type meta struct {
	Origin string  `json:"origin"`
	Token  *string `json:"token,omitempty"`  // nil: the console itself asks
	Remote string  `json:"remote,omitempty"` // address and port
	Agent  string  `json:"agent,omitempty"`
	Key    string  `json:"key,omitempty"`  // of idempotency
	Lang   string  `json:"lang,omitempty"` // of messages
	Auto   bool    `json:"auto,omitempty"` // nobody is at it: not a use of the session
}

// ourselves is the meta of the console's own calls.
var ourselves = meta{Origin: "console"}

// A request is one call, or a notification if it has no id.
type request struct {
	ID     json.RawMessage // compact
	Method string
	Params json.RawMessage
	Meta   meta
}

// line returns the request as the engine reads it, newline included.
func (q request) line() []byte {
	var b bytes.Buffer
	b.WriteString(`{"jsonrpc":"2.0"`)
	if len(q.ID) > 0 {
		b.WriteString(`,"id":`)
		compact(&b, q.ID)
	}
	b.WriteString(`,"method":`)
	b.Write(mustJSON(q.Method))
	if len(q.Params) > 0 {
		b.WriteString(`,"params":`)
		compact(&b, q.Params)
	}
	b.WriteString(`,"meta":`)
	b.Write(mustJSON(q.Meta))
	b.WriteString("}\n")
	return b.Bytes()
}

// compact writes JSON that is known to be valid without the white space that
// could end a line.
func compact(b *bytes.Buffer, v json.RawMessage) {
	if err := json.Compact(b, v); err != nil {
		panic("webui: a request with broken JSON: " + err.Error())
	}
}

// mustJSON returns the JSON of what always has one.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("webui: " + err.Error())
	}
	return b
}

// httpOnly are the methods whose result has a session's token. Over the
// WebSocket and /rpc a script would see it; the paths named here put it into the
// cookie that no script can read.
var httpOnly = map[string]string{
	"auth.login": "/api/v1/login", "auth.setup": "/api/v1/setup", "auth.handover": "/api/v1/handover",
}

// methodSudo gives a token only where it is asked to: over the WebSocket and /rpc it
// may be called without.
const (
	methodSudo = "auth.sudo"
	sudoPath   = "/api/v1/sudo"
)

// rotates says whether params ask for a new token, in any spelling that a reader
// might take for it.
func rotates(params json.RawMessage) bool {
	members, err := membersOf(params)
	for name, v := range members {
		if strings.EqualFold(name, "rotate") && string(v) != "false" {
			return true
		}
	}
	return len(params) > 0 && err != nil
}

// maxID is the longest id of a request, in bytes of JSON.
const maxID = 64

// readRequest reads what a browser or a program has sent. who replaces its meta,
// of which only key, lang and auto are kept. The request that comes with a fault has the
// id to answer under, if there was a usable one.
func readRequest(msg []byte, who meta) (request, *fault) {
	q := request{Meta: who}
	switch {
	case !utf8.Valid(msg):
		return q, faultf(codeParse, "json.utf8", "the message is not UTF-8")
	case !json.Valid(msg):
		return q, faultf(codeParse, "json.syntax", "the message is no JSON")
	}
	members, err := membersOf(msg)
	if err != nil {
		return q, faultf(codeRequest, "request.invalid", "%v", err)
	}
	if id, ok := members["id"]; ok {
		if !usableID(id) {
			return q, faultf(codeRequest, "request.invalid", "id must be an integer or a string of at most %d bytes", maxID)
		}
		q.ID = id
	}
	return q, q.fill(members)
}

// fill sets everything but the id.
func (q *request) fill(members map[string]json.RawMessage) *fault {
	for name, v := range members {
		switch name {
		case "id":
		case "jsonrpc":
		case "method":
			if json.Unmarshal(v, &q.Method) != nil || q.Method == "" {
				return faultf(codeRequest, "request.invalid", `"method" must be the name of a method`)
			}
		case "params":
			if v[0] != '{' {
				return faultf(codeRequest, "request.invalid", "params must be an object: parameters are given by name")
			}
			q.Params = v
		case "meta":
			if f := q.Meta.take(v); f != nil {
				return f
			}
		default:
			return faultf(codeRequest, "request.invalid", "a request has no member %q", name)
		}
	}
	switch path, tokened := httpOnly[q.Method]; {
	case string(members["jsonrpc"]) != `"2.0"`:
		return faultf(codeRequest, "request.invalid", `"jsonrpc" must be "2.0"`)
	case q.Method == "":
		return faultf(codeRequest, "request.invalid", `"method" is missing`)
	case tokened:
		return faultf(codeForbidden, "method.http_only", "%s is served as POST %s only", q.Method, path)
	case q.Method == methodSudo && rotates(q.Params):
		return faultf(codeForbidden, "method.http_only", "a session gets a new token by POST %s only: leave rotate out", sudoPath)
	case q.Method == "console.settings" || q.Method == "console.report":
		return faultf(codeForbidden, "method.internal", "%s is for the console itself", q.Method)
	}
	return nil
}

// take sets of m what a client may say: the key, the language and auto.
func (m *meta) take(v json.RawMessage) *fault {
	var own struct {
		Key  string `json:"key"`
		Lang string `json:"lang"`
		Auto bool   `json:"auto"`
	}
	if v[0] != '{' || json.Unmarshal(v, &own) != nil {
		return faultf(codeRequest, "request.invalid", `meta must be an object such as {"key": "…", "lang": "en"}`)
	}
	if !plain(own.Key, 128) || !plain(own.Lang, 35) {
		return faultf(codeRequest, "request.invalid", "meta.key and meta.lang must be at most 128 and 35 printable ASCII characters")
	}
	m.Key, m.Lang, m.Auto = own.Key, own.Lang, own.Auto
	return nil
}

// plain says whether s has at most n characters, all printable ASCII.
func plain(s string, n int) bool {
	return len(s) <= n && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// membersOf splits a JSON object, which is valid, into its members. Two of one
// name are a mistake: readers differ on which of them counts.
func membersOf(object []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("a JSON object is needed; batches are not served")
	}
	members := make(map[string]json.RawMessage)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		name := t.(string) // the decoder takes nothing else for a name
		if _, twice := members[name]; twice {
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

// answerLine returns the answer of a request that we refuse ourselves.
func answerLine(id json.RawMessage, f *fault) []byte {
	if len(id) == 0 {
		id = json.RawMessage("null")
	}
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"error":%s}`, id, mustJSON(f))
}
