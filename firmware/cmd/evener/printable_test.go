// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/spf13/cobra"
)

func TestPrintable(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"web1", "web1"},
		{"two\nlines\tand more, 中文, é", "two\nlines\tand more, 中文, é"},
		{"\x1b[2J\x1b]0;title\a", `\u001b[2J\u001b]0;title\u0007`},
		{"\u009b2J", `\u009b2J`}, // the same in one character, which net/http lets through
		{"over\rwritten\x7f", `over\u000dwritten\u007f`},
		{"user\u202etxt.exe", `user\u202etxt.exe`},
	} {
		if got := printable(tt.in); got != tt.want {
			t.Errorf("printable(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// What others have named must neither command the terminal nor make a row.
func TestShowPrintsNoCommands(t *testing.T) {
	const agent = "curl\x1b[2J\u009b1m\nroot admin"
	for format, want := range map[string]string{
		"table": "AGENT\ncurl\\u001b[2J\\u009b1m root admin\n",
		"json":  "{\n  \"agent\": \"curl\\u001b[2J\\u009b1m\\nroot admin\"\n}\n",
	} {
		var out bytes.Buffer
		cmd := &cobra.Command{}
		cmd.SetOut(&out)
		cmd.Flags().String("output", format, "")
		err := show(cmd, map[string]string{"agent": agent}, func(w io.Writer) {
			table(w, "AGENT", func(add func(...any)) { add(agent) })
		})
		if err != nil || out.String() != want {
			t.Errorf("%s: %q, %v, want %q", format, out.String(), err, want)
		}
		var back map[string]string
		if format == "json" && (json.Unmarshal(out.Bytes(), &back) != nil || back["agent"] != agent) {
			t.Errorf("the JSON reads as %q", back)
		}
	}
}
