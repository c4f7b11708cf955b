// SPDX-License-Identifier: Apache-2.0

package webuitest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// wire is a request as the console must write it.
type wire struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
	Meta    map[string]any  `json:"meta"`
}

type fault struct {
	Code    int            `json:"code"`
	Message string         `json:"message"`
	Data    map[string]any `json:"data"`
}

func refuse(code int, kind string) *fault {
	return &fault{code, "refused: " + kind, map[string]any{"kind": kind}}
}

// check records q and finds fault with its meta. It says whether q is to be
// served.
func (l *link) check(q wire) bool {
	l.e.mu.Lock()
	l.e.seen = append(l.e.seen, Seen{q.Method, q.Params, q.Meta, q.ID == nil})
	l.e.mu.Unlock()
	for name := range q.Meta {
		switch name {
		case "origin", "token", "remote", "agent", "key", "lang", "auto":
		default:
			l.e.fault("%s: meta.%s", q.Method, name)
		}
	}
	if q.Version != "2.0" || q.Meta["origin"] != "console" {
		l.e.fault("%s: jsonrpc %q, meta %v", q.Method, q.Version, q.Meta)
	}
	_, hasToken := q.Meta["token"]
	_, hasRemote := q.Meta["remote"]
	if hasToken != hasRemote {
		l.e.fault("%s: token and remote must come together: %v", q.Method, q.Meta)
	}
	if token, _ := q.Meta["token"].(string); token != "" {
		l.mu.Lock()
		l.tokens[token] = true
		l.mu.Unlock()
	}
	if q.Method == "stream.data" && q.ID == nil { // echoed
		var p map[string]any
		if json.Unmarshal(q.Params, &p) != nil {
			l.e.fault("stream.data: %s", q.Params)
		}
		l.notify("stream.data", p)
	}
	return q.ID != nil
}

// serve answers one call.
func (l *link) serve(ctx context.Context, q wire) {
	if q.Method == "big" {
		l.serveBig(q)
		return
	}
	result, f := l.call(ctx, q)
	if f != nil {
		_ = l.write(map[string]any{"jsonrpc": "2.0", "id": q.ID, "error": f})
		return
	}
	_ = l.write(struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Result  any             `json:"result"`
	}{"2.0", q.ID, result})
}

// serveBig answers with a text of so many bytes, of which the engine holds no
// more than a piece.
func (l *link) serveBig(q wire) {
	var p struct{ Bytes int }
	_ = json.Unmarshal(q.Params, &p)
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	_, err := fmt.Fprintf(l.nc, `{"jsonrpc":"2.0","id":%s,"result":{"text":"`, q.ID)
	for n := 0; p.Bytes > 0 && err == nil; p.Bytes -= n {
		n = min(p.Bytes, len(filling))
		_, err = io.WriteString(l.nc, filling[:n])
	}
	_, _ = io.WriteString(l.nc, "\"}}\n")
}

var filling = strings.Repeat("x", 16<<10)

func (l *link) call(ctx context.Context, q wire) (any, *fault) {
	token, browser := q.Meta["token"].(string)
	l.e.mu.Lock()
	session, known := l.e.sessions[token]
	l.e.mu.Unlock()
	// As the engine does: who has an old token may call what is open to all.
	if browser && token != "" && !known && q.Method != "sys.hello" {
		return nil, refuse(-32001, "auth.session")
	}
	switch q.Method {
	case "console.settings", "console.report":
		if browser {
			l.e.fault("%s: asked in the name of %v", q.Method, q.Meta["remote"])
			return nil, refuse(-32002, "console.only")
		}
		l.e.mu.Lock()
		defer l.e.mu.Unlock()
		if q.Method == "console.report" {
			l.e.reports = append(l.e.reports, q.Params)
			return map[string]any{}, nil
		}
		return l.e.settings, nil
	case "sys.hello":
		if !known {
			return map[string]any{"product": "evener"}, nil
		}
		return map[string]any{"product": "evener", "session": map[string]any{"id": session, "user": "ann"}}, nil
	case "auth.login", "auth.setup", "auth.handover":
		return l.begin(q)
	}
	if !known && browser {
		return nil, refuse(-32001, "auth.required")
	}
	return l.callKnown(ctx, q, token)
}

