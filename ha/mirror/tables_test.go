// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestRecordsOfBothBoxesBecomeEqual(t *testing.T) {
	left, right := newBox(t, "left", nil), newBox(t, "right", nil)
	for i := range 5000 {
		left.table.set(fmt.Sprintf("l%d", i), "before", 1)
		right.table.set(fmt.Sprintf("r%d", i), "before", 1)
	}
	left.table.set("both", "older", 10)
	right.table.set("both", "newer", 11)
	meet(t, left, right)
	left.start(t)
	right.start(t)
	for _, b := range []*box{left, right} {
		eventually(t, "both have all", func() bool { return b.table.len() == 10001 })
		eventually(t, "the newer wins", func() bool { return b.table.get("both") == "newer" })
	}
	left.table.set("l1", "after", 2)
	left.table.remove("l2")
	eventually(t, "a change arrives", func() bool { return right.table.get("l1") == "after" })
	eventually(t, "a removal arrives", func() bool { return right.table.get("l2") == "" && right.table.len() == 10000 })
	eventually(t, "all is acknowledged", func() bool {
		p := left.peerOf("right")
		return p.Queued == 0 && p.Sent == p.Acked && p.LagP99 > 0 && p.Tables[0].State == "in step"
	})
	if p := left.peerOf("right"); p.Version != "1.0" || p.Protocol != protocolMax || p.Problem != "" || p.Snapshots != 1 {
		t.Errorf("left says of right %+v", p)
	}
	if right.peerOf("left").Received == 0 {
		t.Error("right has received nothing, it says")
	}
}

func TestReconnectingGoesOnWhereItWas(t *testing.T) {
	left, right := newBox(t, "left", nil), newBox(t, "right", nil)
	w := newWire(t, right.addr)
	meet(t, left, right)
	through := right.as()
	through.Address = w.addr
	if err := left.SetPeers([]Peer{through}); err != nil {
		t.Fatal(err)
	}
	left.table.set("a", "1", 1)
	left.start(t)
	right.start(t)
	eventually(t, "the first is there", func() bool { return right.table.get("a") == "1" })
	settled(t, left, "right")
	before := left.peerOf("right").Snapshots
	w.set(true)
	severed(t, left, "right")
	for i := range 3000 {
		left.table.set(fmt.Sprint("k", i%1000), fmt.Sprint(i), int64(i))
	}
	if q := left.peerOf("right").Queued; q != 1000 {
		t.Errorf("queued while away: %d, want 1000: the newest of each key", q)
	}
	w.set(false)
	eventually(t, "the rest is there", func() bool { return right.table.len() == 1001 && right.table.get("k999") == "2999" })
	settled(t, left, "right")
	if n := left.peerOf("right").Snapshots; n != before {
		t.Errorf("%d snapshots were sent, want %d: the second stream goes on where the first was", n, before)
	}
}

func TestPeerThatWasAwayTooLongGetsASnapshot(t *testing.T) {
	left, right := newBox(t, "left", nil), newBox(t, "right", nil)
	left.table.log = NewLog(LogConfig{Records: 100})
	left.cfg.Tables[0].Changes = left.table.log
	w := newWire(t, right.addr)
	meet(t, left, right)
	through := right.as()
	through.Address = w.addr
	if err := left.SetPeers([]Peer{through}); err != nil {
		t.Fatal(err)
	}
	left.table.set("a", "1", 1)
	left.start(t)
	right.start(t)
	eventually(t, "the first is there", func() bool { return right.table.get("a") == "1" })
	settled(t, left, "right")
	before := left.peerOf("right").Snapshots
	w.set(true)
	severed(t, left, "right")
	for i := range 5000 {
		left.table.set(fmt.Sprint("k", i), "x", 1)
	}
	left.table.log.mu.Lock()
	n := len(left.table.log.entries)
	left.table.log.mu.Unlock()
	if n > 100 {
		t.Errorf("the log holds %d changes for a peer that is away, want at most 100", n)
	}
	w.set(false)
	eventually(t, "all is there", func() bool { return right.table.len() == 5001 })
	settled(t, left, "right")
	if n := left.peerOf("right").Snapshots; n <= before {
		t.Errorf("%d snapshots were sent, want more than %d", n, before)
	}
}

func TestCutInASnapshotBeginsItAgain(t *testing.T) {
	left, right := newBox(t, "left", nil), newBox(t, "right", nil)
	for i := range 20000 {
		left.table.set(fmt.Sprint("k", i), strings.Repeat("v", 100), 1)
	}
	n, half, cut := 0, make(chan struct{}), make(chan struct{})
	left.table.slow = func() {
		if n++; n == 10000 { // of the first snapshot
			close(half)
			<-cut
		}
	}
	w := newWire(t, right.addr)
	meet(t, left, right)
	through := right.as()
	through.Address = w.addr
	if err := left.SetPeers([]Peer{through}); err != nil {
		t.Fatal(err)
	}
	left.start(t)
	right.start(t)
	eventually(t, "a part is there", func() bool { return right.table.len() > 0 })
	<-half
	w.set(true)
	close(cut)
	severed(t, left, "right")
	if n := right.table.len(); n == 20000 {
		t.Fatal("the cut came too late")
	}
	w.set(false)
	eventually(t, "all is there", func() bool { return right.table.len() == 20000 })
	settled(t, left, "right")
	right.table.mu.Lock()
	defer right.table.mu.Unlock()
	if right.table.applied <= 20000 {
		t.Errorf("%d records were applied, want more than 20000: a part came twice", right.table.applied)
	}
}

