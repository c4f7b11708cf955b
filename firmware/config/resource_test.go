// SPDX-License-Identifier: Apache-2.0

package config

import (
	"encoding/json"
	"strings"
	"testing"
)

// No label has the name of a keyword of its block, and no block that of a keyword of
// the one that it stands in: both are members of one JSON object.
func TestNamesOfBlocksAsJSONAreUnique(t *testing.T) {
	for i := range language {
		b := &language[i]
		if b.Label != "" && b.keyword(b.Label) != nil || blockIn(b.Name, b.Label) != nil {
			t.Errorf("%s: its label and a keyword or block are both called %s", b.Name, b.Label)
		}
		for _, c := range blocksIn(b.Name) {
			if b.keyword(c.Name) != nil {
				t.Errorf("%s: a keyword and a block are both called %s", b.Name, c.Name)
			}
		}
	}
}

// What is read as JSON and put back changes no byte, and what is put in place of
// nothing means the same.
func TestBlocksRoundTripAsJSON(t *testing.T) {
	src := read(t, "testdata/every.hcl")
	root, _ := Objects(src)
	for _, o := range root.Blocks {
		values, err := o.JSON()
		if err != nil {
			t.Errorf("%s: %v", o.Path, err)
			continue
		}
		out, bad := Put(src, o.Path, values)
		if bad != nil || string(out) != string(src) {
			t.Errorf("%s: put back: %v\n%s", o.Path, bad, changed(string(src), string(out)))
		}
		without, bad := RemoveBlock(src, o.Path)
		if bad != nil {
			t.Fatal(bad)
		}
		if o.Step.Index > 0 {
			continue
		}
		again, bad := Put(without, o.Path, values)
		if bad != nil {
			t.Errorf("%s: put anew: %v", o.Path, bad)
			continue
		}
		after, bad := Objects(again)
		if bad.HasErrors() {
			t.Fatal(bad)
		}
		twice, err := after.Find(o.Path).JSON()
		if err != nil || string(rawJSON(twice)) != string(rawJSON(values)) {
			t.Errorf("%s: put anew: %v\n%s\nwant\n%s", o.Path, err, rawJSON(twice), rawJSON(values))
		}
	}
}

const putText = `# the box
server "a" { address = "127.0.0.1:1" } # rack 4

# the shop
pool "shop" {
  policy = "round_robin" # for now
  # a is old
  member "a" { weight = 50 }

  member "b" {}
  queue = 5
}
server "b" { address = "127.0.0.1:2" }
cluster "c" {
  protocol = "http"
  listen   = ["127.0.0.1:80"]
  pool     = "shop"
  # first of all
  rule "one" { when = path("/1") && !method("PUT") }
  rule "two" { when = path("/2") }
  timeouts { connect = "1s" }
}
`

