// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"evener/firmware/event"
	"evener/firmware/store"
)

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// revise commits the running text with a change.
func revise(t *testing.T, d *desk, from, to string, p args) Committed {
	t.Helper()
	text := must[SourceText](d, by("ann"), "config.source", args{}).Text
	if !strings.Contains(text, from) {
		t.Fatalf("the text has no %q", from)
	}
	must[Draft](d, by("ann"), "config.set", args{"text": strings.Replace(text, from, to, 1)})
	return must[Committed](d, by("ann"), "config.commit", p)
}

func TestSharedPartIsWhatCounts(t *testing.T) {
	left, right, _ := newPair(t, 8080)
	a, b := shareOf(t, left), shareOf(t, right)
	if a.Text != b.Text || strings.Contains(a.Text, "127.0.0.1:7460") || !strings.Contains(a.Text, `pool "shop"`) {
		t.Fatalf("the shared parts are\n%s\n%s\nwant the same, without the node", a.Text, b.Text)
	}
	revise(t, left, "127.0.0.2:7460", "127.0.0.3:7460", args{})
	if now := shareOf(t, left); now.Number != a.Number || now.Text != a.Text || now.Who != "first" {
		t.Errorf("a commit of the node alone made revision %d by %s of the shared part, want still %d by first", now.Number, now.Who, a.Number)
	}
	revise(t, left, `member "web2" {}`, `member "web2" { weight = 50 }`, args{"comment": "slow"})
	if now := shareOf(t, left); now.Number != 3 || now.Who != "ann" || now.Comment != "slow" {
		t.Errorf("the shared part is of revision %d by %s (%s), want 3 by ann (slow)", now.Number, now.Who, now.Comment)
	}
	revise(t, left, "weight = 50", "weight = 60", args{"confirm": "1h"})
	if now := shareOf(t, left); now.Number != 3 || !strings.Contains(now.Text, "weight = 50") {
		t.Errorf("a commit that waits for its confirm is told: revision %d", now.Number)
	}
	must[Committed](left, by("ann"), "config.confirm", args{})
	if now := shareOf(t, left); now.Number != 4 {
		t.Errorf("after its confirm revision %d counts, want 4", now.Number)
	}
}

func TestRevisionOfAPeerIsCommittedBesideWhatIsOurs(t *testing.T) {
	left, right, c := newPair(t, 8080)
	revise(t, left, `member "web2" {}`, `member "web2" { weight = 50 }`, args{"comment": "slow"})
	s := shareOf(t, left)
	take := SharedTake{Expect: hashOf(shareOf(t, right).Text), Text: s.Text, Peer: "left", Author: s.Who, Comment: s.Comment}
	before := c.end["right"].changed
	if err := right.TakeShared(t.Context(), take); err != nil {
		t.Fatal(err)
	}
	rev := right.cfg.Store.Running()
	if rev.Origin != store.Mirrored || rev.Author != "ann" || rev.Comment != "slow" || rev.Number != 2 {
		t.Errorf("revision %+v, want 2 by ann, from the mirror, with her comment", rev)
	}
	text := must[SourceText](right, by("bob"), "config.source", args{}).Text
	if !strings.Contains(text, `name   = "right"`) || !strings.Contains(text, "weight = 50") || strings.Contains(text, `name   = "left"`) {
		t.Errorf("right's text is\n%s", text)
	}
	if w := right.cfg.Balancer.Pools()[0].Members[1].Configured; w != 50 {
		t.Errorf("right serves web2 with the weight %d, want 50", w)
	}
	if len(right.cfg.Events.Query(event.Filter{Kinds: []string{"config.mirrored"}}, 9, 0)) != 1 {
		t.Error("no event tells of the mirrored revision")
	}
	if c.end["right"].changed == before {
		t.Error("the mirror was not told that the shared part has changed")
	}
	if err := right.TakeShared(t.Context(), take); !errors.Is(err, ErrSharedChanged) {
		t.Errorf("a text for another one than runs gives %v, want ErrSharedChanged", err)
	}
	take.Expect, take.Text = hashOf(s.Text), s.Text+"pool \"bad\" {\n  member \"nobody\" {}\n}\n"
	err := right.TakeShared(t.Context(), take)
	if err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("a text with a mistake gives %v, want the mistake", err)
	}
	revise(t, right, "weight = 50", "weight = 60", args{"confirm": "1h"})
	take.Expect = hashOf(shareOf(t, right).Text)
	take.Text = strings.Replace(s.Text, "weight = 50", "weight = 70", 1)
	if err := right.TakeShared(t.Context(), take); err == nil || !strings.Contains(err.Error(), "waits for its confirm") {
		t.Errorf("while a commit waits for its confirm: %v", err)
	}
}

func TestObjectsOfSharedTextsAreComparedAndTaken(t *testing.T) {
	const base = "server \"a\" { address = \"192.0.2.1:80\" }\nserver \"b\" { address = \"192.0.2.2:80\" }\n"
	mine := strings.Replace(base, "192.0.2.1", "192.0.2.11", 1)
	theirs := strings.Replace(base, "192.0.2.2", "192.0.2.22", 1) + "server \"c\" { address = \"192.0.2.3:80\" }\n"
	list, err := CompareShared(base, mine, theirs)
	if err != nil {
		t.Fatal(err)
	}
	who := map[string]string{}
	for _, d := range list {
		who[d.String()] = d.Who
	}
	if len(who) != 3 || who["server/a"] != "mine" || who["server/b"] != "theirs" || who["server/c"] != "theirs" {
		t.Errorf("differences %v, want a by us, b and c by them", who)
	}
	got, err := MergeShared(mine, theirs, []HAObjRef{{"server", "b"}, {"server", "c"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"192.0.2.11:80", "192.0.2.22:80", "192.0.2.3:80"} {
		if !strings.Contains(got, want) {
			t.Errorf("the merged text lacks %s:\n%s", want, got)
		}
	}
	if got, err = MergeShared(theirs, mine, []HAObjRef{{"server", "c"}}); err != nil || strings.Contains(got, "192.0.2.3") {
		t.Errorf("an object that is not there is to go (%v):\n%s", err, got)
	}
	if _, err := MergeShared(mine, theirs, []HAObjRef{{"server", "z"}}); err == nil {
		t.Error("an object that differs not was taken")
	}
}
