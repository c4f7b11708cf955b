// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"evener/firmware/event"
	"evener/firmware/lb"
	"evener/firmware/persist"
)

func adminOf(d *desk, member string) (state, by string) {
	for _, p := range d.cfg.Balancer.Pools() {
		for _, m := range p.Members {
			if m.Name == member {
				return m.Admin.String(), m.By
			}
		}
	}
	return "", ""
}

func TestRuntimeStatesHoldOnBothBoxes(t *testing.T) {
	left, right, c := newPair(t, 8080)
	left.tellRuntime()
	right.tellRuntime()
	order := lb.Order{By: "ann", Reason: "new disk"}
	if err := left.cfg.Balancer.Disable("shop", "web1", order); err != nil {
		t.Fatal(err)
	}
	if err := left.cfg.Balancer.SetWeight("shop", "web2", 7, order); err != nil {
		t.Fatal(err)
	}
	if state, who := adminOf(right, "web1"); state != "disabled" || who != "ann" {
		t.Errorf("web1 is %s by %s on right, want disabled by ann", state, who)
	}
	if w := right.cfg.Balancer.Pools()[0].Members[1].Hand; w == nil || w.Weight != 7 {
		t.Errorf("web2 has the weight %+v on right, want 7", w)
	}
	if err := right.cfg.Balancer.Enable("shop", "web1", order); err != nil {
		t.Fatal(err)
	}
	if state, _ := adminOf(left, "web1"); state != "enabled" {
		t.Errorf("web1 is %s on left after right has enabled it", state)
	}

	// While they are apart right enables what left has disabled before.
	c.mu.Lock()
	c.cut = true
	c.mu.Unlock()
	if err := left.cfg.Balancer.Disable("shop", "web1", order); err != nil {
		t.Fatal(err)
	}
	if err := right.cfg.Balancer.Disable("shop", "web1", order); err != nil {
		t.Fatal(err)
	}
	if err := right.cfg.Balancer.Enable("shop", "web1", order); err != nil {
		t.Fatal(err)
	}
	snapshot(t, left, right, "runtime")
	snapshot(t, right, left, "runtime")
	for name, d := range map[string]*desk{"left": left, "right": right} {
		if state, _ := adminOf(d, "web1"); state != "enabled" {
			t.Errorf("after both met again web1 is %s on %s, want enabled: that was the last order", state, name)
		}
	}
}

func TestSourcesReachTheOtherBox(t *testing.T) {
	left, right, _ := newPair(t, 8080)
	runStandby(t, left)
	k := persist.SourceKey{Scope: persist.SourceScope("front", "shop"), Addr: netip.MustParseAddr("192.0.2.1")}
	find := func(d *desk) uint64 {
		ref, _ := d.cfg.Balancer.SourceTable().Find(k, time.Now().UnixNano())
		return ref
	}
	// The feed may not follow yet: it looks for peers once a second.
	left.cfg.Balancer.SourceTable().Begin(k, 42, time.Hour, time.Now().UnixNano())
	left.cfg.Balancer.SourceTable().End(k, time.Now().UnixNano())
	await(t, "the record reaches right", func() bool { return find(right) == 42 })
	if done := must[Cleared](left, by("ann"), "persist.clear", args{}); done.Records != 1 || len(done.Problems) != 0 {
		t.Errorf("cleared %+v, want 1 record and no problems", done)
	}
	await(t, "right forgets the record that left was told to forget", func() bool { return find(right) == 0 }) // its end may still be on the way
	left.cfg.Balancer.SourceTable().Begin(k, 5, time.Hour, time.Now().UnixNano())
	snapshot(t, left, right, "sources")
	if find(right) != 5 {
		t.Error("a snapshot does not bring the record")
	}
	if err := tableOf(right, "sources").Apply("left", []MirrorChange{{Key: []byte("x"), Value: []byte("y")}}); err == nil {
		t.Error("a malformed record was taken")
	}
}

