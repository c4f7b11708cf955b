// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"strings"
	"testing"
	"time"
)

// A reporter is a Replacer: what each box says about itself.
type reporter struct {
	*memory
	said   map[string]map[string]string // by origin; guarded by memory.mu
	coming map[string]string
}

func (r *reporter) SnapshotBegin(string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.coming = map[string]string{}
}

func (r *reporter) Apply(origin string, changes []Change) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	to := r.said[origin]
	if r.coming != nil {
		to = r.coming
	}
	for _, c := range changes {
		if to[string(c.Key)] = string(c.Value); c.Deleted {
			delete(to, string(c.Key))
		}
	}
	return nil
}

func (r *reporter) SnapshotEnd(origin string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said[origin], r.coming = r.coming, nil
}

func (r *reporter) keys(origin string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.said[origin])
}

func TestReplacerForgetsWhatIsNotInASnapshot(t *testing.T) {
	reporters := map[string]*reporter{}
	with := func(c *Config) {
		r := &reporter{memory: newMemory(c.Node, LogConfig{}), said: map[string]map[string]string{}}
		reporters[c.Node] = r
		c.Tables = append(c.Tables, Table{Name: "state", Changes: r.log, Records: r})
	}
	left, right := newBox(t, "left", with), newBox(t, "right", with)
	l, r := reporters["left"], reporters["right"]
	l.set("a", "1", 1)
	l.set("b", "1", 1)
	meet(t, left, right)
	left.start(t)
	right.start(t)
	eventually(t, "two are there", func() bool { return r.keys("left") == 2 })
	l.remove("a")
	l.set("c", "1", 1)
	l.set("d", "1", 1)
	eventually(t, "a is gone", func() bool { return r.keys("left") == 3 })

	// left restarts with one record; no removal of the others is ever sent.
	left.end()
	left.make(t, "left", left.addr, with)
	reporters["left"].set("e", "1", 1)
	if err := left.SetPeers([]Peer{right.as()}); err != nil {
		t.Fatal(err)
	}
	left.start(t)
	eventually(t, "only the new one is there", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.said["left"]) == 1 && r.said["left"]["e"] != ""
	})
}

// A table that a newer version has and this one has not does no harm.
func TestTablesThatOnlyOneBoxHasAreLeftOut(t *testing.T) {
	extra := newMemory("left", LogConfig{})
	left := newBox(t, "left", func(c *Config) {
		c.Tables = append([]Table{{Name: "new", Changes: extra.log, Records: extra}}, c.Tables...)
	})
	right := newBox(t, "right", nil)
	extra.set("x", "1", 1)
	left.table.set("a", "1", 1)
	right.table.set("b", "1", 1)
	meet(t, left, right)
	left.start(t)
	right.start(t)
	eventually(t, "the common table passes", func() bool { return right.table.get("a") == "1" && left.table.get("b") == "1" })
	extra.set("y", "1", 1)
	left.table.set("c", "1", 1)
	eventually(t, "and goes on", func() bool { return right.table.get("c") == "1" })
	tables := left.peerOf("right").Tables
	if tables[0].State != "away" || tables[1].State != "in step" {
		t.Errorf("tables = %+v, want away and in step", tables)
	}
}

func TestRecordThatATableRefusesIsShown(t *testing.T) {
	left, right := pair(t, nil)
	settled(t, left, "right") // before, the log may keep nothing: a snapshot will have it all
	if err := left.table.log.Put([]byte("bad"), []byte("no stamp")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "right says so", func() bool { return strings.Contains(right.peerOf("left").Tables[0].Problem, "does not begin") })
	left.table.set("a", "1", 1)
	eventually(t, "the stream goes on", func() bool { return right.table.get("a") == "1" })
	right.peer("left").intake().want()
	eventually(t, "a snapshot without it ends that", func() bool { return right.peerOf("left").Tables[0].Problem == "" })
}

func TestClocksAreCompared(t *testing.T) {
	left, _ := pair(t, nil)
	eventually(t, "the difference is known and small", func() bool {
		d := left.peerOf("right").Skew
		return d != 0 && d.Abs() < time.Second
	})
}

func TestPeerThatMovesIsFollowed(t *testing.T) {
	left, right := pair(t, nil)
	w := newWire(t, right.addr)
	moved := right.as()
	moved.Address = w.addr
	if err := left.SetPeers([]Peer{moved}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stream goes the new way", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.passed > 0
	})
	connected(t, left, right)
	left.table.set("a", "1", 1)
	right.table.set("b", "1", 1)
	eventually(t, "records pass", func() bool { return right.table.get("a") == "1" && left.table.get("b") == "1" })
	// They may have passed on the old streams, whose end right is told of then.
	eventually(t, "right says nothing", func() bool { return right.peerOf("left").Problem == "" })
}