func TestRestartOfEitherSideSynchronisesAgain(t *testing.T) {
	left, right := pair(t, nil)
	left.table.set("a", "1", 1)
	eventually(t, "a is there", func() bool { return right.table.get("a") == "1" })

	// right restarts with nothing in memory and has a of left again.
	right.end()
	eventually(t, "left sees it", func() bool { return left.peerOf("right").Problem != "" })
	right.table = newMemory("right", LogConfig{})
	right.make(t, "right", right.addr, nil)
	right.table.set("b", "2", 1)
	if err := right.SetPeers([]Peer{left.as()}); err != nil {
		t.Fatal(err)
	}
	right.start(t)
	eventually(t, "right has a again", func() bool { return right.table.get("a") == "1" })
	eventually(t, "left has b", func() bool { return left.table.get("b") == "2" })

	// left restarts and gets back from right what it had made itself.
	left.end()
	left.table = newMemory("left", LogConfig{})
	left.make(t, "left", left.addr, nil)
	if err := left.SetPeers([]Peer{right.as()}); err != nil {
		t.Fatal(err)
	}
	left.start(t)
	eventually(t, "left has a and b again", func() bool { return left.table.get("a") == "1" && left.table.get("b") == "2" })
	left.table.set("c", "3", 1)
	eventually(t, "c goes on", func() bool { return right.table.get("c") == "3" })
}

func TestSlowReaderHoldsNoMemory(t *testing.T) {
	left, right := newBox(t, "left", nil), newBox(t, "right", nil)
	left.table.log = NewLog(LogConfig{Records: 1000})
	left.cfg.Tables[0].Changes = left.table.log
	gate := make(chan struct{})
	meet(t, left, right)
	left.start(t)
	right.start(t)
	settled(t, left, "right")
	before := left.peerOf("right").Snapshots
	right.table.mu.Lock()
	right.table.gate = gate
	right.table.mu.Unlock()
	value := strings.Repeat("v", 1000)
	for i := range 20000 {
		left.table.set(fmt.Sprint("k", i), value, 1)
	}
	s, inFlight := left.peer("right").session(), 0
	eventually(t, "the window is full", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		inFlight = s.bytes
		return inFlight >= window
	})
	if inFlight > window+maxDataFrame {
		t.Errorf("%d bytes wait for acknowledgements, want at most %d", inFlight, window+maxDataFrame)
	}
	left.table.log.mu.Lock()
	n := len(left.table.log.byKey)
	left.table.log.mu.Unlock()
	if n > 1000 {
		t.Errorf("the log holds %d changes, want at most 1000", n)
	}
	close(gate)
	eventually(t, "all is there by a snapshot", func() bool { return right.table.len() == 20000 })
	settled(t, left, "right")
	if n := left.peerOf("right").Snapshots; n <= before {
		t.Errorf("%d snapshots, want more than %d: the log was too short", n, before)
	}
}

// A journal is what a box has logged.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) has(words string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Contains(j.text.String(), words)
}

func TestPeerThatAppliesNothingIsLeft(t *testing.T) {
	left, right := newBox(t, "left", nil), newBox(t, "right", nil)
	left.ackTime = 500 * time.Millisecond
	var said journal
	left.Node.log = slog.New(slog.NewTextHandler(&said, nil))
	gate := make(chan struct{})
	right.table.gate = gate
	left.table.set("a", "1", 1)
	meet(t, left, right)
	left.start(t)
	right.start(t)
	t.Cleanup(func() { // before the boxes end
		select {
		case <-gate:
		default:
			close(gate)
		}
	})
	// The peer's Problem is another soon: right does not take the next stream yet.
	eventually(t, "left says why it ended the stream", func() bool { return said.has("has applied none of it") })
	close(gate)
	eventually(t, "a is there", func() bool { return right.table.get("a") == "1" })
	connected(t, left, right)
}

func TestChangesGoOnWhileASnapshotIsSent(t *testing.T) {
	left, right := newBox(t, "left", nil), newBox(t, "right", nil)
	for i := range 10000 {
		left.table.set(fmt.Sprint("k", i), strings.Repeat("v", 100), 1)
	}
	n, late := 0, make(chan struct{})
	left.table.slow = func() { // in the middle, a change; it must arrive before the end
		if n++; n == 5000 {
			left.table.set("urgent", "now", 2)
		}
		if n == 9999 {
			<-late
		}
	}
	meet(t, left, right)
	left.start(t)
	right.start(t)
	eventually(t, "the change overtakes", func() bool { return right.table.get("urgent") == "now" })
	if s := left.peerOf("right").Tables[0].State; s != "snapshot" {
		t.Errorf("state = %q, want snapshot", s)
	}
	close(late)
	eventually(t, "all is there", func() bool { return right.table.len() == 10001 })
}