func TestPutChangesNoMoreThanItSays(t *testing.T) {
	for _, test := range []struct {
		name, path, json string
		edits            []string // old, new of putText
	}{
		{"one value", "pool/shop", `{"policy":"round_robin","queue":6,"member":[{"server":"a","weight":50},{"server":"b"}]}`, []string{"queue = 5", "queue = 6"}},
		{"spelled otherwise", "pool/shop", `{"policy":"round_robin","queue":5.0,"member":[{"server":"a","weight":5e1},{"server":"b"}]}`, nil},
		{"a block less, an attribute less", "pool/shop", `{"policy":"round_robin","member":[{"server":"b"}],"queue":null}`,
			[]string{"  # a is old\n  member \"a\" { weight = 50 }\n\n", "", "  queue = 5\n", ""}},
		{"another order", "cluster/c", `{"protocol":"http","listen":["127.0.0.1:80"],"pool":"shop","timeouts":{"connect":"1s"},
			"rule":[{"name":"two","when":"path(\"/2\")"},{"name":"one","when":"path(\"/1\") && !method(\"PUT\")"}]}`,
			[]string{"  # first of all\n  rule \"one\" { when = path(\"/1\") && !method(\"PUT\") }\n  rule \"two\" { when = path(\"/2\") }\n",
				"  rule \"two\" { when = path(\"/2\") }\n\n  # first of all\n  rule \"one\" { when = path(\"/1\") && !method(\"PUT\") }\n"}},
		{"within", "cluster/c/rule/two", `{"when":"path(\"/3\")"}`, []string{`path("/2")`, `path("/3")`}},
		{"a block without a label goes", "cluster/c/rule/two", `{"when":"path(\"/2\")"}`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var values map[string]json.RawMessage
			if err := json.Unmarshal([]byte(test.json), &values); err != nil {
				t.Fatal(err)
			}
			want := strings.NewReplacer(append(test.edits, "\x00", "")...).Replace(putText)
			out, bad := Put([]byte(putText), at(t, test.path), values)
			if bad != nil {
				t.Fatal(bad)
			}
			if noGaps(string(out)) != noGaps(want) || !strings.Contains(string(out), "# rack 4") {
				t.Errorf("%s", changed(want, string(out)))
			}
		})
	}
	for path, text := range map[string]string{
		"pool/shop": `{"polcy":"x"}`, "cluster/c": `{"rule":{"when":"x"}}`, "cluster/c/rule/one": `{"when":{"a":{"b":{"c":[[1]]}}}}`,
		"pool/new": `{"member":[{"weight":1}]}`, "pool/other": `{"member":[{"server":"a","wieght":1}]}`, "server/x": `{"address":"1\n2","labels":[{}`,
	} {
		var values map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &values); err != nil {
			continue
		}
		if out, bad := Put([]byte(putText), at(t, path), values); !bad.HasErrors() || string(out) != putText {
			t.Errorf("Put(%s, %s) = %v, want a refusal", path, text, bad)
		}
	}
}

// noGaps leaves empty lines out: those around a block that moves are not promised.
func noGaps(s string) string {
	for strings.Contains(s, "\n\n") {
		s = strings.ReplaceAll(s, "\n\n", "\n")
	}
	return s
}

// FuzzPut: whatever is put, the blocks that it is not about stay as they are.
func FuzzPut(f *testing.F) {
	f.Add("pool/shop", `{"member":[{"server":"b"},{"server":"a"},{"server":"b","weight":3}],"queue":9}`)
	f.Add("cluster/c", `{"rule":[{"name":"two","when":"x()"},{"name":"three"}],"limits":{"body":"1MiB"},"persist":[{"method":"cookie"}]}`)
	f.Add("cluster/\x86", `{"rule":[{"name":"two"}]}`)
	f.Add("cluster/e\u0301", `{"rule":[{"name":"e\u0301"}]}`) // a letter and its accent apart
	f.Add("cluster/a\x00b", `{}`)
	f.Add("cluster/c/rule/one", `{"when":"path(\"/\")","persist":[]}`)
	f.Fuzz(func(t *testing.T, where, text string) {
		path, err := ParsePath(where)
		var values map[string]json.RawMessage
		if err != nil || len(path) == 0 || json.Unmarshal([]byte(text), &values) != nil || len(text) > 2000 {
			return
		}
		out, bad := Put([]byte(putText), path, values)
		if bad.HasErrors() {
			if string(out) != putText {
				t.Fatal("what was refused has changed the text")
			}
			return
		}
		before, _ := Objects([]byte(putText))
		after, bad := Objects(out)
		if bad.HasErrors() {
			t.Fatalf("the syntax is broken: %v\n%s", bad, out)
		}
		for _, o := range before.Blocks {
			if o.Step != path[0] && (after.Find(o.Path) == nil || after.Find(o.Path).Text != o.Text) {
				t.Fatalf("%s has changed:\n%s", o.Path, out)
			}
		}
		again, err := after.Find(path).JSON()
		if err != nil {
			return // such as an expression that is no plain value
		}
		if twice, bad := Put(out, path, again); bad.HasErrors() || string(twice) != string(out) {
			t.Fatalf("put back, it changes: %v\n%s\n%s", bad, out, twice)
		}
	})
}
