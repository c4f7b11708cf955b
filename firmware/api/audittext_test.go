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
