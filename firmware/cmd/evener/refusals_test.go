// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"
	"testing"

	"evener/firmware/http2"
	"evener/firmware/l7"
)

// TestManualHasEveryRefusalOfHTTP2 compares the second table of
// docs/manual/traffic.md with the reasons of package http2 as the metrics name
// them, and with what the client gets, both ways.
func TestManualHasEveryRefusalOfHTTP2(t *testing.T) {
	const page = "docs/manual/traffic.md"
	manual := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(h2_\\w+)` \\| ([^|]+) \\| \\S").FindAllStringSubmatch(readTree(t, page), -1) {
		if _, twice := manual[m[1]]; twice {
			t.Errorf("%s: `%s` is there twice", page, m[1])
		}
		manual[m[1]] = m[2]
	}
	for _, r := range http2.Reasons() {
		name := rejectReason(l7.RejectedHTTP2 + int(r))
		want := fmt.Sprintf("RST_STREAM %s", r.Code())
		switch {
		case r.Status() != 0:
			want = fmt.Sprintf("answer %d", r.Status())
		case r <= http2.WindowFlood: // the last that ends a connection
			want = fmt.Sprintf("GOAWAY %s", r.Code())
		}
		switch got, ok := manual[name]; {
		case !ok:
			t.Errorf("%s: the reason `%s` is missing", page, name)
		case got != want:
			t.Errorf("%s: `%s` has %q, not %q", page, name, got, want)
		}
		delete(manual, name)
	}
	for name := range manual {
		t.Errorf("%s: there is no reason `%s`", page, name)
	}
}
