// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"strings"
	"testing"
)

func TestTryKeepsNothing(t *testing.T) {
	d := newDesk(t, deskText)
	ann := by("ann")
	weigh := func(n any) []args { return []args{{"op": "patch", "path": "pool/shop", "set": args{"queue": n}}} }
	good := must[Tried](d, ann, "config.try", args{"base": 1, "edits": weigh(7)})
	if !strings.Contains(good.Text, "queue = 7") && !strings.Contains(good.Text, "queue  = 7") {
		t.Errorf("the text that would be has no queue of 7:\n%s", good.Text)
	}
	for _, p := range good.Problems {
		if !p.Warning {
			t.Errorf("a good edit has the mistake %+v", p)
		}
	}
	bad := must[Tried](d, ann, "config.try", args{"base": 1, "edits": weigh(-1)})
	if !strings.Contains(string(mustJSON(t, bad.Problems)), "queue") {
		t.Errorf("a queue of -1 has the problems %v", bad.Problems)
	}
	refused(d, ann, "config.candidate", args{}, "config.no_candidate")
	refused(d, ann, "config.try", args{"edits": weigh(7)}, "params.base")
	refused(d, ann, "config.try", args{"base": 1, "edits": []args{{"op": "remove", "path": "pool/none"}}}, "config.edit")

	kept := must[Draft](d, ann, "config.edit", args{"base": 1, "edits": weigh(9)})
	if again := must[Tried](d, ann, "config.try", args{"version": kept.Version, "edits": []args{}}); !strings.Contains(again.Text, "9") {
		t.Errorf("the candidate is not what is tried on:\n%s", again.Text)
	}
	if now := must[Text](d, ann, "config.candidate", args{}); strings.Contains(now.Text, "-1") {
		t.Errorf("something tried was kept:\n%s", now.Text)
	}
}
