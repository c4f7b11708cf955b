// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"evener/firmware/api"
	"evener/firmware/manage"
)

// TestOperatorsDecisionsOutliveTheEngine sets every runtime state, then restarts
// the engine, kills it, commits, and looks again.
func TestOperatorsDecisionsOutliveTheEngine(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1", "web2", "web3", "web4", "web5")...)
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	b.must("server", "quiesce", "-m", "disk is loud", "shop/web1")
	b.must("server", "drain", "--deadline", "1h", "shop/web2")
	b.must("server", "disable", "shop/web3")
	b.must("server", "weight", "shop/web4", "37")
	b.must("server", "disable", "shop/web5")
	b.must("server", "enable", "shop/web5")
	until := b.member("shop", "web2").Until

	look := func(when string) {
		t.Helper()
		for name, want := range map[string]string{"web1": "quiesced", "web2": "quiesced", "web3": "disabled",
			"web4": "enabled", "web5": "enabled"} {
			if got := b.member("shop", name).Admin; got != want {
				t.Errorf("%s: %s is %s, want %s", when, name, got, want)
			}
		}
		if m := b.member("shop", "web4"); m.Given() != 37 || m.Static != 100 {
			t.Errorf("%s: web4 has weight %d of configured %d, want 37 of 100", when, m.Given(), m.Static)
		}
		if got := b.member("shop", "web2").Until; until.IsZero() || !got.Equal(until) {
			t.Errorf("%s: the drain of web2 ends %v, want %v", when, got, until)
		}
		if why := b.member("shop", "web1").Why; !strings.Contains(why, "disk is loud") {
			t.Errorf("%s: web1 gets no clients because %q, want the operator's reason", when, why)
		}
		for range 12 {
			if got := newVisitor(t, s.listen, "").visit(); got != "web4" && got != "web5" {
				t.Errorf("%s: a client came to %s", when, got)
			}
		}
	}
	look("at once")
	b.must("restart", "engine")
	look("after a restart")
	b.killEngine()
	look("after a kill")
	s.cluster = "  via = false\n"
	b.commit(s.text())
	look("after a commit")
	b.must("server", "weight", "shop/web4", "configured")
	b.killEngine()
	if got := b.member("shop", "web4").Given(); got != 100 {
		t.Errorf("web4 has weight %d, want the configured 100", got)
	}
}

func TestDrainEndsInDisabled(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1", "web2")...)
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	b.must("server", "drain", "--deadline", "2s", "shop/web1")
	b.killEngine() // the deadline outlives it
	b.await("the drained member is disabled", func() bool { return b.member("shop", "web1").Admin == "disabled" })
}

func TestLastMemberIsGuarded(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1", "web2")...)
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	b.must("server", "disable", "shop/web1")
	for _, args := range [][]string{{"disable", "shop/web2"}, {"quiesce", "shop/web2"}, {"drain", "shop/web2"}, {"weight", "shop/web2", "0"}} {
		o := b.cli(append([]string{"server"}, args...)...)
		if o.code != 5 || !strings.Contains(o.stderr, "last usable member") || !strings.Contains(o.stderr, "--force") {
			t.Errorf("server %v: exit code %d, %q; want 5, why, and --force", args, o.code, o.stderr)
		}
	}
	if got := newVisitor(t, s.listen, "").visit(); got != "web2" {
		t.Errorf("the request came to %q, want web2", got)
	}
	b.must("server", "disable", "--force", "shop/web2")
	resp := newVisitor(t, s.listen, "").send("GET", "/", nil)
	if resp.StatusCode != 503 {
		t.Errorf("status %d from a pool without members, want 503", resp.StatusCode)
	}
	if out := b.attention(); !strings.Contains(out, "ATTENTION: pool shop has no usable member") {
		t.Errorf("status of a pool without members:\n%s", out)
	}
	b.must("server", "enable", "shop/web2")
	if got := newVisitor(t, s.listen, "").visit(); got != "web2" {
		t.Errorf("the request came to %q, want web2", got)
	}
}

// TestRestartEndsWhenTheNewEngineAnswers asks a box at once after each restart, as a
// script does, and does not ask twice.
func TestRestartEndsWhenTheNewEngineAnswers(t *testing.T) {
	b := start(t, setup{config: newSite(t, newOrigins(t, "web1")...).text()})
	for range 3 {
		old := b.info().PID
		b.must("restart", "engine")
		c, err := api.Dial(filepath.Join(b.state, api.EngineSocket))
		if err != nil {
			t.Fatal(err)
		}
		var i manage.Info
		err = c.Call(t.Context(), "sys.info", struct{}{}, &i)
		c.Close()
		if err != nil || i.PID == old {
			t.Fatalf("after the restart of engine %d sys.info answers %d, %v; want another process", old, i.PID, err)
		}
	}
}

// TestCommandsWaitForTheNextEngine has commands typed while engine follows engine.
func TestCommandsWaitForTheNextEngine(t *testing.T) {
	b := start(t, setup{config: newSite(t, newOrigins(t, "web1")...).text()})
	b.usable("shop")
	for range 3 {
		b.kill(b.info().PID)
		b.must("show", "servers")
	}
}
