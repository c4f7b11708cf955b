// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evener/firmware/api"
)

func TestSecretsOfTheConfigurationAreHidden(t *testing.T) {
	for line, want := range map[string]string{
		`+  pin       = "274913"`:            `+  pin       = "(removed)"`,
		`-token="abc`:                        `-token="(removed)"`,
		`  pinned = "x"`:                     `  pinned = "x"`,
		`token = "a\"bcd"`:                   `token = "(removed)"`,
		`+persist "cookie" {`:                `+persist "cookie" {`,
		`-    set_header("X-Api-Key", "s9")`: `-    set_header("(removed)", "(removed)")`,
		`+ headers = ["Authorization: Basic YWxpY2U6eHl6"]`: `+ headers = ["Authorization: (removed)"]`,
		``: ``,
	} {
		s := &session{}
		if got := s.masked(line); got != want {
			t.Errorf("masked(%q) = %q, want %q", line, got, want)
		}
	}
}

// secretText is a configuration with secrets in it; none of secretWords may be seen.
const secretText = "+  headers = [\"Authorization: Basic c2VzYW1lb3Blbg==\"]\n" +
	"+  set_header(\"X-Api-Key\", \"xyzzy-plugh\")\n" +
	"+  token = \"quo\\\"ted-one\"\n" +
	"+  note = \"shown\"\n"

var secretWords = []string{"c2VzYW1l", "xyzzy", "quo\\", "ted-one"}

func TestNoSecretOfAConfigurationIsShown(t *testing.T) {
	for name, try := range map[string]struct {
		setup func(b *box)
		types []string
	}{
		"restore": {func(b *box) { b.sup.answers["recovery.diff"] = args{"text": secretText} }, loggedIn("6\r", "2\r")},
		"confirm": {func(b *box) {
			b.eng.answers["sys.info"].(args)["pending"] = args{"revision": 5, "left": "1m20s", "author": "alice", "comment": "try"}
			b.eng.answers["config.diff"] = args{"text": secretText}
		}, loggedIn("7\r")},
		"command line": {func(b *box) {
			b.cfg.Command = func(_ context.Context, _ []string, out io.Writer) error {
				_, err := io.WriteString(out, secretText)
				return err
			}
		}, loggedIn("11\r", "config diff\r")},
		"mistake": {func(b *box) {
			b.cfg.Command = func(_ context.Context, _ []string, out io.Writer) error {
				io.WriteString(out, "shown\n")
				return api.Errorf(api.CodeParams, "config", "in the line token = %q", `quo"ted-one`)
			}
		}, loggedIn("11\r", "config commit\r")},
		"live log": {func(b *box) {
			b.eng.answers["sys.log"] = args{"records": []args{{"time": time.Now(), "level": "WARN", "message": `shown, token = "quo\"ted-one"`,
				"attrs": []args{{"key": "head", "value": "Authorization: Basic c2VzYW1lb3Blbg=="}, {"key": "api_key", "value": "xyzzy-plugh"}}}}, "next": 9}
		}, loggedIn("10\r")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBox()
				try.setup(b)
				b.begin(t)
				b.types(try.types...)
				out := b.shown()
				for _, word := range secretWords {
					if strings.Contains(out, word) {
						t.Errorf("the terminal shows %q:\n%s", word, out)
					}
				}
				if !strings.Contains(out, "shown") || !strings.Contains(out, "(removed)") {
					t.Errorf("what is no secret is not shown:\n%s", out)
				}
				b.hangUp()
			})
		})
	}
}
