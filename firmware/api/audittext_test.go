// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/json"
	"testing"
)

func TestAuditTextReadsAsASentence(t *testing.T) {
	m := &Method{Audit: "drain {member} {members} {server} {labels} by {weight}", params: mustSchema("x", typeOf[struct {
		Member  string            `json:"member,omitempty"`
		Members []string          `json:"members,omitempty"`
		Server  string            `json:"server,omitempty"`
		Labels  map[string]string `json:"labels,omitempty"`
		Weight  int               `json:"weight,omitempty"`
	}]())}
	for params, want := range map[string]string{
		`{"member":"shop/web1"}`:                        "drain shop/web1 by",
		`{"members":["shop/web1","api/web1"]}`:          "drain shop/web1, api/web1 by",
		`{"labels":{"team":"shop","a":"b"}}`:            "drain a=b, team=shop by",
		`{"server":"web1","weight":7,"members":[]}`:     "drain web1 by 7",
		`{"member":"a\tb","server":"c\nd","labels":{}}`: "drain a b c d by",
	} {
		if _, got := m.redact(json.RawMessage(params)); got != want {
			t.Errorf("text of %s = %q, want %q", params, got, want)
		}
	}
}

// Of parameters that do not fit, the text says those that do: it never shows its own form,
// nor what may be a secret under a wrong name.
func TestAuditTextOfWrongParams(t *testing.T) {
	m := &Method{Audit: "switch {group} to {node} {members} now: {now} as {key}", params: mustSchema("x", typeOf[struct {
		Group   string   `json:"group"`
		Node    string   `json:"node,omitempty"`
		Members []string `json:"members,omitempty"`
		Now     bool     `json:"now,omitempty"`
		Key     string   `json:"key,omitempty" secret:"true"`
	}]())}
	for params, want := range map[string]string{
		`{}`:                              "switch to now: as",
		`{"group":"front","nod":"right"}`: "switch front to now: as",
		`{"group":"front","node":7,"members":["a",1],"now":"x"}`: "switch front to now: as",
		`{"node":"right","members":["a","b"],"now":true}`:        "switch to right a, b now: true as",
		`{"group":"front","key":"hunter2","kye":"hunter2"}`:      "switch front to now: as ***",
		`["front"]`:       "switch to now: as",
		`{"group":"front`: "switch to now: as",
	} {
		if got := m.auditText(m.fitting(json.RawMessage(params))); got != want {
			t.Errorf("text of %s = %q, want %q", params, got, want)
		}
	}
}

// What is not asked for is not done, and said so.
func TestAuditTextSaysNo(t *testing.T) {
	m := &Method{Audit: "send {size} bytes, downgrade: {downgrade} {maybe}", params: mustSchema("x", typeOf[struct {
		Size      int   `json:"size"`
		Downgrade bool  `json:"downgrade,omitempty"`
		Maybe     *bool `json:"maybe,omitempty"`
	}]())}
	clean, text := m.redact(json.RawMessage(`{"size":1}`))
	if want := "send 1 bytes, downgrade: false"; text != want || string(clean) != `{"size":1}` {
		t.Errorf("text = %q of %s, want %q of what was given", text, clean, want)
	}
}
