// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"evener/firmware/api"
)

// A monitor prints objects that change, entries and losses, each on a line.
func TestMonitorPrintsEvents(t *testing.T) {
	var out strings.Builder
	for _, e := range []api.Event{
		{Topic: "state.problems", Seq: 1, Snapshot: json.RawMessage(`{"objects":{"pools/a":{"kind":"down"},"pools/b":{"kind":"slow"}}}`)},
		{Topic: "state.problems", Seq: 2, Data: json.RawMessage(`{"pools/a":null,"pools/b":{"kind":"down"}}`)},
		{Topic: "log.events", Seq: 7, Snapshot: json.RawMessage(`{"seq":7,"entries":[{"what":"x"}]}`)},
		{Topic: "log.events", Seq: 90, Dropped: 82},
		{Topic: "log.events", Seq: 91, Data: json.RawMessage(`{"what":"y"}`)},
		{Topic: "series.live", Seq: 1},
	} {
		if err := printEvent(&out, e, false); err != nil {
			t.Fatal(err)
		}
	}
	got := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d `).ReplaceAllString(out.String(), "")
	const want = "" +
		`state.problems pools/a {"kind":"down"}` + "\n" +
		`state.problems pools/b {"kind":"slow"}` + "\n" +
		`state.problems pools/a gone` + "\n" +
		`state.problems pools/b {"kind":"down"}` + "\n" +
		`log.events - {"what":"x"}` + "\n" +
		`log.events - 82 entries were lost here` + "\n" +
		`log.events - {"what":"y"}` + "\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := printEvent(&out, api.Event{Topic: "state.x", Data: json.RawMessage(`[`)}, false); err == nil {
		t.Error("an event that is no JSON is taken")
	}
}
