// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"evener/firmware/manage"
)

// adminText is a box with an http cluster whose member never answers.
const adminText = `
server "s" { address = %q }
pool "p" {
  member "s" {}
}
cluster "c" {
  protocol = "http"
  listen   = [%q]
  pool     = "p"
  persist "cookie" {}
  persist "source" {}
}
responder "r" { status = 200 }
cluster "r" {
  protocol  = "http"
  listen    = [%q]
  responder = "r"
}
`

// result runs a command with -o json.
func result[R any](b *liveBox, args ...string) (r R) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(b.must(append(args, "-o", "json")...)), &r); err != nil {
		b.t.Fatalf("evener %s: %v", strings.Join(args, " "), err)
	}
	return r
}

// outcomes runs commands and compares what they do.
func (b *liveBox) outcomes(list []wantedOutcome) {
	b.t.Helper()
	for _, w := range list {
		o := b.cli(strings.Split(w.command, " ")...)
		if all := o.stdout + o.stderr; o.code != w.code || !strings.Contains(all, w.text) {
			b.t.Errorf("evener %s: exit code %d and\n%s\nwant %d and %q", w.command, o.code, all, w.code, w.text)
		}
	}
}

type wantedOutcome struct {
	command string
	code    int
	text    string
}

func TestCommandsOfAPendingCommit(t *testing.T) {
	origin, _ := silentOrigin(t)
	text := fmt.Sprintf(adminText, origin, loopback(t), loopback(t))
	b := startLive(t, text)
	b.outcomes([]wantedOutcome{
		{"config check", 3, "you have no candidate"},
		{"config check /dev/null", 1, "is empty"},
		{"config extend 5m", 3, ""},
		{"config extend soon", 2, "a duration is written"},
		{"config extend -5m", 2, ""},
	})
	b.commit("# again\n"+text, "--confirm", "10m")
	before := result[manage.History](b, "config", "history").Pending.Deadline
	b.must("config", "extend", "1h")
	after := result[manage.History](b, "config", "history").Pending.Deadline
	if got := after.Sub(before).Round(time.Minute); got != time.Hour {
		t.Errorf("extend 1h moved the deadline by %v", got)
	}
	b.must("config", "confirm")
	b.candidate("# third\n" + text)
	b.outcomes([]wantedOutcome{{"config check", 0, "no mistakes"}})
}

func TestCommandsOfPersistence(t *testing.T) {
	origin, asked := silentOrigin(t)
	addr := loopback(t)
	b := startLive(t, fmt.Sprintf(adminText, origin, addr, loopback(t)))
	hang(t, addr, asked)
	b.outcomes([]wantedOutcome{
		{"persistence clear 192.0.2.1", 0, "0 records forgotten"},
		{"persistence clear --cluster r", 0, "0 records forgotten"},
		{"persistence clear --cluster nowhere", 3, "there are c, r"},
		{"persistence clear here", 2, "must be an address"},
		{"persistence clear --cluster c 127.0.0.1", 0, "1 record forgotten"},
		{"persistence rotate-key", 0, "those of 1 older keys"},
		{"persistence rotate-key", 0, "those of 2 older keys"},
		{"persistence rotate-key", 0, "those of 2 older keys"},
		{"explain --cluster c -H bad GET /", 2, "must be written"},
		{"explain --cluster c TRACE /", 0, "refused with 405 (bad_request): the method is not forwarded"},
	})
}

func TestOpenConnectionsAreShown(t *testing.T) {
	origin, asked := silentOrigin(t)
	addr := loopback(t)
	b := startLive(t, fmt.Sprintf(adminText, origin, addr, loopback(t)))
	c := hang(t, addr, asked)
	list := result[manage.Connections](b, "show", "connections")
	if len(list.Connections) != 1 || list.Open != 1 {
		t.Fatalf("show connections lists %+v", list)
	}
	got := list.Connections[0]
	if got.Client != c.LocalAddr().String() || got.Cluster != "c" || got.Pool+"/"+got.Member != "p/s" ||
		got.State != "active" || got.Request != "GET /" || got.Requests != 1 {
		t.Errorf("the connection is %+v", got)
	}
	b.outcomes([]wantedOutcome{
		{"show connections", 0, "GET /"},
		{"show connections --client 192.0.2.1", 0, "(0 of 1)"},
		{"show connections --client me", 2, "must be an address"},
		{"show connections --cluster x", 3, "there are c, r"},
		{"show connections -n 0", 2, "1 to 1000"},
		{"show traffic", 0, "ACCEPTED"},
	})
}

// TestRotatedKeysSurviveARestart: what the store keeps is what is used.
func TestRotatedKeysSurviveARestart(t *testing.T) {
	origin, _ := silentOrigin(t)
	b := startLive(t, fmt.Sprintf(adminText, origin, loopback(t), loopback(t)))
	cookie := func() string {
		e := result[manage.Explained](b, "explain", "--cluster", "c", "GET", "/")
		return e.SetCookie
	}
	first := cookie()
	b.must("persistence", "rotate-key")
	second := cookie()
	b.must("restart", "engine")
	if third := cookie(); first == second || third != second {
		t.Errorf("the cookie is %q, after the rotation %q, after a restart %q", first, second, third)
	}
}

func TestNamesAreCompleted(t *testing.T) {
	origin, _ := silentOrigin(t)
	b := startLive(t, fmt.Sprintf(adminText, origin, loopback(t), loopback(t)))
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"server", "drain", ""}, "p/s"},
		{[]string{"probe", ""}, "p/s"},
		{[]string{"persistence", "clear", "--cluster", ""}, "c\nr"},
		{[]string{"explain", "--cluster", ""}, "c\nr"},
		{[]string{"persistence", "r"}, "rotate-key"},
	} {
		cmd := b.command(append([]string{"__complete", "--state", b.state}, tt.args...)...)
		cmd.Args = cmd.Args[:len(cmd.Args)-2] // --state comes first here
		out, err := cmd.Output()
		if err != nil || !strings.HasPrefix(string(out), tt.want) {
			t.Errorf("completing %q gives %q, %v; want %q", tt.args, out, err, tt.want)
		}
	}
}

// TestHistoryHasConnectionsOfMembers: the balancer knows them, and is asked.
func TestHistoryHasConnectionsOfMembers(t *testing.T) {
	origin, asked := silentOrigin(t)
	addr := loopback(t)
	b := startLive(t, fmt.Sprintf(adminText, origin, addr, loopback(t)))
	hang(t, addr, asked)
	b.await("the history has the connection", func() bool {
		o := b.cli("show", "history", "member/p/s", "connections", "--last", "10s", "-o", "json")
		var h manage.HistoryTable
		if json.Unmarshal([]byte(o.stdout), &h) != nil || len(h.Columns) != 1 {
			return false
		}
		for _, v := range h.Columns[0] {
			if v != nil && *v == 1 {
				return true
			}
		}
		return false
	})
}
