// SPDX-License-Identifier: Apache-2.0

package mirror

import "testing"

// A snapshot that is cut short must begin again: so as long as one is coming, a
// peer that comes back is told that nothing is applied. A Replacer depends on it.
func TestNothingCountsAsAppliedWhileASnapshotComes(t *testing.T) {
	left := newBox(t, "left", nil)
	offer := hello{Tables: []tableHello{{Name: "sources", Epoch: 5}, {Name: "unknown", Epoch: 6}}}
	p := newPeer(Peer{Name: "right"})
	answered := func() (*intake, tableHello) {
		in, tables := newIntake(left.Node, p, nil, offer)
		if len(tables) != 1 {
			t.Fatalf("%d tables are agreed on, want 1", len(tables))
		}
		return in, tables[0]
	}
	in, at := answered()
	if at.Epoch != 0 {
		t.Errorf("at first %+v is applied", at)
	}
	in.begin(&in.tables[0])
	if err := in.endSnapshot(&in.tables[0], []byte{7}); err != nil {
		t.Fatal(err)
	}
	if err := in.delta(&in.tables[0], append([]byte{0, 0, 0, 0, 0, 0, 0, 9}, appendChange(nil, "k", nil, true)...)); err != nil {
		t.Fatal(err)
	}
	if _, at = answered(); at != (tableHello{"sources", 5, 9}) {
		t.Errorf("after a snapshot to 7 and changes to 9, %+v is applied", at)
	}
	in.begin(&in.tables[0])
	if err := in.delta(&in.tables[0], []byte{0, 0, 0, 0, 0, 0, 0, 12}); err != nil {
		t.Fatal(err)
	}
	if _, at = answered(); at.Epoch != 0 {
		t.Errorf("in the middle of a snapshot %+v is applied", at)
	}
	if err := in.endSnapshot(&in.tables[0], []byte{10}); err != nil {
		t.Fatal(err)
	}
	if _, at = answered(); at.Seq != 12 {
		t.Errorf("after changes to 12 beside a snapshot to 10, %+v is applied", at)
	}
	offer.Tables[0].Epoch = 8
	if _, at = answered(); at.Epoch != 0 {
		t.Errorf("of a log with another epoch %+v is applied", at)
	}
}
