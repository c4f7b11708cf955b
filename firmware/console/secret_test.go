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

// TestLastWordsAreForAdministrators has an engine die with something in its last
// words that a stranger must not see, as it is and as it is told by another engine.
func TestLastWordsAreForAdministrators(t *testing.T) {
	for _, dead := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBox()
			crash := `exit status 2; its last words: panic at pool innermost, token = "opensesame"`
			roles := []args{{"name": "engine", "state": "failed", "crashes": 3, "last_crash": crash}}
			b.sup.answers["role.list"] = args{"roles": roles}
			info := b.eng.answers["sys.info"].(args)
			info["roles"], info["problems"] = roles, []string{"engine crashed: " + crash}
			b.eng.dead = dead
			b.begin(t)
			b.types("\r", "1\r")
			if out := b.shown(); strings.Contains(out, "last words") || strings.Contains(out, "innermost") || strings.Count(out, "exit status 2") < 3 {
				t.Errorf("dead %t: a stranger sees\n%s", dead, out)
			}
			b.types("l\r", "alice\r", "good password\r", "1\r")
			if out := b.shown(); !strings.Contains(out, "innermost") || strings.Contains(out, "opensesame") {
				t.Errorf("dead %t: an administrator sees\n%s", dead, out)
			}
			b.hangUp()
		})
	}
}
