// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// boardCommand runs evener board.
func boardCommand(args ...string) (string, error) {
	var out bytes.Buffer
	cmd := newRoot()
	cmd.SetArgs(append([]string{"board"}, args...))
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	err := cmd.Execute()
	return out.String(), err
}

func TestBoardCheckTellsWhatIsFoundAndMissing(t *testing.T) {
	const trees = "../../../board/testdata/"
	for _, c := range []struct {
		args    []string
		ok      bool
		found   []string
		missing []string
	}{
		{[]string{"sim"}, true, []string{"port mgmt", "panel", "lamp alarm", "watchdog", "bypass 1-2", "console"}, nil},
		{[]string{"--root", trees + "mx100", "cisco-mx100"}, false, []string{"port mgmt  eth11"}, []string{"watchdog", "lamp", "key reset", "console"}},
		{[]string{"--root", trees + "empty", "cisco-mx100"}, false, nil, []string{"port mgmt  no interface is it: PCI address 0000:03:00.3"}},
		{[]string{"no-such-board"}, false, nil, nil},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			out, err := boardCommand(append([]string{"check", "-o", "json"}, c.args...)...)
			if (err == nil) != c.ok {
				t.Fatalf("error %v, want none: %v", err, c.ok)
			}
			if len(c.found)+len(c.missing) == 0 {
				return
			}
			var r boardReport
			if err := json.Unmarshal([]byte(out), &r); err != nil {
				t.Fatal(err)
			}
			for _, list := range []struct {
				want []string
				have []boardPart
			}{{c.found, r.Found}, {c.missing, r.Missing}} {
				var text strings.Builder
				for _, p := range list.have {
					text.WriteString(p.What + "  " + p.Is + "\n")
				}
				for _, w := range list.want {
					if !strings.Contains(text.String(), w) {
						t.Errorf("%q is not in\n%s", w, text.String())
					}
				}
			}
		})
	}
}

func TestBoardListHasSources(t *testing.T) {
	out, err := boardCommand("list", "--sources")
	if err != nil || !strings.Contains(out, "pcengines-apuv2.c") || !strings.Contains(out, "not known:") {
		t.Errorf("%v\n%s", err, out)
	}
}
