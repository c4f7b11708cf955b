// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evener/firmware/manage"
)

// candidate makes text the candidate by the command line.
func (b *box) candidate(text string) {
	b.t.Helper()
	file := filepath.Join(b.t.TempDir(), "candidate.hcl")
	b.write(file, text)
	b.must("config", "set", file)
}

// served returns which variant is served, as a status.
func (b *box) served(s site) int {
	b.t.Helper()
	return newVisitor(b.t, s.listen, "").send("GET", "/variant", nil).StatusCode
}

// confirmSite returns a site whose variant n answers /variant with status 400+n.
func confirmSite(s site, n int) string {
	s.cluster = "  rule \"variant\" {\n    when = pathname(\"/variant\")\n    responder = \"variant\"\n  }\n"
	s.rest = fmt.Sprintf("responder \"variant\" { status = %d }\n", 400+n)
	return s.text()
}

func TestUnconfirmedCommitGoesBackByItself(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1")...)
	b := start(t, setup{config: confirmSite(s, 1)})
	b.candidate(confirmSite(s, 2))
	out := b.must("config", "commit", "--confirm", "10s", "-m", "try")
	if !strings.Contains(out, "taken back in") {
		t.Errorf("commit --confirm said %q", out)
	}
	if got := b.served(s); got != 402 {
		t.Errorf("variant %d is served, want 402", got)
	}
	if out := b.must("status"); !strings.Contains(out, "unless confirmed") {
		t.Errorf("status does not tell of the confirm:\n%s", out)
	}
	b.candidate(confirmSite(s, 3))
	if o := b.cli("config", "commit"); o.code != 4 {
		t.Errorf("a commit while another waits: exit code %d, %q; want 4", o.code, o.stderr)
	}
	b.await("the commit is taken back", func() bool { return b.served(s) == 401 })
	history := b.must("config", "history")
	t.Logf("history after a confirm that did not come:\n%s", history)
	if !strings.Contains(history, "nobody confirmed the commit in time") {
		t.Errorf("the history does not say why:\n%s", history)
	}
}

func TestConfirmedCommitStays(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1")...)
	b := start(t, setup{config: confirmSite(s, 1)})
	b.candidate(confirmSite(s, 2))
	b.must("config", "commit", "--confirm", "5s")
	b.must("config", "confirm")
	b.killEngine()
	time.Sleep(5500 * time.Millisecond) // longer than the confirm would have waited
	if got := b.served(s); got != 402 {
		t.Errorf("variant %d is served after its confirm, want 402", got)
	}
	if o := b.cli("config", "confirm"); o.code != 3 {
		t.Errorf("a confirm that nobody waits for: exit code %d, %q; want 3", o.code, o.stderr)
	}
}

func TestRevertTakesACommitBackAtOnce(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1")...)
	b := start(t, setup{config: confirmSite(s, 1)})
	b.candidate(confirmSite(s, 2))
	b.must("config", "commit", "--confirm", "1h")
	b.must("config", "revert")
	if got := b.served(s); got != 401 {
		t.Errorf("variant %d is served after a revert, want 401", got)
	}
}

// TestKillInTheConfirmWindowGoesBack: who cannot see the box any more, because
// the commit broke it, must get it back.
func TestKillInTheConfirmWindowGoesBack(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1")...)
	b := start(t, setup{config: confirmSite(s, 1)})
	b.candidate(confirmSite(s, 2))
	b.must("config", "commit", "--confirm", "1h")
	b.killEngine()
	if got := b.served(s); got != 401 {
		t.Errorf("variant %d is served after a kill in the confirm window, want 401", got)
	}
	history := b.must("config", "history")
	t.Logf("history after a kill in the confirm window:\n%s", history)
	if !strings.Contains(history, "restarted before the commit was confirmed") {
		t.Errorf("the history does not say why:\n%s", history)
	}
	if i := b.info(); i.Pending != nil {
		t.Errorf("revision %d still waits for its confirm", i.Pending.Revision)
	}
}

// TestRestartInTheConfirmWindowKeepsIt: a planned restart is no crash.
func TestRestartInTheConfirmWindowKeepsIt(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1")...)
	b := start(t, setup{config: confirmSite(s, 1)})
	b.candidate(confirmSite(s, 2))
	b.must("config", "commit", "--confirm", "15s")
	b.must("restart", "engine")
	if got := b.served(s); got != 402 {
		t.Errorf("variant %d is served after a restart in the confirm window, want 402", got)
	}
	if i := b.info(); i.Pending == nil {
		t.Error("nothing waits for a confirm after the restart")
	}
	b.await("the commit is taken back", func() bool { return b.served(s) == 401 })
}

