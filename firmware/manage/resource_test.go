// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"encoding/json"
	"strings"
	"testing"

	"evener/firmware/api"
	"evener/firmware/config"
)

// A program reads one block, asks what a write would change, writes it, and gets a
// revision for each write; what it does not write stays byte for byte.
func TestResourcesAreWrittenOneByOne(t *testing.T) {
	d := newDesk(t, deskText)
	ann := by("ann")
	text := func() string { return must[Text](d, ann, "config.text", args{}).Text }
	pool := args{"type": "pool", "name": "shop"}
	with := func(more ...args) args {
		out := args{}
		for _, m := range append([]args{pool}, more...) {
			for k, v := range m {
				out[k] = v
			}
		}
		return out
	}
	r := must[Resource](d, ann, "resource.get", pool)
	if r.Path != "pool/shop" || r.Revision != 1 || r.On != "running" ||
		string(r.Values["member"]) != `[{"server":"web1"},{"server":"web2","weight":50}]` || string(r.Values["labels"]) != `{"team":"shop"}` {
		t.Fatalf("read %+v", r)
	}
	same := must[Put](d, ann, "resource.put", with(args{"base": 1, "values": r.Values}))
	if same.Revision.Number != 1 || len(same.Changes) != 0 || text() != deskText {
		t.Errorf("what was read, written back: %+v\n%s", same, text())
	}
	patch := args{"values": args{"queue": 7, "member": []args{{"server": "web1"}, {"server": "web2", "weight": 60}}}}
	plan := must[Put](d, ann, "resource.patch", with(args{"base": 1, "dry_run": true}, patch))
	if len(plan.Changes) != 2 || plan.Revision.Number != 1 || text() != deskText {
		t.Errorf("plan = %+v", plan)
	}
	done := must[Put](d, ann, "resource.patch", with(args{"base": 1, "comment": "why"}, patch))
	want := strings.NewReplacer("weight = 50", "weight = 60", "labels = { team = \"shop\" }\n  member", "labels = { team = \"shop\" }\n  queue = 7\n  member").Replace(deskText)
	if done.Revision.Number != 2 || done.Revision.Comment != "why" || text() != want {
		t.Errorf("patched: %+v\n%s", done.Revision, text())
	}
	refused(d, ann, "resource.patch", with(args{"base": 1}, patch), "config.conflict")
	refused(d, ann, "resource.patch", with(patch), "http.if_match")
	refused(d, ann, "resource.patch", with(args{"base": 2, "values": args{"quue": 1}}), "config.edit")
	refused(d, ann, "resource.patch", with(args{"base": 2, "values": args{"queue": "many"}}), "config.invalid")
	refused(d, ann, "resource.delete", with(args{"base": 2}), "config.invalid") // a cluster needs it
	refused(d, ann, "resource.get", args{"type": "pool", "name": "gone"}, "not_found")
	refused(d, ann, "resource.patch", args{"type": "pool", "name": "gone", "base": 2, "values": args{}}, "not_found")
	refused(d, ann, "resource.delete", args{"type": "pool", "name": "gone", "base": 2}, "not_found")

	made := must[Put](d, ann, "resource.put", args{"type": "server", "name": "new", "base": 2, "values": args{"address": "127.0.0.1:9"}})
	if made.Revision.Number != 3 || !strings.HasPrefix(text(), want[:20]) {
		t.Errorf("made %+v\n%s", made.Revision, text())
	}
	member := args{"type": "pool", "name": "shop", "part": "member", "label": "new"}
	part := func(method string, more args) Put {
		t.Helper()
		for k, v := range member {
			more[k] = v
		}
		return must[Put](d, ann, method, more)
	}
	part("part.put", args{"base": 3, "before": "web1", "values": args{"weight": 9}})
	if got := string(must[Resource](d, ann, "resource.get", pool).Values["member"]); got != `[{"server":"new","weight":9},{"server":"web1"},{"server":"web2","weight":60}]` {
		t.Errorf("members = %s", got)
	}
	part("part.patch", args{"base": 4, "values": args{"weight": nil, "hot_spare": true}})
	if got := must[Resource](d, ann, "part.get", member); len(got.Values) != 1 || string(got.Values["hot_spare"]) != "true" {
		t.Errorf("the member is %+v", got)
	}
	part("part.delete", args{"base": 5})
	must[Put](d, ann, "resource.delete", args{"type": "server", "name": "new", "base": 6})
	dense := strings.NewReplacer("\n\n", "\n") // around a block that came and went, empty lines may differ
	if dense.Replace(text()) != dense.Replace(want) {
		t.Errorf("after all was removed:\n%s\nwant\n%s", text(), want)
	}
}

