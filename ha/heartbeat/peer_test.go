// SPDX-License-Identifier: Apache-2.0

package heartbeat

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

var secret = bytes.Repeat([]byte{7}, KeySize)

func newPeer(t testing.TB, self, name string, secret []byte) *Peer {
	t.Helper()
	p, err := NewPeer(self, name, secret)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// pair returns both ends: what left knows of right, and the other way round.
func pair(t testing.TB) (left, right *Peer) {
	return newPeer(t, "left", "right", secret), newPeer(t, "right", "left", secret)
}

func seal(t testing.TB, p *Peer, state string) []byte {
	t.Helper()
	b, err := p.Seal(Report{Interval: time.Second, Groups: []Group{{Name: "front", State: state}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// meet exchanges heartbeats until both ends believe each other.
func meet(t testing.TB, a, b *Peer) {
	t.Helper()
	for range 3 {
		b.Open(0, seal(t, a, "init"))
		a.Open(0, seal(t, b, "init"))
	}
	if _, ok := a.Seen(0); !ok {
		t.Fatalf("%s does not see %s after three exchanges", a.self, a.name)
	}
	if _, ok := b.Seen(0); !ok {
		t.Fatalf("%s does not see %s after three exchanges", b.self, b.name)
	}
}

// refused opens b and wants it refused for the reason.
func refused(t *testing.T, p *Peer, b []byte, want Reason) {
	t.Helper()
	before := p.Refused()[want]
	err := p.Open(time.Hour, b)
	var e *Error
	if !errors.As(err, &e) || e.Reason != want || e.Text == "" {
		t.Fatalf("Open = %v, want an Error with reason %q", err, want)
	}
	if got := p.Refused()[want]; got != before+1 {
		t.Errorf("Refused()[%q] = %d, want %d", want, got, before+1)
	}
}

// state returns what p knows of the group, "" if nothing.
func state(p *Peer) string {
	s, ok := p.Seen(0)
	if !ok {
		return ""
	}
	return s.Report.Groups[0].State
}

func TestReportArrivesWhole(t *testing.T) {
	left, right := pair(t)
	meet(t, left, right)
	r := Report{Interval: 250 * time.Millisecond, Groups: []Group{
		{"front", "active", 200, true, "no advertisement from 10.0.0.2 (priority 150) for 361 ms", "right"},
		{"back", "fault", 1, false, "", ""},
	}}
	b, err := left.Seal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := right.Open(time.Minute, b); err != nil {
		t.Fatal(err)
	}
	s, ok := right.Seen(time.Minute + time.Second)
	r.Node = "left"
	if !ok || !reflect.DeepEqual(s.Report, r) || s.Age != time.Second {
		t.Errorf("Seen = %+v, %v, want %+v of age 1s", s, ok, r)
	}
}

func TestNothingIsReadableOnTheWay(t *testing.T) {
	left, _ := pair(t)
	if b := seal(t, left, "active"); bytes.Contains(b, []byte("front")) || bytes.Contains(b, []byte("left")) {
		t.Errorf("datagram %q shows names", b)
	}
}

// Each side needs one answer from the other before it believes it.
func TestPeersMeetAfterOneExchange(t *testing.T) {
	left, right := pair(t)
	refused(t, right, seal(t, left, "backup"), NoEcho)
	if err := left.Open(0, seal(t, right, "active")); err != nil {
		t.Errorf("Open of an answer = %v", err)
	}
	if err := right.Open(0, seal(t, left, "backup")); err != nil {
		t.Errorf("Open of an answer to an answer = %v", err)
	}
}

func TestReplayIsRefused(t *testing.T) {
	left, right := pair(t)
	meet(t, left, right)
	b := seal(t, left, "active")
	if err := right.Open(0, b); err != nil {
		t.Fatal(err)
	}
	refused(t, right, b, Replayed)
	refused(t, left, b, Stranger) // sent back to where it came from
}

// A network may deliver late: what is older than the newest is of no use.
func TestReorderedHeartbeatsNeverGoBack(t *testing.T) {
	left, right := pair(t)
	meet(t, left, right)
	old, now := seal(t, left, "backup"), seal(t, left, "active")
	if err := right.Open(0, now); err != nil {
		t.Fatal(err)
	}
	refused(t, right, old, Replayed)
	if got := state(right); got != "active" {
		t.Errorf("state %q after the older heartbeat, want active", got)
	}
}

func TestLossIsCounted(t *testing.T) {
	left, right := pair(t)
	meet(t, left, right)
	seal(t, left, "active") // lost
	if err := right.Open(time.Second, seal(t, left, "active")); err != nil {
		t.Fatalf("Open after a loss = %v", err)
	}
	for range 3 {
		seal(t, right, "backup")
	}
	if s, _ := right.Seen(5 * time.Second); s.Missed != 3 || s.Age != 4*time.Second {
		t.Errorf("Seen = missed %d, age %v, want 3, 4s", s.Missed, s.Age)
	}
	if err := right.Open(6*time.Second, seal(t, left, "active")); err != nil {
		t.Fatal(err)
	}
	if s, _ := right.Seen(6 * time.Second); s.Missed != 0 || s.Age != 0 {
		t.Errorf("Seen = missed %d, age %v, want 0, 0s", s.Missed, s.Age)
	}
}

func TestEveryTamperedByteIsRefused(t *testing.T) {
	left, right := pair(t)
	meet(t, left, right)
	good := seal(t, left, "active")
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 0x40
		want := Tampered
		switch {
		case i == 0:
			want = Malformed
		case i <= idSize:
			want = Stranger
		}
		refused(t, right, b, want)
	}
	for n := range good {
		if err := right.Open(0, good[:n]); err == nil {
			t.Fatalf("Open of the first %d bytes = nil", n)
		}
	}
	refused(t, right, append(bytes.Clone(good), make([]byte, MaxSize)...), Malformed)
	if err := right.Open(0, good); err != nil {
		t.Errorf("Open of the untouched heartbeat = %v", err)
	}
}

func TestOtherKeysAndNamesAreStrangers(t *testing.T) {
	left, right := pair(t)
	meet(t, left, right)
	wrong := newPeer(t, "left", "right", bytes.Repeat([]byte{8}, KeySize))
	refused(t, right, seal(t, wrong, "active"), Stranger)
	renamed := newPeer(t, "west", "right", secret)
	refused(t, right, seal(t, renamed, "active"), Stranger)
	// With the id forged the seal itself must refuse.
	forged := seal(t, wrong, "active")
	copy(forged[1:], left.send.id[:])
	refused(t, right, forged, Tampered)
}

func TestPeerThatStartsAnewIsBelievedAgain(t *testing.T) {
	left, right := pair(t)
	meet(t, left, right)
	recording := seal(t, left, "active")
	again := newPeer(t, "left", "right", secret)
	meet(t, again, right)
	if got := state(right); got != "init" {
		t.Errorf("state %q, want that of the new run", got)
	}
	// The run before is over: what it sealed, and what was recorded of it, is worthless.
	refused(t, right, recording, Replayed)
	refused(t, right, seal(t, left, "active"), Replayed)
}

func TestRecordingsOfBeforeOurStartAreRefused(t *testing.T) {
	left, right := pair(t)
	meet(t, left, right)
	recording := [][]byte{seal(t, left, "active"), seal(t, left, "active")}
	again := newPeer(t, "right", "left", secret)
	for _, b := range recording {
		refused(t, again, b, NoEcho)
	}
	if _, ok := again.Seen(0); ok {
		t.Fatal("seen by a recording alone")
	}
	meet(t, left, again) // and left, which lives, gets through beside them
}

// Somebody who replays earlier runs of both must not keep the living apart.
func TestReplaysDoNotKeepLivingPeersApart(t *testing.T) {
	var ofLeft, ofRight [][]byte
	for range maxCandidates - 1 {
		left, right := pair(t)
		ofLeft = append(ofLeft, seal(t, left, "active"))
		ofRight = append(ofRight, seal(t, right, "active"))
	}
	left, right := pair(t)
	for range 3 {
		toRight, toLeft := seal(t, left, "backup"), seal(t, right, "backup")
		for i, b := range append([][]byte{toRight}, append(ofLeft, ofLeft...)...) {
			right.Open(0, b)
			left.Open(0, append([][]byte{toLeft}, append(ofRight, ofRight...)...)[i])
		}
	}
	if state(left) != "backup" || state(right) != "backup" {
		t.Errorf("states %q and %q, want those of the living peers", state(left), state(right))
	}
	for _, b := range ofLeft {
		refused(t, right, b, NoEcho)
	}
}

func TestProposedRunsAreBoundedAndForgotten(t *testing.T) {
	right := newPeer(t, "right", "left", secret)
	for range 300 {
		right.Open(0, seal(t, newPeer(t, "left", "right", secret), "active"))
	}
	before := len(seal(t, right, "backup"))
	meet(t, newPeer(t, "left", "right", secret), right)
	after := len(seal(t, right, "backup"))
	if len(right.candidates) != 0 || after-before > (1-maxCandidates)*epochSize+1 {
		t.Errorf("%d bytes with %d proposed runs, %d after meeting", before, maxCandidates, after)
	}
}

// A peer may start so often that its earlier runs are no longer remembered:
// then this side begins a run of its own, for which they never sealed anything.
func TestForgottenRunsStayRefused(t *testing.T) {
	right := newPeer(t, "right", "left", secret)
	var recordings [][]byte
	for range 3 * maxRetired {
		left := newPeer(t, "left", "right", secret)
		meet(t, left, right)
		recordings = append(recordings, seal(t, left, "active"))
	}
	if n := len(right.retired); n > maxRetired {
		t.Errorf("%d runs remembered, want at most %d", n, maxRetired)
	}
	for i, b := range recordings[:len(recordings)-1] {
		if err := right.Open(0, b); err == nil {
			t.Fatalf("Open of recording %d = nil", i)
		}
	}
	if got := state(right); got != "init" {
		t.Errorf("state %q, want that of the last run", got)
	}
}

func TestNonceIsNeverUsedTwice(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		left, _ := pair(t)
		for range 100 {
			n := string(nonce(seal(t, left, "active")))
			if seen[n] {
				t.Fatal("nonce used twice")
			}
			seen[n] = true
		}
	}
}

func TestNewPeerRefuses(t *testing.T) {
	for _, c := range []struct {
		self, name string
		secret     []byte
		want       string
	}{
		{"left", "right", secret[1:], "has 32 bytes, not 31"},
		{"left", "left", secret, "two different names"},
		{"", "right", secret, "two different names"},
		{"left", strings.Repeat("x", 65), secret, "at most 64 bytes"},
	} {
		if _, err := NewPeer(c.self, c.name, c.secret); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("NewPeer(%q, %q) = %v, want an error with %q", c.self, c.name, err, c.want)
		}
	}
}
