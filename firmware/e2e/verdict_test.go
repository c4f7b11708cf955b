// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stored reports whether the box's durable state mentions text.
func (b *box) stored(text string) bool {
	b.t.Helper()
	files, err := filepath.Glob(filepath.Join(b.state, "store", "*"))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range files {
		if data, err := os.ReadFile(f); err == nil && bytes.Contains(data, []byte(text)) {
			return true
		}
	}
	return false
}

// TestAMemberThatIsDownGetsNoClientsBeforeItIsAskedAnew has a member that answers
// requests, but whose probes say that it is sick. It may get none after a commit
// that changes its probe, a restart, a crash or a restart of the whole box.
func TestAMemberThatIsDownGetsNoClientsBeforeItIsAskedAnew(t *testing.T) {
	origins := newOrigins(t, "web1", "web2")
	s := newSite(t, origins...)
	quick := s.text()
	slow := strings.Replace(quick, `interval = "1s"`, `interval = "10s"`, 1)
	b := start(t, setup{config: quick})
	b.usable("shop")
	origins[0].sick.Store(true)
	b.await("web1 is down", func() bool { return b.member("shop", "web1").State == "down" })
	b.await("the verdict is kept", func() bool { return b.stored(`"member":"web1"`) })
	since := b.member("shop", "web1").Since
	look := func(when, reason string) {
		t.Helper()
		for range 12 {
			if got := newVisitor(t, s.listen, "").visit(); got != "web2" {
				t.Fatalf("%s: a client came to %q, which is down", when, got)
			}
		}
		m := b.member("shop", "web1")
		if m.State != "down" || !strings.Contains(m.Reason, reason) || !m.Since.Equal(since) {
			t.Errorf("%s: web1 is %s since %v: %q; want down since %v: %q", when, m.State, m.Since, m.Reason, since, reason)
		}
	}
	b.commit(slow)
	look("after its probe was changed", "503")
	b.must("restart", "engine")
	look("after a restart", "down before the restart: http: ")
	b.killEngine()
	look("after a kill", "down before the restart: http: ")
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	b.run()
	b.await("the box serves again", func() bool { return b.call("sys.info", nil, nil) == nil })
	look("after a restart of the box", "down before the restart: http: ")

	b.commit(quick)
	b.await("web1 is found sick anew", func() bool {
		return !strings.Contains(b.member("shop", "web1").Reason, "before the restart")
	})
	origins[0].sick.Store(false)
	b.killEngine()
	b.await("one good answer brings it back", func() bool { return b.member("shop", "web1").State == "up" })
	b.must("restart", "engine")
	if m := b.member("shop", "web1"); m.Health == "down" {
		t.Errorf("web1 was up before the restart and is down after it: %q", m.Reason)
	}
}
