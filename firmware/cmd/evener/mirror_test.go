// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"testing"

	"evener/firmware/api"
	"evener/firmware/manage"
)

// mirrorText is a box called %[1]s with the peer %[3]s.
const mirrorText = `node {
  name   = "%[1]s"
  listen = "%[2]s"
  peer "%[3]s" { address = "%[4]s" }
}
`

const mirrorPool = `
server "web1" { address = "127.0.0.1:1" }

pool "shop" {
  member "web1" {}
}
`

// method calls a method that must succeed.
func method[R any](b *liveBox, name string, params any) R {
	b.t.Helper()
	var out R
	if err := b.ask(api.EngineSocket, name, params, &out); err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
	return out
}

// running returns the text that runs.
func (b *liveBox) running() string {
	b.t.Helper()
	return method[manage.SourceText](b, "config.source", struct{}{}).Text
}

// livePair starts two boxes and pairs them.
func livePair(t *testing.T) (left, right *liveBox) {
	t.Helper()
	at := [2]string{loopback(t), loopback(t)}
	left = startLive(t, fmt.Sprintf(mirrorText, "left", at[0], "right", at[1])+mirrorPool)
	right = startLive(t, fmt.Sprintf(mirrorText, "right", at[1], "left", at[0]))
	pairUp(t, left, right, at[0])
	return left, right
}

// pairUp pairs two boxes: right joins left at its address.
func pairUp(t *testing.T, left, right *liveBox, at string) {
	t.Helper()
	left.await("left's mirror listens", func() bool {
		var p manage.HAPairing
		return left.ask(api.EngineSocket, "ha.pair.begin", struct{}{}, &p) == nil
	})
	right.await("right's mirror joins", func() bool {
		var p manage.HAPairing
		return right.ask(api.EngineSocket, "ha.pair.join", map[string]any{"address": at}, &p) == nil
	})
	var l manage.HAPairing // which has the code when the last word of right has come
	left.await("left shows a code", func() bool {
		l = method[manage.HAPairing](left, "ha.pair.show", struct{}{})
		return l.Phase == "code"
	})
	r := method[manage.HAPairing](right, "ha.pair.show", struct{}{})
	if len(l.Code) != 6 || l.Code != r.Code || l.Fingerprint != r.Own || r.Fingerprint != l.Own {
		t.Fatalf("the boxes show %+v and %+v, want one code and each other's certificate", l, r)
	}
	for _, b := range []*liveBox{left, right} {
		method[manage.HAPairing](b, "ha.pair.confirm", map[string]any{"code_matches": true})
	}
}

// peerIs waits until a box says so of its only peer.
func (b *liveBox) peerIs(what string, done func(manage.HAPeer) bool) {
	b.t.Helper()
	var last manage.HAShow
	b.await(what, func() bool {
		last = manage.HAShow{}
		return b.ask(api.EngineSocket, "ha.show", struct{}{}, &last) == nil && len(last.Peers) == 1 && done(last.Peers[0])
	})
}

func inSync(p manage.HAPeer) bool {
	return p.Mirror.Connected && p.Differences.State == manage.HAInSync
}

func TestPairSharesItsConfigurationAndSurvivesARestart(t *testing.T) {
	left, right := livePair(t)
	left.peerIs("both see that they differ", func(p manage.HAPeer) bool {
		return p.Mirror.Connected && p.Differences.State == manage.HAConflict && len(p.Differences.Objects) == 2
	})
	method[manage.HADifferences](left, "ha.sync.resolve", map[string]any{"peer": "right", "take": "mine"})
	left.peerIs("left is in sync", inSync)
	if text := right.running(); !strings.Contains(text, `pool "shop"`) || !strings.Contains(text, `name   = "right"`) {
		t.Fatalf("right runs\n%s\nwant its own node and left's pool", text)
	}

	// A commit reaches the other box, with its author, and one that waits for its
	// confirm does not.
	left.candidate(strings.Replace(left.running(), `member "web1" {}`, `member "web1" { weight = 55 }`, 1))
	left.must("config", "commit", "--confirm", "10m")
	right.commit(right.running() + "server \"own\" { address = \"127.0.0.1:9\" }\n")
	left.must("config", "revert")
	left.await("right's commit reaches left", func() bool { return strings.Contains(left.running(), `server "own"`) })
	if text := right.running(); strings.Contains(text, "weight = 55") {
		t.Errorf("right runs what was never confirmed on left:\n%s", text)
	}
	if rev := method[struct {
		Revisions []struct{ Origin, Author string }
	}](left, "config.history", struct{}{}).Revisions[0]; rev.Origin != "mirror" || rev.Author == "" {
		t.Errorf("left's newest revision is %+v, want the origin mirror and an author", rev)
	}

	// What an operator orders holds on both.
	left.must("server", "disable", "shop/web1", "--force")
	right.await("web1 is disabled on right", func() bool {
		return method[manage.Pools](right, "pool.list", struct{}{}).Pools[0].Members[0].Admin == "disabled"
	})

	// A new engine goes on with the listener and the pins.
	before := left.engine()
	left.must("restart", "engine")
	left.await("another engine serves", func() bool { now := left.engine(); return now != 0 && now != before })
	right.peerIs("right reaches left again", inSync)
	right.commit(right.running() + "server \"later\" { address = \"127.0.0.1:10\" }\n")
	left.await("a commit reaches the new engine", func() bool { return strings.Contains(left.running(), `server "later"`) })
	left.await("the status has a sentence of the peer", func() bool {
		return strings.Contains(left.cli("status").stdout, "hot standby: peer right is in sync")
	})
	entries := method[manage.HATimeline](left, "ha.timeline", struct{}{}).Entries
	nodes := map[string]bool{}
	for _, e := range entries {
		nodes[e.Node] = true
	}
	if !nodes["left"] || !nodes["right"] {
		t.Errorf("the timeline on left is of %v, want of both boxes", nodes)
	}

	method[manage.HAPairing](left, "ha.unpair", map[string]any{"peer": "right"})
	left.peerIs("left has forgotten right", func(p manage.HAPeer) bool { return !p.Paired && !p.Mirror.Connected })
	right.peerIs("right does not reach left any more", func(p manage.HAPeer) bool { return !p.Mirror.Connected })
}
