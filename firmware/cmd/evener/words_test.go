// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evener/firmware/api"
)

func TestLatency(t *testing.T) {
	for _, tt := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0s"},
		{999, "999ns"},
		{12099999, "12.1ms"},
		{1234567, "1.23ms"},
		{999999999, "1s"},
		{83456 * time.Millisecond, "1m23.5s"},
	} {
		if got := latency(api.Duration(tt.d)); got != tt.want {
			t.Errorf("latency(%d) = %s, want %s", tt.d, got, tt.want)
		}
	}
}

// TestOnlyNearNamesAreMeant: a wrong word is no reason to guess.
func TestOnlyNearNamesAreMeant(t *testing.T) {
	for _, tt := range []struct{ word, want string }{
		{"foo", "; there are "},
		{"lgo", "; there are "},
		{"serves", "did you mean servers?"},
		{"clusers", "did you mean clusters?"},
		{"cert", "did you mean certificates?"},
	} {
		cmd := newRoot()
		cmd.SetArgs([]string{"show", tt.word})
		if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("show %s: %v, want %q", tt.word, err, tt.want)
		}
	}
}

func TestCheckAsJSON(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		text string
		want int // mistakes and warnings
	}{
		{"server \"s\" { address = \"127.0.0.1:1\" }\npool \"p\" {\n  member \"s\" {}\n  policy = \"round_robbin\"\n}\n", 1},
		{"server \"s\" { address = \"127.0.0.1:1\" }\npool \"p\" {\n  member \"s\" {}\n}\n", 0},
	} {
		file := filepath.Join(dir, "box.hcl")
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs strings.Builder
		cmd := newRoot()
		cmd.SetOut(&out)
		cmd.SetErr(&errs)
		cmd.SetArgs([]string{"check", "-o", "json", file})
		err := cmd.Execute()
		var found []api.Problem
		if bad := json.Unmarshal([]byte(out.String()), &found); bad != nil || found == nil || errs.Len() > 0 {
			t.Fatalf("check -o json prints %q and %q: %v", out.String(), errs.String(), bad)
		}
		mistakes := 0
		for _, p := range found {
			if p.Warning {
				continue
			}
			mistakes++
			if p.File != file || p.Line == 0 {
				t.Errorf("a mistake without a place: %+v", p)
			}
		}
		if mistakes != tt.want || (err != nil) != (tt.want > 0) {
			t.Errorf("check -o json: %d mistakes, %v, want %d: %s", mistakes, err, tt.want, out.String())
		}
	}
}

// TestExamplesOfExplain runs those of the manual on a box with clusters like the
// demo's.
func TestExamplesOfExplain(t *testing.T) {
	origin, _ := silentOrigin(t)
	text := fmt.Sprintf(adminText, origin, loopback(t), loopback(t))
	text = strings.Replace(text[:strings.Index(text, "responder")], `cluster "c"`, `cluster "shop"`, 1)
	text += fmt.Sprintf("cluster \"shop-tls\" {\n  protocol = \"https\"\n  listen = [%q]\n  pool = \"p\"\n}\n", loopback(t))
	b := startLive(t, text)
	file := filepath.Join(t.TempDir(), "candidate.hcl")
	if err := os.WriteFile(file, []byte(text+"# more\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.must("config", "set", file)
	n := 0
	for line := range strings.Lines(readTree(t, "docs/manual/cli.md")) {
		words, ok := strings.CutPrefix(strings.TrimSpace(line), "evener explain ")
		if !ok {
			continue
		}
		n++
		args := []string{"explain"}
		for i, part := range strings.Split(words, "'") {
			if i%2 == 1 {
				args = append(args, part)
			} else {
				args = append(args, strings.Fields(part)...)
			}
		}
		b.must(args...)
	}
	if n < 3 {
		t.Errorf("only %d examples of explain were found", n)
	}
	b.outcomes([]wantedOutcome{
		{"show history cluster/nix", 3, "no history of cluster/nix"},
		{"show history cluster/shop nix", 2, "there are requests, errors"},
	})
	for _, tt := range []struct{ args, want string }{
		{"config rollback ", "1\t"},
		{"config diff 1 ", "1\t"},
		{"restart ", "engine\n"},
		{"show history ", "cluster/shop-tls\n"},
		{"show history ", "member/p/s\n"},
	} {
		cmd := b.command(append([]string{"__complete", "--state", b.state}, strings.Split(tt.args, " ")...)...)
		cmd.Args = cmd.Args[:len(cmd.Args)-2] // --state comes first here
		if out, err := cmd.Output(); err != nil || !strings.Contains(string(out), tt.want) {
			t.Errorf("completion of %q gives %q, %v, want %q", tt.args, out, err, tt.want)
		}
	}
}
