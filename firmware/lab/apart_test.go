// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"evener/firmware/manage"
	"evener/firmware/store"
)

// differs says why a box does not show a state of differences with its one peer, in
// which so many sides have changed each object.
func (b *Box) differs(t *testing.T, state string, who map[string]string) error {
	s, err := b.HA(t.Context())
	if err != nil {
		return err
	}
	got := map[string]string{}
	for _, o := range s.Peers[0].Differences.Objects {
		got[o.Block+"/"+o.Name] = o.Who
	}
	if d := s.Peers[0].Differences; d.State != state || fmt.Sprint(got) != fmt.Sprint(who) {
		return fmt.Errorf("box %s shows %q with %v (%s), not %q with %v", b.Name, d.State, got, d.Problem, state, who)
	}
	return nil
}

// kept returns the revisions of a box, the newest first.
func (b *Box) kept(t *testing.T) []store.Revision {
	t.Helper()
	var h manage.History
	must(t, b.Call(t.Context(), "config.history", struct{}{}, &h))
	return h.Revisions
}

// own checks that the text of a box still has its own blocks, and not the other's.
func (b *Box) own(t *testing.T) {
	t.Helper()
	text := b.running(t)
	for _, x := range b.lab.Boxes {
		for _, block := range []string{fmt.Sprintf("listen = \"10.255.0.%d:7460\"", x.index+1), fmt.Sprintf("10.255.0.%d:9443", x.index+1)} {
			if strings.Contains(text, block) != (x == b) {
				t.Errorf("the text of %s has the local line %q of %s: %v", b.Name, block, x.Name, x != b)
			}
		}
	}
}

// replaced returns a text with one part in place of another, which it must have.
func replaced(t *testing.T, text, from, to string) string {
	t.Helper()
	if !strings.Contains(text, from) {
		t.Fatalf("there is no %q in:\n%s", from, text)
	}
	return strings.Replace(text, from, to, 1)
}

// What is changed on one box comes to the other by itself; what is changed on both
// while they are apart waits for a decision and is in the history of its box for ever.
func TestConfigurationsApart(t *testing.T) {
	t.Parallel()
	l := pair(t, Config{})
	left, right := l.Boxes[0], l.Boxes[1]

	t.Run("a commit reaches the other box", func(t *testing.T) {
		left.commit(t, left.running(t)+"\nserver \"web3\" { address = \"198.51.100.11:80\" }\n", "a third server")
		await(t, "the right box runs it", func() error {
			if !strings.Contains(right.running(t), `"web3"`) {
				return errors.New("it has no server web3")
			}
			return nil
		})
		mine, theirs := left.kept(t)[0], right.kept(t)[0]
		if theirs.Comment != "a third server" || theirs.Origin != store.Mirrored || !strings.Contains(theirs.Author, mine.Author) {
			t.Errorf("the right box says of it %+v, the left %+v", theirs, mine)
		}
		left.own(t)
		right.own(t)
	})

	t.Run("a local commit stays", func(t *testing.T) {
		n := len(left.kept(t))
		right.commit(t, replaced(t, right.running(t), `127.0.0.1:9100`, `127.0.0.1:9101`), "my own port")
		await(t, "they are in sync", func() error { return right.inSync(t.Context()) })
		if text := left.running(t); !strings.Contains(text, "127.0.0.1:9100") || len(left.kept(t)) != n {
			t.Errorf("the left box has %d revisions, before %d, and runs:\n%s", len(left.kept(t)), n, text)
		}
	})

	t.Run("both are changed while apart", func(t *testing.T) {
		must(t, l.Unplug(left.Space, Link))
		defer func() { must(t, l.Plug(left.Space, Link)) }()
		for _, b := range l.Boxes {
			await(t, b.Name+" misses its peer", func() error {
				s, err := b.HA(t.Context())
				if err == nil && s.Peers[0].Mirror.Connected {
					err = errors.New("it does not")
				}
				return err
			})
		}
		left.commit(t, replaced(t, left.running(t), "/health", "/left")+"\nserver \"one\" { address = \"198.51.100.11:81\" }\n", "left's way")
		right.commit(t, replaced(t, right.running(t), "/health", "/right")+"\nserver \"two\" { address = \"198.51.100.12:82\" }\n", "right's way")
		must(t, l.Plug(left.Space, Link))
		await(t, "the left box shows the conflict", func() error {
			return left.differs(t, manage.HAConflict, map[string]string{"pool/shop": "both", "server/one": "mine", "server/two": "theirs"})
		})
		await(t, "the right box shows the conflict", func() error {
			return right.differs(t, manage.HAConflict, map[string]string{"pool/shop": "both", "server/one": "theirs", "server/two": "mine"})
		})
		if !strings.Contains(left.running(t), "/left") || !strings.Contains(right.running(t), "/right") {
			t.Error("a box has lost its text before anybody has decided")
		}
	})

	t.Run("the right box's way is taken", func(t *testing.T) {
		must(t, right.Call(t.Context(), "ha.sync.resolve", map[string]string{"peer": "left", "take": "mine"}, nil))
		for _, b := range l.Boxes {
			await(t, b.Name+" is in sync", func() error { return b.inSync(t.Context()) })
			if text := b.running(t); !strings.Contains(text, "/right") || !strings.Contains(text, `"two"`) || strings.Contains(text, `"one"`) {
				t.Errorf("box %s runs:\n%s", b.Name, text)
			}
			b.own(t)
		}
		for b, comment := range map[*Box]string{left: "left's way", right: "right's way"} {
			revisions := b.kept(t)
			at := slices.IndexFunc(revisions, func(r store.Revision) bool { return r.Comment == comment })
			if at < 0 {
				t.Errorf("box %s has lost its revision %q: %+v", b.Name, comment, revisions)
				continue
			}
			var old manage.Text
			must(t, b.Call(t.Context(), "config.text", map[string]uint64{"revision": revisions[at].Number}, &old))
			if want := "/" + b.Name; !strings.Contains(old.Text, want) {
				t.Errorf("revision %q of %s has no %s:\n%s", comment, b.Name, want, old.Text)
			}
		}
	})
}
