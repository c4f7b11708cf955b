// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// join begins on one box and joins from the other, and returns when both show a
// code.
func join(t *testing.T, began, joins *box) {
	t.Helper()
	if _, err := began.Pairing().Begin(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := joins.Pairing().Join(ctx, began.addr)
	if err != nil || s.Phase != PairCode {
		t.Fatalf("Join() = %+v, %v", s, err)
	}
	phase(t, began, PairCode)
}

// phase waits until a box's pairing has come so far.
func phase(t *testing.T, b *box, want Phase) PairingState {
	t.Helper()
	eventually(t, b.cfg.Node+" is at "+string(want), func() bool { return b.Pairing().Show().Phase == want })
	return b.Pairing().Show()
}

func (b *box) keeps() []Peer {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Peer(nil), b.kept...)
}

func twoStrangers(t *testing.T) (left, right *box) {
	t.Helper()
	left, right = newBox(t, "left", nil), newBox(t, "right", nil)
	left.start(t)
	right.start(t)
	return left, right
}

func confirm(t *testing.T, b *box, matches bool) {
	t.Helper()
	if _, err := b.Pairing().Confirm(matches); err != nil {
		t.Fatal(err)
	}
}

func TestBoxesPairByTheSameCode(t *testing.T) {
	left, right := twoStrangers(t)
	join(t, left, right)
	l, r := left.Pairing().Show(), right.Pairing().Show()
	if l.Code != r.Code || len(l.Code) != 6 || strings.Trim(l.Code, "0123456789") != "" {
		t.Fatalf("codes %q and %q, want the same six digits", l.Code, r.Code)
	}
	if l.Peer != "right" || r.Peer != "left" || l.Fingerprint != right.id.Fingerprint() || r.Address != left.addr {
		t.Errorf("states %+v and %+v", l, r)
	}
	confirm(t, left, true)
	eventually(t, "right sees it", func() bool { return right.Pairing().Show().ConfirmedThere })
	if len(left.keeps())+len(right.keeps()) != 0 {
		t.Error("one confirmation is enough")
	}
	if _, err := left.Pairing().Confirm(true); err == nil {
		t.Error("a second confirmation on the same box is accepted")
	}
	confirm(t, right, true)
	for _, b := range []*box{left, right} {
		if s := phase(t, b, PairDone); s.Code != "" || s.Failures != 0 {
			t.Errorf("state after pairing = %+v", s)
		}
	}
	lp, rp := left.keeps(), right.keeps()
	if len(lp) != 1 || len(rp) != 1 || lp[0].Secret != rp[0].Secret || lp[0].Secret == [32]byte{} {
		t.Fatalf("kept %+v and %+v, want one peer each with the same secret", lp, rp)
	}
	if lp[0].Address != right.addr || lp[0].Fingerprint != right.id.Fingerprint() {
		t.Errorf("left keeps %+v", lp[0])
	}
	if err := errors.Join(left.SetPeers(lp), right.SetPeers(rp)); err != nil {
		t.Fatal(err)
	}
	connected(t, left, right)
}

func TestCodesOfTwoPairingsDiffer(t *testing.T) {
	left, right := twoStrangers(t)
	seen := map[string]bool{}
	for range 3 {
		join(t, left, right)
		seen[left.Pairing().Show().Code] = true
		confirm(t, left, true)
		confirm(t, right, true)
		phase(t, left, PairDone)
		phase(t, right, PairDone)
	}
	if len(seen) < 2 {
		t.Errorf("three pairings had the codes %v", seen)
	}
}