// With candidate nothing is served, and the commit is the caller's.
func TestResourcesOfACandidate(t *testing.T) {
	d := newDesk(t, deskText)
	ann := by("ann")
	put := must[Put](d, ann, "resource.patch", args{"type": "pool", "name": "shop", "base": 1, "candidate": true, "values": args{"queue": 7}})
	if put.Draft == nil || put.Revision.Number != 1 || len(put.Changes) != 1 {
		t.Fatalf("put = %+v", put)
	}
	must[Put](d, ann, "resource.patch", args{"type": "pool", "name": "shop", "base": 1, "candidate": true, "dry_run": true, "values": args{"queue": 8}})
	if got := must[Resource](d, ann, "resource.get", args{"type": "pool", "name": "shop", "on": "candidate"}); string(got.Values["queue"]) != "7" {
		t.Errorf("the candidate has queue %s, want 7", got.Values["queue"])
	}
	if got := must[Resource](d, ann, "resource.get", args{"type": "pool", "name": "shop"}); got.Values["queue"] != nil {
		t.Errorf("what runs has queue %s", got.Values["queue"])
	}
	if c := must[Committed](d, ann, "config.commit", args{"version": put.Draft.Version}); c.Revision.Number != 2 {
		t.Errorf("committed %+v", c.Revision)
	}
}

// Whose labels do not allow a block writes none of it.
func TestResourcesKeepToTheScope(t *testing.T) {
	d := newDesk(t, deskText)
	ann := by("ann")
	ann.Scope = map[string]string{"team": "api"}
	refused(d, ann, "resource.patch", args{"type": "pool", "name": "shop", "base": 1, "values": args{"queue": 7}}, "auth.scope")
	must[Put](d, ann, "resource.patch", args{"type": "pool", "name": "api", "base": 1, "values": args{"queue": 7}})
}

// Every type is a block of the language with a name, and every part stands somewhere.
func TestResourceTypesAreOfTheLanguage(t *testing.T) {
	for _, w := range ResourceType("").Words() {
		if _, err := config.ParsePath(w + "/x"); err != nil {
			t.Error(err)
		}
	}
	for _, p := range []string{"pool/x/member/y", "cluster/x/rule/y", "cluster/x/test/y"} {
		if _, err := config.ParsePath(p); err != nil {
			t.Error(err)
		}
	}
	d := newDesk(t, deskText)
	e := refused(d, by("ann"), "part.put", args{"type": "pool", "name": "shop", "part": "rule", "label": "x", "base": 1, "values": args{}}, "config.edit")
	if e.Code != api.CodeParams {
		t.Errorf("a rule in a pool: %+v", e)
	}
}

func TestMergedIsRFC7396(t *testing.T) {
	for _, c := range [][3]string{ // of its appendix A
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`}, {`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`}, {`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`}, {`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`}, {`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`}, {`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`}, {`{"a":"x"}`, `{"a":{"b":1}}`, `{"a":{"b":1}}`},
	} {
		var now, patch map[string]json.RawMessage
		if json.Unmarshal([]byte(c[0]), &now) != nil || json.Unmarshal([]byte(c[1]), &patch) != nil {
			t.Fatal(c)
		}
		if got, _ := json.Marshal(merged(now, patch)); string(got) != c[2] {
			t.Errorf("%s with %s = %s, want %s", c[0], c[1], got, c[2])
		}
	}
}