// begin makes a session for the user ann, and asks bob for a code.
func (l *link) begin(q wire) (any, *fault) {
	var p struct{ User, Password, Code, Token string }
	_ = json.Unmarshal(q.Params, &p)
	switch {
	case p.User == "bob" && p.Code == "":
		return nil, refuse(-32001, "auth.totp")
	case p.Password != "right" && p.Token != "once":
		return nil, refuse(-32001, "auth.denied")
	}
	token := "secret-of-" + q.Method
	l.e.Login(token, "s1")
	return map[string]any{"token": token, "session": "s1", "user": "ann", "role": "admin"}, nil
}

// sudo takes the password again, and gives the session another token if it is asked to.
func (l *link) sudo(q wire, token string) (any, *fault) {
	var p struct {
		Password string
		Rotate   bool
	}
	_ = json.Unmarshal(q.Params, &p)
	switch {
	case p.Password != "right":
		return nil, refuse(-32002, "auth.denied")
	case !p.Rotate:
		return map[string]any{"until": "2026-11-21T11:00:00Z"}, nil
	}
	l.e.Login(token+"-rotated", l.e.session(token))
	return map[string]any{"until": "2026-11-21T11:00:00Z", "token": token + "-rotated"}, nil
}

// callKnown serves who has a session, or the console itself.
func (l *link) callKnown(ctx context.Context, q wire, token string) (any, *fault) {
	var p struct{ Topic string }
	if q.Params != nil && json.Unmarshal(q.Params, &p) != nil {
		p.Topic = "" // parameters of echo may be anything
	}
	switch q.Method {
	case "auth.logout":
		l.e.mu.Lock()
		delete(l.e.sessions, token)
		l.e.mu.Unlock()
		return map[string]any{}, nil
	case "auth.sudo":
		return l.sudo(q, token)
	case "sub.open":
		if p.Topic == "state.console" {
			l.mu.Lock()
			l.own = true
			l.mu.Unlock()
		} else {
			l.e.wg.Go(func() { l.flood(ctx) })
		}
		return map[string]any{"sub": 1, "epoch": "e", "seq": 1}, nil
	case "sub.read":
		return map[string]any{"epoch": "e", "seq": 1, "snapshot": map[string]any{"topic": p.Topic}}, nil
	case "echo":
		return map[string]any{"params": q.Params, "meta": q.Meta}, nil
	case "never":
		<-ctx.Done()
		return nil, refuse(-32050, "cancelled")
	case "conflict":
		return nil, &fault{-32010, "stale", map[string]any{"kind": "conflict", "args": map[string]any{"revision": 7}}}
	case "thing.get":
		return map[string]any{"name": "a", "revision": map[string]any{"number": 7}, "params": q.Params}, nil
	case "thing.set":
		return map[string]any{"params": q.Params, "revision": 8}, nil
	case "sys.rest":
		return json.RawMessage(restTable), nil
	case "sys.openapi":
		return json.RawMessage(openAPI), nil
	}
	return nil, refuse(-32601, "method.unknown")
}

// flood sends events as fast as they are taken.
func (l *link) flood(ctx context.Context) {
	text := strings.Repeat("e", 4<<10)
	for seq := 1; ctx.Err() == nil; seq++ {
		if l.write(note{"2.0", "sub.event", map[string]any{"sub": 1, "seq": seq, "data": text}}) != nil {
			return
		}
		l.e.mu.Lock()
		l.e.events++
		l.e.mu.Unlock()
	}
}

const restTable = `[
	{"verb":"GET","path":"/things/{name}","method":"thing.get","etag":"revision.number"},
	{"verb":"PUT","path":"/things/{name}","method":"thing.set","if_match":"base"},
	{"verb":"GET","path":"/things/all","method":"echo"},
	{"verb":"PATCH","path":"/boxes/{name}","method":"thing.set","if_match":"base","body":"values"},
	{"verb":"POST","path":"/pools/{pool}/members/{name}/drain","method":"thing.set","join":{"member":"{pool}/{name}"}},
	{"verb":"DELETE","path":"/things/{name}","method":"thing.set"},
	{"verb":"GET","path":"/conflict","method":"conflict"},
	{"verb":"POST","path":"/sneaky","method":"auth.login"}
]`

const openAPI = `{"openapi":"3.1.0","paths":{"/boxes/{name}":{"patch":{"parameters":[
	{"name":"dry_run","in":"query","schema":{"type":"boolean"}}]}},"/things/{name}":{"summary":"a thing","get":{"parameters":[
	{"name":"name","in":"path","schema":{"type":"string"}},
	{"name":"revision","in":"query","schema":{"type":"integer"}},
	{"name":"deep","in":"query","schema":{"type":["boolean","null"]}},
	{"name":"tags","in":"query","schema":{"type":"array"}}]}}}}`
