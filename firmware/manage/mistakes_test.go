// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"evener/firmware/audit"
	"evener/firmware/config"
	"evener/firmware/phrase"
)

// Every mistake that the tests of the language know is said in words that the console
// can translate.
func TestEveryMistakeIsSaid(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "config", "testdata", "check", "*.hcl"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v: want all cases of the language", len(files), err)
	}
	n := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, found := Check("box.hcl", text)
		for _, d := range found {
			n++
			if phrase.Mistake(d.Path, d.Msg) == nil {
				t.Errorf("%s: nobody knows what %q says", filepath.Base(file), d.Msg)
			}
		}
	}
	if n < 300 {
		t.Errorf("%d mistakes were found, want all of the cases", n)
	}
}

func TestProblemsSayWhereAndWhat(t *testing.T) {
	var found config.Diagnostics
	found.Add(hcl.Range{}, `pool "shop"`, "queue must be %d to %d, not %d", 0, 9, 10)
	found.Warn(hcl.Range{}, "", "no cluster: nothing is served")
	got := Problems(found)
	whole := got[0].Said["message"]
	why, _ := whole.Args["why"].(phrase.Said)
	if whole.Kind != "mistake.at" || whole.Args["where"] != `pool "shop"` || why.Kind != "mistake.of" || why.Args["keyword"] != "queue" ||
		why.Text != "queue must be 0 to 9, not 10" {
		t.Errorf("Problems said %+v", whole)
	}
	if kind := got[1].Said["message"].Kind; kind != "mistake.no_cluster" {
		t.Errorf("Problems said %q, want mistake.no_cluster", kind)
	}
	many := slices.Repeat(found[1:], 1000)
	if got = Problems(many); len(got) != 1000 || got[maxSaid-1].Said == nil || got[maxSaid].Said != nil {
		t.Errorf("of %d problems more or fewer than %d are said", len(got), maxSaid)
	}
}

func TestTheAuditLogSaysWhatWasDone(t *testing.T) {
	r := auditRecordOf(audit.Record{What: "drain shop/web1", Message: "the audit log is not open; the log of the engine says why"})
	if r.Said["what"].Kind != "did.drain" || r.Said["what"].Args["members"] != "shop/web1" || r.Said["message"].Kind != "audit.closed" {
		t.Errorf("auditRecordOf said %+v", r.Said)
	}
	if r = auditRecordOf(audit.Record{What: "what nobody knows"}); r.Said != nil {
		t.Errorf("auditRecordOf said %+v of what nobody knows", r.Said)
	}
}