func TestCodesThatDifferEndThePairingOnBoth(t *testing.T) {
	left, right := twoStrangers(t)
	join(t, left, right)
	confirm(t, left, true)
	confirm(t, right, false)
	for _, b := range []*box{left, right} {
		s := phase(t, b, PairFailed)
		if !strings.Contains(s.Problem, "the codes differ, says the person at right") || s.Failures != 1 {
			t.Errorf("%s: %+v", b.cfg.Node, s)
		}
		if s.NotBefore.IsZero() {
			t.Errorf("%s: no pause after a failure", b.cfg.Node)
		}
		b.Pairing().mu.Lock()
		b.Pairing().state.NotBefore = s.NotBefore.Add(time.Hour) // however long this test takes
		b.Pairing().mu.Unlock()
		if _, err := b.Pairing().Begin(); err == nil || !strings.Contains(err.Error(), "the next can begin in") {
			t.Errorf("%s: Begin() right after = %v, want a pause", b.cfg.Node, err)
		}
		if len(b.keeps()) != 0 {
			t.Errorf("%s keeps a peer", b.cfg.Node)
		}
		if _, err := b.Pairing().Confirm(true); err == nil {
			t.Errorf("%s: a code that is over is confirmed", b.cfg.Node)
		}
	}
}

func TestPausesGrowWithFailures(t *testing.T) {
	left := newBox(t, "left", nil)
	p := left.Pairing()
	var least, most time.Duration // of the last pause, which began between two looks at the clock
	for i := range 12 {
		p.mu.Lock()
		p.reset(PairCode, "")
		p.expire(pairWindow, "")
		a := newAttempt(false, "")
		a.shown = true
		p.attempt = a
		p.mu.Unlock()
		before := time.Now()
		p.finish(a, Peer{}, errors.New("no"))
		after, until := time.Now(), p.Show().NotBefore
		if most = until.Sub(before); most < least || until.Sub(after) > failLongest {
			t.Errorf("pause after failure %d = %v or less, the one before %v or more", i+1, most, least)
		}
		least = until.Sub(after)
	}
	if most < failLongest {
		t.Errorf("the longest pause is %v, want %v", most, failLongest)
	}
}

