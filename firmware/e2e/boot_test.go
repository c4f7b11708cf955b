// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net"
	"strings"
	"testing"

	"evener/firmware/manage"
)

func TestBusyPortAtTheStartIsToldAndTriedAgain(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1")...)
	thief, err := net.Listen("tcp", s.listen)
	if err != nil {
		t.Fatal(err)
	}
	defer thief.Close()
	b := start(t, setup{config: s.text()})
	out := b.attention()
	if !strings.Contains(out, "ATTENTION: revision 1 is not served: ") || !strings.Contains(out, s.listen) {
		t.Errorf("status of a box whose port is taken:\n%s", out)
	}
	for _, args := range [][]string{{"show", "clusters"}, {"show", "servers"}, {"config", "show"}, {"metrics"}} {
		b.must(args...)
	}
	if o := b.cli("explain", "GET", "/"); o.code != 1 {
		t.Errorf("explain without a generation: exit code %d, %s", o.code, o.stderr)
	}
	thief.Close()
	b.await("the freed port is served", func() bool { return len(b.info().Generations) == 1 })
	l := startLoad(t, s.listen, "/", 1)
	l.reach(10)
	l.stop()
	l.clean()
	if i := b.info(); i.Roles[0].Crashes != 0 {
		t.Errorf("the engine crashed: %s", i.Roles[0].LastCrash)
	}
}

func TestBadFirstConfigurationStartsNothing(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1")...)
	b := start(t, setup{config: s.text()})
	bad := b.file + ".bad"
	b.write(bad, "cluster \"x\" {\n  listen = [\"127.0.0.1:http\"]\n}\n")
	o := b.cli("run", "--state", t.TempDir(), "--board", "host", "--config", bad)
	if o.code != 1 || !strings.Contains(o.stderr, ":2:") || !strings.Contains(o.stderr, "is not served") {
		t.Errorf("run with a bad file: exit code %d, %s", o.code, o.stderr)
	}
	if o := b.cli("run", "--board", "toaster"); o.code != 2 || !strings.Contains(o.stderr, "there are") {
		t.Errorf("run on an unknown board: exit code %d, %s", o.code, o.stderr)
	}
}

// TestChangedFileIsNotTakenSilently: a box with revisions goes on with them.
func TestChangedFileIsNotTakenSilently(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1")...)
	b := start(t, setup{config: s.text()})
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	b.write(b.file, "# another\n"+s.text())
	b.run()
	b.await("the box serves", func() bool { return b.call("sys.info", nil, nil) == nil })
	if text := ask[manage.Text](b, "config.text", nil); strings.Contains(text.Text, "# another") {
		t.Error("the changed file was taken without a commit")
	}
	b.await("the log says that the file differs", func() bool { return strings.Contains(string(read(t, b.log)), "differs from --config") })
}
