// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"encoding/json"
	"strings"
	"testing"

	"evener/firmware/api"
)

// A program that keeps the whole configuration reads it, asks what a text would
// change, and puts it. Doing that again changes nothing.
func TestPutIsPlanAndApply(t *testing.T) {
	d := newDesk(t, deskText)
	ann := by("ann")
	was := must[Text](d, ann, "config.text", args{})
	next := strings.Replace(deskText, "weight = 50", "weight = 70", 1)
	plan := must[Put](d, ann, "config.put", args{"text": next, "base": was.Revision, "dry_run": true})
	if len(plan.Changes) != 1 || plan.Revision.Number != was.Revision {
		t.Errorf("plan = %+v", plan)
	}
	if now := must[Text](d, ann, "config.text", args{}); now.Text != was.Text {
		t.Error("a dry run has changed the configuration")
	}
	put := must[Put](d, ann, "config.put", args{"text": next, "base": was.Revision, "comment": "why"})
	if put.Revision.Number != was.Revision+1 || put.Revision.Author != "ann" || put.Revision.Comment != "why" {
		t.Errorf("put = %+v", put.Revision)
	}
	if now := must[Text](d, ann, "config.text", args{}); now.Text != next {
		t.Errorf("what runs is\n%s", now.Text)
	}
	again := must[Put](d, ann, "config.put", args{"text": next})
	if again.Revision.Number != put.Revision.Number || len(again.Changes) != 0 {
		t.Errorf("again = %+v", again)
	}
	refused(d, ann, "config.put", args{"text": next, "base": was.Revision}, "config.conflict")
	refused(d, ann, "config.put", args{"text": "pool"}, "config.invalid")
}

// Every resource is described, and a REST client can reach what it is told of.
func TestResourcesAreDescribed(t *testing.T) {
	d := newDesk(t, deskText)
	routes := must[[]api.Route](d, by("ann"), "sys.rest", args{})
	if len(routes) != len(resources) {
		t.Errorf("%d routes, want %d", len(routes), len(resources))
	}
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	raw := must[json.RawMessage](d, by("ann"), "sys.openapi", args{})
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	for _, r := range routes {
		if got := doc.Paths[r.Path][strings.ToLower(r.Verb)].OperationID; got != r.Method {
			t.Errorf("%s %s is %q in the document, want %s", r.Verb, r.Path, got, r.Method)
		}
	}
}