func TestRecordsOfWhoBecomesActiveCountMore(t *testing.T) {
	left, right, _ := newPair(t, 8080)
	k := persist.SourceKey{Scope: persist.SourceScope("front", "shop"), Addr: netip.MustParseAddr("192.0.2.1")}
	ahead := time.Now().Add(time.Hour).UnixNano()
	report := func(d *desk, epoch uint64, state string, changes ...HAChange) {
		must[HAPulse](d, theHA, "ha.pulse", args{"report": HAReport{Epoch: epoch, Changes: changes,
			Groups: []HAGroupReport{{Name: "front", State: state}}}})
	}
	expect := func(ref uint64) {
		t.Helper()
		snapshot(t, right, left, "sources")
		snapshot(t, left, right, "sources")
		for name, d := range map[string]*desk{"left": left, "right": right} {
			if got, _ := d.cfg.Balancer.SourceTable().Find(k, time.Now().UnixNano()); got != ref {
				t.Errorf("%s keeps the client on %d, want %d", name, got, ref)
			}
		}
	}
	report(left, 1, HAActive)
	left.cfg.Balancer.SourceTable().Begin(k, 1, 9*time.Hour, time.Now().UnixNano())
	expect(1)
	report(right, 2, HABackup)
	report(right, 2, HAActive)
	right.cfg.Balancer.SourceTable().Begin(k, 2, 9*time.Hour, time.Now().UnixNano())
	left.cfg.Balancer.SourceTable().Begin(k, 4, 9*time.Hour, ahead) // its clock is, and it does not know yet
	expect(2)
	// Reports of left say that it is active, and between two of them it was not.
	report(left, 1, HAActive, HAChange{Number: 1, Time: time.Now(), Group: "front", From: HABackup, To: HAActive, Cause: "advert"})
	left.cfg.Balancer.SourceTable().Begin(k, 3, 9*time.Hour, time.Now().UnixNano())
	right.cfg.Balancer.SourceTable().Begin(k, 5, 9*time.Hour, ahead+int64(time.Hour))
	expect(3)
}

func TestVerdictsOfAPeerAreShownAndUsedWhereThereIsNoneOfOurs(t *testing.T) {
	left, right, _ := newPair(t, 8080)
	left.standby.tables.own.by[""] = map[string]PeerHealth{
		string(memberKey("shop", "web1")): {Health: "down", Reason: "no answer", Since: time.Now()},
		string(memberKey("shop", "web2")): {Health: "up"},
	}
	snapshot(t, left, right, "verdicts")
	pools := must[Pools](right, by("ann"), "pool.list", args{})
	if h := pools.Pools[0].Members[0].Peers["left"]; h.Health != "down" || h.Reason != "no answer" {
		t.Errorf("right shows %+v of left's verdict on web1, want down", h)
	}
	left.standby.tables.own.by[""] = map[string]PeerHealth{}
	snapshot(t, left, right, "verdicts")
	pools = must[Pools](right, by("ann"), "pool.list", args{})
	if h := pools.Pools[0].Members[0].Peers; len(h) != 0 {
		t.Errorf("right still shows %+v that left does not say any more", h)
	}
	if err := tableOf(right, "verdicts").Apply("left", []MirrorChange{{Key: memberKey("shop", "web1"), Value: []byte(`{"health":"fine"}`)}}); err == nil {
		t.Error("a verdict that is none was taken")
	}
}

func TestPairUsesTheKeysOfTheBoxThatCameFirst(t *testing.T) {
	left, right, _ := newPair(t, 8080) // left's first revision is the older one
	mine, err := left.cfg.Store.Secrets(keySecret)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := right.cfg.Store.Secrets(keySecret)
	if err != nil {
		t.Fatal(err)
	}
	snapshot(t, right, left, "keys")
	if now, _ := left.cfg.Store.Secrets(keySecret); !bytes.Equal(now[0], mine[0]) {
		t.Error("left has taken keys of right, which came later")
	}
	snapshot(t, left, right, "keys")
	now, _ := right.cfg.Store.Secrets(keySecret)
	if !bytes.Equal(now[0], mine[0]) || !bytes.Equal(now[1], theirs[0]) {
		t.Error("right has not taken left's key, with its own behind it")
	}
	must[Rotated](right, by("ann"), "persist.rotate", args{})
	rotated, _ := right.cfg.Store.Secret(keySecret)
	if got, _ := left.cfg.Store.Secret(keySecret); !bytes.Equal(got, rotated) || bytes.Equal(got, mine[0]) {
		t.Error("left does not use the key that right has made for both")
	}
	snapshot(t, left, right, "keys")
	if got, _ := right.cfg.Store.Secret(keySecret); !bytes.Equal(got, rotated) {
		t.Error("an older set has come back")
	}
	if got := right.keyOrigin(); got != "left" {
		t.Errorf("the keys are said to be of %q, want left", got)
	}
}

