// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever a browser sends, the engine reads one line that says who calls as the
// console knows it, or nothing.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		`{"jsonrpc":"2.0","id":7,"method":"echo","params":{"a": [1,
	2]},"meta":{"key":"k","lang":"en","token":"x"}}`,
		`{"jsonrpc":"2.0","method":"$/cancel","params":{"id":7}}`,
		`{"jsonrpc":"2.0","id":"\u2028","method":"a\nb"}`,
		`{"jsonrpc":"2.0","id":1,"method":"auth\u002elogin"}`,
		`{"jsonrpc":"2.0","id":1,"method":"echo","meta":{},"meta":{"token":"x"}}`,
		`[]`, ``, `null`, `{"meta":null}`, "{\"id\":\"\xff\"}", strings.Repeat("[", 20000),
	} {
		f.Add([]byte(s))
	}
	token := "the-token"
	who := meta{Origin: "console", Token: &token, Remote: "192.0.2.7:1", Agent: "test"}
	f.Fuzz(func(t *testing.T, msg []byte) {
		q, fault := readRequest(msg, who)
		if fault != nil {
			if a := answerLine(q.ID, fault); !json.Valid(a) || bytes.ContainsRune(a, '\n') {
				t.Fatalf("%q is answered with %q", msg, a)
			}
			return
		}
		line := q.line()
		if n := bytes.IndexByte(line, '\n'); n != len(line)-1 || !utf8.Valid(line) {
			t.Fatalf("%q became %q", msg, line)
		}
		members, err := membersOf(line[:len(line)-1])
		if err != nil {
			t.Fatalf("%q became %q: %v", msg, line, err)
		}
		var in, out struct{ ID, Params any }
		var method string
		var m map[string]string
		if json.Unmarshal(msg, &in) != nil || json.Unmarshal(line, &out) != nil ||
			json.Unmarshal(members["method"], &method) != nil || json.Unmarshal(members["meta"], &m) != nil {
			t.Fatalf("%q became %q", msg, line)
		}
		if _, tokened := httpOnly[method]; tokened || method == "console.settings" || method != q.Method {
			t.Fatalf("%q became %q", msg, line)
		}
		if m["origin"] != "console" || m["token"] != token || m["remote"] != who.Remote || m["agent"] != "test" {
			t.Fatalf("%q became %q", msg, line)
		}
		var exact struct{ ID, Params any }
		own, _ := membersOf(msg)
		_ = json.Unmarshal(own["id"], &exact.ID)
		_ = json.Unmarshal(own["params"], &exact.Params)
		if !reflect.DeepEqual(out, exact) {
			t.Fatalf("%q became %q", msg, line)
		}
	})
}

// A binary message that is taken comes out of the engine's line unchanged.
func FuzzChunk(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 9, 0, 0, 1, 0, 0, 0, 0, 5, 0, 255, '\n'})
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, msg []byte) {
		k, fault := readChunk(msg)
		if fault != nil {
			return
		}
		line := k.request(meta{Origin: "console"}).line()
		n, ok := special(line)
		if !ok || !bytes.Equal(n.Params.chunk.frame(), msg) {
			t.Fatalf("%v became %s", msg, line)
		}
	})
}

// Whatever the engine sends is either acted upon or passed on.
func FuzzSpecial(f *testing.F) {
	for _, s := range []string{
		`{"jsonrpc":"2.0","method":"session.end","params":{"session":"s","kind":"idle"}}`,
		`{"jsonrpc":"2.0","method":"stream.data","params":{"stream":1,"offset":2,"data":"AA=="}}`,
		`{"jsonrpc":"2.0","method":"sub.event","params":{"data":"stream.data"}}`,
		`{"jsonrpc":"2.0","id":"stream.data","result":{"method":"session.end"}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		n, ok := special(line)
		if ok && n.Method != "stream.data" && n.Method != "session.end" {
			t.Fatalf("%q is taken for %q", line, n.Method)
		}
		n.Params.chunk.frame()
	})
}

// No path leads out of the pages, and no head makes reading it fail.
func FuzzPath(f *testing.F) {
	f.Add("/api/v1/things/a%2Fb", "revision=5", `"12"`)
	rows, err := newRows(json.RawMessage(`[{"verb":"GET","path":"/things/{name}","method":"get","if_match":"base"},
		{"verb":"GET","path":"/{a}/{b}/x","method":"get","join":{"c":"{a}/{b}"}}]`), json.RawMessage(`{"paths":{"/things/{name}":{"get":{"parameters":[
		{"name":"revision","schema":{"type":"integer"}},{"name":"f","schema":{"type":"number"}}]}}}}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, query, match string) {
		row, values, _ := find(rows, "GET", path)
		if row == nil {
			return
		}
		params := map[string]json.RawMessage{}
		if row.query(params, query) == nil && row.pathParams(params, values) == nil && row.ifMatch(params, match) == nil {
			for name, v := range params {
				if !json.Valid(v) {
					t.Fatalf("%s: %q is no JSON", name, v)
				}
			}
			_ = request{Method: row.Method, Params: mustJSON(params)}.line()
		}
	})
}