func TestOneTryForEachBegin(t *testing.T) {
	left, right := twoStrangers(t)
	third := newBox(t, "third", nil)
	third.start(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := right.Pairing().Join(ctx, left.addr); err == nil || !strings.Contains(err.Error(), "not open for pairing") {
		t.Errorf("Join of a box that has not begun = %v", err)
	}
	join(t, left, right)
	if _, err := third.Pairing().Join(ctx, left.addr); err == nil || !strings.Contains(err.Error(), "not open for pairing") {
		t.Errorf("second Join = %v", err)
	}
	if _, err := left.Pairing().Begin(); err == nil {
		t.Error("Begin while a pairing goes on is accepted")
	}
	right.Pairing().Cancel()
	if s := phase(t, left, PairFailed); !strings.Contains(s.Problem, "cancelled on right") {
		t.Errorf("left: %+v", s)
	}
	if _, err := third.Pairing().Join(ctx, left.addr); err == nil {
		t.Error("a third box joins after a try that failed")
	}
}

func TestOneBoxJoinsAtATime(t *testing.T) {
	left := newBox(t, "left", nil)
	left.start(t)
	if _, err := left.Pairing().Begin(); err != nil {
		t.Fatal(err)
	}
	first := pairStream(t, left)
	eventually(t, "the first is at it", func() bool {
		left.Pairing().mu.Lock()
		defer left.Pairing().mu.Unlock()
		return left.Pairing().attempt != nil
	})
	if err := readToEnd(pairStream(t, left)); !isTLSAlert(err) {
		t.Errorf("the second was let in: %v", err)
	}
	if err := first.writeJSON(framePairCommit, pairCommit{Protocol: 1, Node: "right", Address: "127.0.0.1:9"}); err != nil {
		t.Fatal(err)
	}
	var answer pairNonce
	if err := readPair(first, framePairNonce, &answer); err != nil || answer.Node != "left" {
		t.Errorf("the first is answered with %+v, %v", answer, err)
	}
}

func TestPairingThatOneBoxCannotKeepIsTakenBack(t *testing.T) {
	left, right := twoStrangers(t)
	join(t, left, right)
	right.mu.Lock()
	right.refuses = errors.New("the disk is full")
	right.mu.Unlock()
	confirm(t, right, true)
	confirm(t, left, true)
	for _, b := range []*box{left, right} {
		if s := phase(t, b, PairFailed); !strings.Contains(s.Problem, "right could not keep the pairing: the disk is full") {
			t.Errorf("%s: %+v", b.cfg.Node, s)
		}
		if len(b.keeps()) != 0 {
			t.Errorf("%s keeps a peer", b.cfg.Node)
		}
	}
}

func TestBoxesThatCannotBePeersAreTold(t *testing.T) {
	left, same := newBox(t, "left", nil), newBox(t, "left", nil)
	left.start(t)
	same.start(t)
	if _, err := left.Pairing().Begin(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := same.Pairing().Join(ctx, left.addr); err == nil || !strings.Contains(err.Error(), `both boxes are called "left"`) {
		t.Errorf("Join of a box with the same name = %v", err)
	}
	if s := left.Pairing().Show(); s.Phase != PairOpen {
		t.Errorf("left is %s, want open: no code was shown", s.Phase)
	}
	eventually(t, "the next may join", func() bool {
		left.Pairing().mu.Lock()
		defer left.Pairing().mu.Unlock()
		return left.Pairing().attempt == nil
	})
	right := newBox(t, "right", nil)
	right.start(t)
	if err := right.SetPeers([]Peer{{Name: "left", Address: "127.0.0.1:9", Fingerprint: same.id.Fingerprint()}}); err != nil {
		t.Fatal(err)
	}
	if _, err := right.Pairing().Join(ctx, left.addr); err == nil || !strings.Contains(err.Error(), "unpair it there first") {
		t.Errorf("Join of a box whose name is taken = %v", err)
	}
}

func TestFullBoxDoesNotPair(t *testing.T) {
	left := newBox(t, "left", nil)
	var peers []Peer
	for _, name := range []string{"b", "c", "d"} {
		peers = append(peers, newBox(t, name, nil).as())
	}
	if err := left.SetPeers(peers); err != nil {
		t.Fatal(err)
	}
	if _, err := left.Pairing().Begin(); err == nil || !strings.Contains(err.Error(), "unpair one first") {
		t.Errorf("Begin() with three peers = %v", err)
	}
}

func TestStrangersCloseTheWindowInTheEnd(t *testing.T) {
	left := newBox(t, "left", nil)
	left.start(t)
	if _, err := left.Pairing().Begin(); err != nil {
		t.Fatal(err)
	}
	for i := range pairStrange {
		eventually(t, "the door is open", func() bool {
			p := left.Pairing()
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.attempt == nil
		})
		if left.Pairing().Show().Phase != PairOpen {
			t.Fatalf("closed after %d strangers", i)
		}
		st := pairStream(t, left)
		if err := st.writeJSON(framePairCommit, pairCommit{Protocol: 9}); err != nil {
			t.Fatal(err)
		}
		readToEnd(st)
	}
	phase(t, left, PairFailed)
}

// pairStream connects to a box for pairing.
func pairStream(t *testing.T, to *box) *stream {
	t.Helper()
	id, err := NewIdentity("x")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := net.Dial("tcp", to.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	p := &paced{Conn: raw, silence: patience}
	conn := tls.Client(p, tlsConfig(id, func(string, Fingerprint) error { return nil }, alpnPair))
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	return newStream(conn, p)
}

// A joining side that learns the other's nonce and then reveals another one than
// it was committed to is found out; that try counts.
func TestRevealMustBeWhatWasCommittedTo(t *testing.T) {
	left := newBox(t, "left", nil)
	left.start(t)
	if _, err := left.Pairing().Begin(); err != nil {
		t.Fatal(err)
	}
	st := pairStream(t, left)
	first := pairCommit{Protocol: 1, Node: "right", Address: "127.0.0.1:9", Commit: make([]byte, 32)}
	if err := st.writeJSON(framePairCommit, first); err != nil {
		t.Fatal(err)
	}
	var answer pairNonce
	if err := readPair(st, framePairNonce, &answer); err != nil {
		t.Fatal(err)
	}
	if err := st.write(ended(append(begun(nil, framePairReveal), make([]byte, 32)...))); err != nil {
		t.Fatal(err)
	}
	s := phase(t, left, PairFailed)
	if !strings.Contains(s.Problem, "somebody may be between the boxes") || s.Failures != 1 {
		t.Errorf("left: %+v", s)
	}
}