func TestCertificatesReachTheOtherBox(t *testing.T) {
	left, right, _ := newPair(t, 8080)
	told := left.tellItems(nil)
	save := func(d *desk, name, data string) {
		t.Helper()
		if err := d.cfg.Store.Vault().Save(name, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	load := func(d *desk, name string) string {
		data, err := d.cfg.Store.Vault().Load(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	save(left, lb.EABItems+"ca", "c2VjcmV0")
	save(left, PairItems+"identity", "mine alone")
	save(left, "auth/users", "mine too")
	told = left.tellItems(told)
	if got := load(right, lb.EABItems+"ca"); got != "c2VjcmV0" {
		t.Errorf("right has %q of the account's key", got)
	}
	for _, name := range []string{PairItems + "identity", "auth/users"} {
		if got := load(right, name); got != "" {
			t.Errorf("right got %s, which is left's own", name)
		}
		if err := tableOf(right, "certificates").Apply("left", []MirrorChange{{Key: []byte(name), Value: []byte(`{}`)}}); err == nil {
			t.Errorf("right takes %s from a peer", name)
		}
	}
	save(right, lb.EABItems+"ca", "bmV3ZXI")
	snapshot(t, left, right, "certificates")
	if got := load(right, lb.EABItems+"ca"); got != "bmV3ZXI" {
		t.Errorf("the older %q took the place of the newer", got)
	}
	if err := left.cfg.Store.Vault().Delete(lb.EABItems + "ca"); err != nil {
		t.Fatal(err)
	}
	left.tellItems(told)
	if got := load(right, lb.EABItems+"ca"); got != "" {
		t.Errorf("right keeps %q that was removed", got)
	}
}

func TestTimelineTellsOfBothBoxes(t *testing.T) {
	left, right, _ := newPair(t, 8080)
	at := time.Now().Add(-time.Hour).UTC()
	add := func(d *desk, ago time.Duration, k event.Kind, object string, text map[string]any) {
		e := event.New(k, object, text)
		e.Time = at.Add(-ago)
		d.cfg.Events.Add(e)
	}
	add(left, 600*time.Second, event.PortDown, "port/lan1", map[string]any{"port": "lan1", "reason": "long before"})
	add(left, 10*time.Second, event.PortDown, "port/lan1", map[string]any{"port": "lan1", "reason": "cut"})
	add(right, 9*time.Second, event.GroupTakeover, "group/front", map[string]any{"group": "front", "node": "right", "reason": "silence"})
	add(right, 8*time.Second, event.GroupTakeover, "group/back", map[string]any{"group": "back", "node": "right", "reason": "silence"})
	add(right, 2*time.Second, event.LoginFailed, "user/x", map[string]any{"user": "x"})
	snapshot(t, right, left, "timeline")
	get := func(p args) (out []string) {
		for _, e := range must[HATimeline](left, by("ann"), "ha.timeline", p).Entries {
			out = append(out, e.Node+" "+e.Text)
		}
		return out
	}
	want := []string{"right right has taken back over: silence", "right right has taken front over: silence", "left port lan1 has no link any more: cut"}
	if got := get(args{}); !equalText(got, want) {
		t.Errorf("the timeline is %q, want %q", got, want)
	}
	if got := get(args{"group": "front"}); !equalText(got, want[1:]) {
		t.Errorf("of front alone it is %q, want %q", got, want[1:])
	}
	if got := get(args{"limit": 1, "before": at.Add(-8 * time.Second)}); !equalText(got, want[1:2]) {
		t.Errorf("before the takeover of back it is %q, want %q", got, want[1:2])
	}
}

func equalText(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestTimelineOfAPeerIsBounded(t *testing.T) {
	left, _, _ := newPair(t, 8080)
	past := &left.standby.tables.past
	for i := range keptTimeline + 50 {
		value := mustJSON(t, HAEntry{Time: time.Unix(int64(i), 0), Text: "x", Kind: "group.active"})
		if err := past.take("right", MirrorChange{Key: []byte{byte(i), byte(i >> 8)}, Value: value}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(past.by["right"]); n != keptTimeline {
		t.Errorf("%d entries are kept, want %d", n, keptTimeline)
	}
	if _, ok := past.by["right"][string([]byte{0, 0})]; ok {
		t.Error("the oldest was kept")
	}
}

func shareOf(t *testing.T, d *desk) SharedRevision {
	t.Helper()
	s, err := d.Shared(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}
