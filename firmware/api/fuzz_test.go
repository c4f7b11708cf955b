// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

// seeds are the requests of all transcripts.
func seeds(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if req, ok := strings.CutPrefix(line, "> "); ok {
				f.Add([]byte(strings.TrimSuffix(req, "\n")))
			}
		}
	}
}

// What is taken as a request is one by encoding/json's reading, too, and says
// the same when it is written again; every line gets an answer that is JSON.
func FuzzRequest(f *testing.F) {
	seeds(f)
	reg := newBox(quiet, nil)
	f.Fuzz(func(t *testing.T, line []byte) {
		r, e := decodeRequest(line)
		if e != nil {
			checkAnswer(t, appendAnswer(nil, r.id, nil, e))
			return
		}
		var w struct {
			Version string          `json:"jsonrpc"`
			ID      json.RawMessage `json:"id,omitempty"`
			Method  string          `json:"method"`
			Params  json.RawMessage `json:"params,omitempty"`
		}
		if err := json.Unmarshal(line, &w); err != nil {
			t.Fatalf("%q was taken: %v", line, err)
		}
		if w.Version != "2.0" || w.Method != r.method || string(w.ID) != r.id || !bytes.Equal(w.Params, r.params) {
			t.Fatalf("%q was read as %+v", line, r)
		}
		// Escapes for HTML would make an id longer than it may be.
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(w); err != nil {
			t.Fatal(err)
		}
		again := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
		if r2, e := decodeRequest(again); e != nil || r2.method != r.method {
			t.Fatalf("%q, written again as %q: %v", line, again, e)
		}
		if r.method != "sys.wait" && r.method != "sys.large" {
			res, e := reg.Call(t.Context(), Call{Author: "a", Role: Admin}, r.method, r.params)
			checkAnswer(t, appendAnswer(nil, r.id, res, e))
		}
	})
}

func checkAnswer(t *testing.T, line []byte) {
	t.Helper()
	if bytes.IndexByte(line, '\n') != len(line)-1 || !json.Valid(line) {
		t.Fatalf("answer %q is not one line of JSON", line)
	}
}

// encoding/json would take the bytes and put other characters in their place.
func TestRequestsAreUTF8(t *testing.T) {
	_, e := decodeRequest([]byte("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sys.fail\",\"params\":{\"a\":\"\xff\"}}"))
	if e == nil || e.Kind != "json.utf8" {
		t.Errorf("a request with the byte ff = %v, want json.utf8", e)
	}
}

// Parameters that pass the schema are decoded, apart from what only the types'
// own UnmarshalText and 64-bit limits can tell.
func FuzzParams(f *testing.F) {
	f.Add([]byte(`{"pool":"app","members":[{"name":"a","weight":3}],"labels":{"a":"b"},"count":null}`))
	f.Add([]byte(`{"pool":"app","mode":"drop","deadline":"1m"}`))
	m := newBox(quiet, nil).Method("server.drain")
	f.Fuzz(func(t *testing.T, b []byte) {
		if m.checkParams(b) != nil {
			return
		}
		var p struct {
			drainParams
			Deadline string      `json:"deadline"`
			Count    json.Number `json:"count"`
		}
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		if err := d.Decode(&p); err != nil {
			t.Fatalf("%q passed the schema: %v", b, err)
		}
		if !json.Valid(b) {
			t.Fatalf("%q is no JSON and passed", b)
		}
	})
}

// The distance by its definition: the fewest edits, tried one by one.
func TestNearestAgainstItsDefinition(t *testing.T) {
	var slow func(a, b string) int
	slow = func(a, b string) int {
		if a == "" || b == "" {
			return len(a) + len(b)
		}
		cost := 1
		if a[0] == b[0] {
			cost = 0
		}
		d := min(slow(a[1:], b[1:])+cost, slow(a[1:], b)+1, slow(a, b[1:])+1)
		if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
			d = min(d, slow(a[2:], b[2:])+1)
		}
		return d
	}
	rng := rand.New(rand.NewPCG(1, 1))
	word := func() string {
		b := make([]byte, rng.IntN(6))
		for i := range b {
			b[i] = "abc"[rng.IntN(3)]
		}
		return string(b)
	}
	for range 2000 {
		if a, b := word(), word(); edits(a, b) != slow(a, b) {
			t.Fatalf("edits(%q, %q) = %d, want %d", a, b, edits(a, b), slow(a, b))
		}
	}
	if got := nearest("wieght", []string{"width", "weight", "height"}); got != "weight" {
		t.Errorf("nearest = %q, want weight", got)
	}
	if got := nearest("zone", []string{"pool", "mode"}); got != "" {
		t.Errorf("nearest = %q, want none", got)
	}
}
