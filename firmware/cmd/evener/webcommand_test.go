// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/api"
	"evener/firmware/manage"
)

// A webRig is a registry of some methods that commands of the console call.
type webRig struct {
	t   *testing.T
	reg *api.Registry
	web *webCommands

	mu      sync.Mutex // guards what follows
	records []api.Record
	calls   []api.Call // of server.quiesce
	begun   chan struct{}
	ended   chan error
}

const hostileName = "web1\x1b[2J\u009b1m\u202e<b>"

func newWebRig(t *testing.T) *webRig {
	t.Chdir(t.TempDir()) // a command that forgot where it is would look for build/state here
	r := &webRig{t: t, web: &webCommands{slog.New(slog.DiscardHandler)}, begun: make(chan struct{}, 1), ended: make(chan error, 1)}
	r.reg = api.New(slog.New(slog.DiscardHandler), api.Config{Audit: func(rec api.Record) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.records = append(r.records, rec)
	}})
	api.Add(r.reg, api.Method{Name: "pool.list", Purpose: "x", Role: api.Viewer}, func(context.Context, api.Call, struct{}) (manage.Pools, error) {
		m := manage.Member{Name: "web1"}
		return manage.Pools{Pools: []manage.Pool{{Name: "shop", Members: []manage.Member{m}}, {Name: "two words", Members: []manage.Member{m}}}}, nil
	})
	type seqs struct {
		Events []uint64 `json:"events"`
		Note   string   `json:"note,omitempty"`
	}
	api.Add(r.reg, api.Method{Name: "event.ack", Purpose: "x", Role: api.Operator, Effect: api.Runtime, Audit: "ack {events}"},
		func(_ context.Context, c api.Call, p seqs) (manage.Events, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if p.Note == "fail" {
				return manage.Events{}, fmt.Errorf("there is no %s", hostileName)
			}
			r.calls = append(r.calls, c)
			return manage.Events{Events: []manage.Event{{Seq: p.Events[0], Text: p.Note + hostileName}}}, nil
		})
	type named struct {
		Name string `json:"name"`
	}
	api.Add(r.reg, api.Method{Name: "user.delete", Purpose: "x", Role: api.Admin, Sudo: true, Effect: api.System, Audit: "delete {name}"},
		func(context.Context, api.Call, named) (struct{}, error) { return struct{}{}, nil })
	api.Add(r.reg, api.Method{Name: "certificate.list", Purpose: "x", Role: api.Viewer}, func(context.Context, api.Call, struct{}) (manage.Certificates, error) {
		var out manage.Certificates
		for i := range 3000 {
			out.Certificates = append(out.Certificates, manage.Certificate{Name: fmt.Sprint("c", i), Names: []string{strings.Repeat("ä", 50)}})
		}
		return out, nil
	})
	api.Add(r.reg, api.Method{Name: "rule.list", Purpose: "x", Role: api.Viewer}, func(ctx context.Context, _ api.Call, _ struct{}) (manage.Rules, error) {
		r.begun <- struct{}{}
		<-ctx.Done()
		r.ended <- ctx.Err()
		return manage.Rules{}, ctx.Err()
	})
	return r
}

var webAnn = api.Call{Author: "ann", Origin: manage.WebOrigin, Role: api.Admin, Remote: "192.0.2.7:1", Session: "s1", Scope: map[string]string{"team": "shop"}}

func (r *webRig) run(who api.Call, line string) manage.CommandOutput {
	r.t.Helper()
	out, err := r.web.Run(r.t.Context(), r.reg, who, line)
	if err != nil {
		r.t.Fatalf("%s: %v", line, err)
	}
	return out
}

func TestWebCommandHasTheRightsOfItsSession(t *testing.T) {
	r := newWebRig(t)
	out := r.run(webAnn, `evener events ack 7 --note "it's \ all right"`)
	if out.Exit != 0 || !strings.Contains(out.Output, `it's \ all right`) {
		t.Fatalf("ack: %+v", out)
	}
	r.mu.Lock()
	if len(r.calls) != 1 || fmt.Sprint(r.calls[0]) != fmt.Sprint(webAnn) {
		t.Errorf("the method was called by %+v, want %+v", r.calls, webAnn)
	}
	if len(r.records) == 0 || fmt.Sprint(r.records[0].Call) != fmt.Sprint(webAnn) {
		t.Errorf("the audit log has %+v", r.records)
	}
	r.mu.Unlock()

	viewer := webAnn
	viewer.Role = api.Viewer
	if out := r.run(viewer, "events ack 7"); out.Exit == 0 || !strings.Contains(out.Output, "needs the role operator; ann has viewer") {
		t.Errorf("a viewer: %+v", out)
	}
	_, err := r.web.Run(t.Context(), r.reg, webAnn, "user remove bob")
	if err == nil || api.AsError(err).Kind != "auth.sudo" {
		t.Errorf("without the password: %v", err)
	}
	sudo := webAnn
	sudo.Sudo = true
	if out := r.run(sudo, "user remove bob"); out.Exit != 0 || out.Output != "removed\n" {
		t.Errorf("with it: %+v", out)
	}
	if len(r.calls) != 1 {
		t.Errorf("the method was called %d times", len(r.calls))
	}
}