func TestSecondAuthorMeetsAConflict(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1")...)
	b := start(t, setup{config: confirmSite(s, 1)})
	b.commit(confirmSite(s, 0))
	b.candidate(confirmSite(s, 2)) // on revision 2
	ask[manage.Committed](b, "config.rollback", map[string]any{"revision": 1, "comment": "the other author"})
	o := b.cli("config", "commit")
	if o.code != 4 || !strings.Contains(o.stderr, "revision 3 runs") || !strings.Contains(o.stderr, "the other author") {
		t.Errorf("commit on an old base: exit code %d, %q; want 4, and who changed what", o.code, o.stderr)
	}
	if got := b.served(s); got != 401 {
		t.Errorf("variant %d is served after a refused commit, want 401", got)
	}
	if !strings.Contains(o.stderr, "evener config rebase") || !strings.Contains(o.stderr, "evener config discard") {
		t.Errorf("commit on an old base does not say how to go on: %q", o.stderr)
	}
	diff := b.must("config", "diff")
	for _, want := range []string{"--- revision 3\n", "-responder \"variant\" { status = 401 }\n",
		"made on revision 2, but revision 3 runs", "--- revision 2\n", "-responder \"variant\" { status = 400 }\n"} {
		if !strings.Contains(diff, want) {
			t.Errorf("config diff lacks %q:\n%s", want, diff)
		}
	}
	// The refused text is not lost, and can be made anew on what runs.
	text := b.must("config", "show", "--candidate")
	if text != confirmSite(s, 2) {
		t.Errorf("the candidate is now\n%s", text)
	}
	if o := b.cliWith(text, "config", "set", "-"); o.code != 0 {
		t.Fatalf("config set: %s", o.stderr)
	}
	b.must("config", "commit")
	if got := b.served(s); got != 402 {
		t.Errorf("variant %d is served, want 402", got)
	}
}

func TestRollbackServesTheOldText(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1")...)
	b := start(t, setup{config: confirmSite(s, 1)})
	b.candidate(confirmSite(s, 2))
	diff := b.must("config", "diff")
	if !strings.Contains(diff, "-responder \"variant\" { status = 401 }") || !strings.Contains(diff, "+responder \"variant\" { status = 402 }") {
		t.Errorf("diff of the candidate:\n%s", diff)
	}
	b.must("config", "commit")
	b.must("config", "rollback", "1", "-m", "it was better before")
	if got := b.served(s); got != 401 {
		t.Errorf("variant %d is served after the rollback, want 401", got)
	}
	if out := b.must("config", "diff", "1", "3"); !strings.Contains(out, "nothing differs") {
		t.Errorf("diff of revision 1 and its copy 3:\n%s", out)
	}
	if out := b.must("config", "history"); !strings.Contains(out, "(text of revision 1) it was better before") {
		t.Errorf("history:\n%s", out)
	}
	if o := b.cli("config", "rollback", "99"); o.code != 3 {
		t.Errorf("rollback to a revision that is not there: exit code %d, %q; want 3", o.code, o.stderr)
	}
}

func TestCommitWithABusyPortChangesNothing(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1")...)
	b := start(t, setup{config: confirmSite(s, 1)})
	thief, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", freePort(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer thief.Close()
	b.usable("shop")
	l := startLoad(t, s.listen, "/", 4)
	next := confirmSite(s, 2) + fmt.Sprintf("cluster \"more\" {\n  protocol = \"http\"\n  listen = [%q]\n  pool = \"shop\"\n}\n", thief.Addr())
	b.candidate(next)
	for _, args := range [][]string{{"config", "commit"}, {"config", "commit", "--confirm", "1m"}} {
		o := b.cli(args...)
		if o.code != 1 || !strings.Contains(o.stderr, thief.Addr().String()) || !strings.Contains(o.stderr, "in use") {
			t.Errorf("%v with a busy port: exit code %d, %q; want 1 and the address", args, o.code, o.stderr)
		}
		if got := b.served(s); got != 401 {
			t.Errorf("variant %d is served, want 401", got)
		}
		if text := b.must("config", "show"); text != confirmSite(s, 1) {
			t.Errorf("the running text is\n%s", text)
		}
		if i := b.info(); i.Pending != nil {
			t.Errorf("revision %d waits for a confirm", i.Pending.Revision)
		}
	}
	if n := len(ask[manage.History](b, "config.history", nil).Revisions); n != 1 {
		t.Errorf("the history has %d revisions, want the one that was ever served", n)
	}
	b.candidate(confirmSite(s, 2) + fmt.Sprintf("metrics { listen = %q }\n", thief.Addr()))
	if o := b.cli("config", "commit"); o.code != 1 || !strings.Contains(o.stderr, thief.Addr().String()) {
		t.Errorf("commit with a busy port for metrics: exit code %d, %q; want 1 and the address", o.code, o.stderr)
	}
	b.candidate(next)
	thief.Close()
	b.must("config", "commit") // the candidate is still there
	if got := b.served(s); got != 402 {
		t.Errorf("variant %d is served, want 402", got)
	}
	l.stop()
	l.clean()
	if l.stale.Load() != 0 {
		t.Errorf("%s; want no connection closed", l)
	}
}
