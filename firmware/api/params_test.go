// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"evener/firmware/phrase"
)

type saidParams struct {
	Name  string            `json:"name"`
	Count int               `json:"count,omitempty"`
	Few   uint8             `json:"few,omitempty"`
	Role  Role              `json:"role,omitempty"`
	On    bool              `json:"on,omitempty"`
	List  []string          `json:"list,omitempty"`
	Of    map[string]string `json:"of,omitempty"`
	Wait  Duration          `json:"wait,omitempty"`
}

// A form shows each mistake in parameters beside its field: it must be known what every
// one of them says, and what the whole answer does.
func TestMistakesInParametersAreSaid(t *testing.T) {
	reg := New(quiet, Config{})
	Add(reg, Method{Name: "test.said", Purpose: "Tests.", Role: Viewer}, func(context.Context, Call, saidParams) (struct{}, error) {
		return struct{}{}, nil
	})
	tests := []struct{ params, want string }{
		{`{}`, `param.missing name`},
		{`{"name":7}`, `param.be "name" type.string type.number`},
		{`{"name":"a","name":"b"}`, `param.twice name`},
		{`{"name":"a","count":1.5}`, `param.integer "count" 1.5`},
		{`{"name":"a","count":"1"}`, `param.integer "count" type.string`},
		{`{"name":"a","few":-1}`, `param.more "few" 0 -1`},
		{`{"name":"a","few":256}`, `param.less "few" 255 256`},
		{`{"name":"a","role":"admim"}`, `param.choice_meant "role" list.or admim admin`},
		{`{"name":"a","role":"nobody"}`, `param.choice "role" list.or nobody`},
		{`{"name":"a","on":[]}`, `param.be "on" type.boolean type.array`},
		{`{"name":"a","list":{}}`, `param.be "list" type.array type.object`},
		{`{"name":"a","of":true}`, `param.be "of" type.object type.boolean`},
		{`{"name":"a","cuont":1}`, `param.none_meant cuont count`},
		{`{"name":"a","else":1}`, `param.none else`},
		{`{"name":"a","wait":"5 minutes"}`, `param.duration 5 minutes`},
	}
	for _, tt := range tests {
		m := reg.methods["test.said"]
		e := m.checkParams(json.RawMessage(tt.params))
		if e == nil {
			_, err := m.invoke(t.Context(), Call{}, json.RawMessage(tt.params))
			if !errors.As(err, &e) {
				t.Errorf("%s is taken: %v", tt.params, err)
				continue
			}
		}
		if got := spellParam(e.Problems[0].Said["message"]); got != tt.want {
			t.Errorf("the mistake in %s, %q, says %q, want %q", tt.params, e.Problems[0].Message, got, tt.want)
		}
		if whole, _ := phrase.Of(e.Message); whole.Kind != "join.about" {
			t.Errorf("the answer to %s, %q, is taken for %q", tt.params, e.Message, whole.Kind)
		}
	}
	e := reg.methods["test.said"].checkParams(json.RawMessage(`{"count":"1","few":"2"}`))
	if whole, _ := phrase.Of(e.Message); whole.Kind != "join.more" {
		t.Errorf("the answer with three mistakes, %q, is taken for %q", e.Message, whole.Kind)
	}
}

// spellParam names the kind, and the values in their order in the catalogue.
func spellParam(s phrase.Said) string {
	words := []string{s.Kind}
	for _, p := range phrase.All() {
		if p.Kind != s.Kind {
			continue
		}
		for _, name := range p.Args() {
			if inner, ok := s.Args[name].(phrase.Said); ok {
				words = append(words, inner.Kind)
			} else {
				words = append(words, fmt.Sprint(s.Args[name]))
			}
		}
	}
	return strings.Join(words, " ")
}