func TestWebCommandPrintsNoOrders(t *testing.T) {
	r := newWebRig(t)
	for _, line := range []string{"events ack 7", "events ack 7 -o json", "events ack 7 --note fail"} {
		out := r.run(webAnn, line)
		if strings.ContainsFunc(out.Output, func(c rune) bool { return c != '\n' && commands(c) }) || !strings.Contains(out.Output, `\u001b[2J\u009b1m\u202e`) {
			t.Errorf("%s prints %q", line, out.Output)
		}
		var back manage.Events
		if strings.HasSuffix(line, "json") && (json.Unmarshal([]byte(out.Output), &back) != nil || back.Events[0].Text != hostileName) {
			t.Errorf("the JSON reads as %+v", back)
		}
	}
	if out := r.run(webAnn, "events ack \u202e"); strings.Contains(out.Output, "\u202e") || out.Exit != 2 {
		t.Errorf("an argument is printed as %+v", out)
	}
	out := r.run(webAnn, "certificate list")
	if !out.Cut || len(out.Output) > maxCommandOutput || len(out.Output) < maxCommandOutput-4 || strings.Contains(out.Output, "\ufffd") {
		t.Errorf("a long output has %d bytes, cut %v", len(out.Output), out.Cut)
	}
}

// No command of the console reads or writes a file, starts a program, asks back or
// speaks to a socket: those that do are not there, by whatever flags.
func TestWebCommandRefuses(t *testing.T) {
	r := newWebRig(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("engine {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ line, want string }{
		{"config set " + file, "does not have"}, {"config edit", "does not have"}, {"config check " + file, "does not have"}, {"config test " + file, "does not have"},
		{"certificate import x " + file, "does not have"}, {"certificate request x x.example", "does not have"}, {"check " + file, "does not have"}, {"fmt -w " + file, "does not have"},
		{"-o json fmt -w " + file, "does not have"}, {"--output=json config set " + file, "does not have"},
		{"run", "does not have"}, {"role engine", "does not have"}, {"flash", "does not have"}, {"panel", "does not have"}, {"console", "does not have"}, {"monitor", "does not have"},
		{"backup " + file, "does not have"}, {"restore " + file, "does not have"}, {"user add eve", "does not have"}, {"user password ann", "does not have"}, {"token create x", "does not have"},
		{"setup-code", "does not have"}, {"audit export", "does not have"}, {"capture save 1 " + file, "does not have"}, {"capture run", "does not have"}, {"ha pair", "does not have"},
		{"support-bundle", "does not have"}, {"upgrade install " + file, "does not have"}, {"metrics", "does not have"}, {"api openapi", "does not have"},
		{"completion bash", "no command"}, {"__complete status", "no command"}, {"nonsense", "no command"}, {"config nonsense", "no command"},
		{"status --state /", "no place here"}, {"--state=/ status", "no place here"}, {"status --state", "flag needs an argument"}, {"--state status backup " + file, "does not have"},
		{"events --follow", "no place here"}, {"events -f", "no place here"}, {"show log | grep x", "no shell"}, {"status > " + file, "no shell"}, {"status; reboot", "no command"},
		{`status "`, "is not closed"}, {"status $(reboot)", "unknown command"}, {"-- backup " + file, "no command"}, {"events ack ../../etc/passwd", "named by its number"},
	} {
		out := r.run(webAnn, tt.line)
		if out.Exit != 2 && out.Exit != 1 || !strings.Contains(out.Output, tt.want) {
			t.Errorf("%s: %d, %q, want %q", tt.line, out.Exit, out.Output, tt.want)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "engine {}\n" {
		t.Errorf("the file is %q, %v", text, err)
	}
	if len(r.calls) != 0 {
		t.Errorf("methods were called: %v", r.calls)
	}
}

// Of what is not on the list there are only groups, which print their help.
func TestWebCommandsAreThoseOfTheSerialConsole(t *testing.T) {
	var left []string
	var walk func(*cobra.Command, string)
	walk = func(cmd *cobra.Command, path string) {
		for _, sub := range cmd.Commands() {
			name := strings.TrimPrefix(path+" "+sub.Name(), " ")
			if !slices.Contains(atSerial, name) {
				left = append(left, name)
			}
			walk(sub, name)
		}
	}
	root := webRoot(newRoot())
	walk(root, "")
	slices.Sort(left)
	groups := []string{"alert", "capture", "certificate", "config", "ha", "persistence", "responder", "server", "session", "show", "throttle", "token", "trust", "user"}
	if !slices.Equal(left, groups) {
		t.Errorf("there are also %v, want %v", left, groups)
	}
	r := newWebRig(t)
	help := r.run(webAnn, "help")
	for _, path := range atSerial {
		if out := r.run(webAnn, path+" --help"); out.Exit != 0 || !strings.Contains(out.Output, "evener "+path) || strings.Contains(out.Output, "--state") || strings.Contains(out.Output, "--follow") {
			t.Errorf("%s --help prints %+v", path, out)
		}
		if !strings.Contains(help.Output, "  "+path+" ") {
			t.Errorf("help lacks %s", path)
		}
	}
	for _, g := range groups {
		if out := r.run(webAnn, g); out.Exit != 0 || !strings.Contains(out.Output, "Usage") {
			t.Errorf("%s prints %+v", g, out)
		}
	}
}

func TestWebCommandEndsWithItsCaller(t *testing.T) {
	r := newWebRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan manage.CommandOutput, 1)
	go func() {
		out, err := r.web.Run(ctx, r.reg, webAnn, "show rules")
		if err != nil {
			t.Error(err)
		}
		done <- out
	}()
	<-r.begun
	cancel()
	select {
	case out := <-done:
		if out.Exit == 0 || out.Output != "" {
			t.Errorf("it prints %+v", out)
		}
	case <-time.After(patience):
		t.Fatal("the command goes on")
	}
	select {
	case err := <-r.ended:
		if err == nil {
			t.Error("the method has ended by itself")
		}
	default:
		t.Error("the command has returned before the method that it called")
	}
}

func TestWebCompletion(t *testing.T) {
	r := newWebRig(t)
	for _, tt := range []struct{ line, replaces, want string }{
		{"sta", "sta", "status"},
		{"evener sta", "sta", "status"},
		{"server dr", "dr", "drain"},
		{"back", "back", ""},
		{"config e", "e", "extend"},
		{"certificate ", "", "list renew show"},
		{"server drain sh", "sh", "shop/web1"},
		{"server drain 'two w", "'two w", "'two words/web1'"},
		{"server drain --dead", "--dead", "--deadline"},
		{"status --st", "--st", ""},
		{"events --fo", "--fo", ""},
		{"status -o ", "", ""},
		{"config set /etc/", "/etc/", ""},
		{"show nonsense ", "", ""},
		{"--no-such-flag ", "", ""},
		{"events --limit ten ", "", ""},
		{"show history --step 5s clu", "clu", ""},
		{"show connections --cluster ", "", ""},
	} {
		got, err := r.web.Complete(t.Context(), r.reg, webAnn, tt.line)
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, c := range got.Completions {
			texts = append(texts, c.Text)
		}
		if got.Replaces != tt.replaces || strings.Join(texts, " ") != tt.want {
			t.Errorf("%q: in place of %q %q, want %q in place of %q", tt.line, got.Replaces, texts, tt.want, tt.replaces)
		}
	}
}

func FuzzCommandWords(f *testing.F) {
	for _, s := range []string{"", "a b", `a "b c" 'd'`, `'`, "a  b ", `x'y'"z"`, "evener status"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, last, raw := partialWords(line)
		if !strings.HasSuffix(line, raw) {
			t.Errorf("the end of %q is not %q", line, raw)
		}
		all, err := commandWords(line)
		if err != nil {
			return
		}
		if raw != "" && !(len(words) == 0 && last == "evener") {
			words = append(words, last)
		}
		if !slices.Equal(words, all) {
			t.Errorf("%q is %q to complete and %q to run", line, words, all)
		}
		var again []string
		for _, w := range all {
			again = append(again, quoted(w))
		}
		if back, err := commandWords("evener " + strings.Join(again, " ")); err != nil || !slices.Equal(back, all) {
			t.Errorf("%q is quoted as %q, which reads as %q, %v", all, again, back, err)
		}
	})
}
