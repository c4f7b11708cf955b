// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"

	"evener/firmware/api"
	"evener/firmware/manage"
)

// typed runs a command with text on its standard input.
func (b *liveBox) typed(text string, args ...string) (string, error) {
	cmd := b.command(args...)
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestCommandsOfUsers administers users of a box that runs, and looks whether they are
// there when its engine was replaced.
func TestCommandsOfUsers(t *testing.T) {
	origin, _ := silentOrigin(t)
	b := startLive(t, fmt.Sprintf(adminText, origin, loopback(t), loopback(t)))
	code := strings.TrimSpace(b.must("setup-code"))
	if !regexp.MustCompile(`^[A-Z]{4}(-[A-Z]{4}){3}$`).MatchString(code) {
		t.Errorf("the set-up code is %q", code)
	}
	if out, err := b.typed("short\n", "user", "add", "alice"); err == nil || !strings.Contains(out, "at least 10 characters") {
		t.Errorf("a short password: %s", out)
	}
	if out, err := b.typed("", "user", "add", "alice"); err == nil || !strings.Contains(out, "no password was given") {
		t.Errorf("no password: %s", out)
	}
	const secret = "correct horse battery"
	for _, args := range [][]string{{"user", "add", "root-of-web", "--role", "admin"}, {"user", "add", "alice", "--role", "editor", "--scope", "team=shop,site=north"}} {
		if out, err := b.typed(secret+"\n", args...); err != nil {
			t.Fatalf("evener %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	session := loginOver(t, b, secret)
	b.outcomes([]wantedOutcome{
		{"setup-code", 0, "has an admin"},
		{"user list", 0, "site=north,team=shop"},
		{"user remove root-of-web", 5, "the only admin"},
		{"user role alice boss", 2, "must be viewer, operator, editor or admin"},
		{"user role alice viewer --everything --scope a=b", 2, "leave --scope out"},
		{"session list", 0, session},
		{"user role alice operator --everything", 0, "operator"},
		{"token create ci --role operator --expires 1h", 0, "evt_t"},
		{"token create ci", 4, "already"},
		{"token create x --expires -1h", 2, "from now"},
		{"token list", 0, "ci"},
		{"throttle list", 0, "FAILURES"},
		{"throttle clear", 0, "0 cleared"},
		{"throttle clear 192.0.2.1", 3, "no failed attempts"},
		{"user reset-totp alice", 4, "off"},
		{"restart engine", 0, ""},
		{"session list --user root-of-web", 0, session},
		{"session revoke " + session, 0, "ended"},
		{"session revoke " + session, 3, ""},
		{"token revoke CI", 0, "revoked"},
		{"token revoke ci", 3, ""},
		{"user remove alice", 0, "removed"},
		{"user remove alice", 3, "there is no user"},
	})
	if u := result[manage.Users](b, "user", "list").Users; len(u) != 1 || u[0].LastLogin.IsZero() || u[0].Sessions != 0 {
		t.Errorf("the users are %+v", u)
	}
	if log := b.printed(); strings.Contains(log, secret) || !strings.Contains(log, "create the user alice as editor") {
		t.Error("the box's log has the password, or lacks the audit")
	}
	if files, _ := exec.Command("grep", "-rl", secret, b.state).Output(); len(files) > 0 {
		t.Errorf("the password is in %s", files)
	}
}

// loginOver logs in over the Unix socket and returns the session's id.
func loginOver(t *testing.T, b *liveBox, secret string) string {
	t.Helper()
	c, err := api.Dial(filepath.Join(b.state, api.EngineSocket))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var in manage.Entered
	if err := c.Call(t.Context(), "auth.login", map[string]string{"user": "root-of-web", "password": secret}, &in); err != nil {
		t.Fatal(err)
	}
	if raw, _ := json.Marshal(in); in.Session == "" || in.Token == "" {
		t.Fatalf("login gives %s", raw)
	}
	return in.Session
}

// TestPasswordsAreNotShown types a password at a terminal.
func TestPasswordsAreNotShown(t *testing.T) {
	for _, tt := range []struct{ name, typed, want, fault string }{
		{"the same twice", "open sesame\nopen sesame\n", "open sesame", ""},
		{"different", "open sesame\nopen seasme\n", "", "the two differ"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ptmx, tty, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer ptmx.Close()
			defer tty.Close()
			cmd := newSetupCode()
			cmd.SetContext(t.Context())
			cmd.SetIn(tty)
			prompts, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer prompts.Close()
			cmd.SetErr(w)
			go func() { // answers each prompt when it is there
				buf := make([]byte, 256)
				for _, line := range strings.SplitAfter(tt.typed, "\n") {
					for {
						n, err := prompts.Read(buf)
						if err != nil {
							return
						}
						if strings.Contains(string(buf[:n]), ": ") {
							break
						}
					}
					ptmx.WriteString(line)
				}
			}()
			got, err := newPassword(cmd, "alice")
			w.Close()
			if got != tt.want || (err != nil) != (tt.fault != "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("newPassword = %q, %v, want %q, %q", got, err, tt.want, tt.fault)
			}
			tty.WriteString("end\n")
			shown := make([]byte, 256)
			n, err := ptmx.Read(shown)
			if err != nil || strings.Contains(string(shown[:n]), "sesame") {
				t.Errorf("the terminal shows %q, %v", shown[:n], err)
			}
		})
	}
}
